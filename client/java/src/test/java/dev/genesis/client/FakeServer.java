package dev.genesis.client;

import io.grpc.BindableService;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.protobuf.services.HealthStatusManager;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** A server in this process, on a port of its own, that keeps the headers it saw. */
final class FakeServer implements AutoCloseable {
  private final Server server;
  private final int port;
  private final List<Metadata> headers = new CopyOnWriteArrayList<>();

  FakeServer(BindableService... services) throws IOException {
    this(0, services);
  }

  FakeServer(int wanted, BindableService... services) throws IOException {
    ServerBuilder<?> builder = Grpc.newServerBuilderForPort(wanted, InsecureServerCredentials.create()).intercept(new Keeper());
    builder.addService(new HealthStatusManager().getHealthService());
    for (BindableService one : services) {
      builder.addService(one);
    }
    server = builder.build().start();
    this.port = server.getPort();
  }

  String target() {
    return "127.0.0.1:" + port();
  }

  int port() {
    return port;
  }

  /** One header of each call in turn; null where it was not there. */
  List<String> header(String name) {
    return headers.stream().map(one -> one.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER))).toList();
  }

  @Override
  public void close() {
    try {
      server.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Keeper implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata metadata, ServerCallHandler<Q, A> next) {
      // The client's own health checking is no call of the test.
      if (!call.getMethodDescriptor().getServiceName().startsWith("grpc.")) {
        headers.add(metadata);
      }
      return next.startCall(call, metadata);
    }
  }
}
