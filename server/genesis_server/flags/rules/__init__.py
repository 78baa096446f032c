"""Targeting rules of flagd's format: compiled once, then asked in microseconds."""
