"""Room: rpc/interceptors."""
