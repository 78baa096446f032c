"""Feature flags: what is on, and why.

definition.py reads a file in flagd's format, overrides.py reads the environment, snapshot.py answers from both,
source.py follows the file while the server runs. json_lines.py finds the lines that mistakes are on.
"""
