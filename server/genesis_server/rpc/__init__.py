"""Room: rpc."""
