"""Where definitions of flags come from."""
