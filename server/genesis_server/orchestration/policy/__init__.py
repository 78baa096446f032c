"""The rulebook in use: the file's until another one is activated; what was activated when, by whom and why."""
