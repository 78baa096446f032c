"""The HTTP edge: health for people and probes, and the metrics."""
