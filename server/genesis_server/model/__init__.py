"""The nouns everybody shares: frozen values, no behaviour beyond their invariants.

Enums have the numbers of the contract's enums, so that the edge converts them by number.
"""
