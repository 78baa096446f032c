"""What the product calls interceptors: the layers around every call; `rpc/chain.py` has their order.

They are layers put around each handler when the server is made, not interceptors of gRPC, which would send every call through a coroutine
of each before it looks for the handler.
"""
