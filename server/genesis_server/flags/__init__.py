"""Feature flags: what is on for whom, and why.

Definitions in flagd's format come from the flags that ship, a file and what was written (sources/), are read flag by flag (reading.py),
and their rules compiled (rules/). live.py holds the layers, snapshot.py answers from them; above all stand overrides.py (the
environment) and emergency.py. desk.py is what operators do; strategies.py, verbs.py, preview.py and lint.py help them to do it right.
"""
