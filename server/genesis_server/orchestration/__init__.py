"""Plan → route → validate → repair: the one room that knows all three layers."""
