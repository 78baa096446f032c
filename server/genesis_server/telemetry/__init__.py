"""Room: telemetry."""
