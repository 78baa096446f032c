"""Room: flags."""
