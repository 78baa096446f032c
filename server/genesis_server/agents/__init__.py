"""The agents the server knows: cards, registry, catalogue import, and the index that finds who can do what."""
