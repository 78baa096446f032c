"""The layers around every call; `rpc/chain.py` has their order."""
