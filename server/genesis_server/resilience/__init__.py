"""Errors, retries, circuit breakers and the degradation ladder: the ground floor."""
