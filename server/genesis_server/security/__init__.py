"""Room: security."""
