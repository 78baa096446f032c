"""The gRPC edge: the server, its interceptors, one servicer per service, and the way between messages and the domain."""
