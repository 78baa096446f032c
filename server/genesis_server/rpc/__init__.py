"""The gRPC edge: the server, the layers around its calls, one servicer per service, and the way between messages and the domain."""
