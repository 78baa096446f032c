package dev.genesis.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.health.v1.HealthGrpc;

/**
 * Repeats calls that found no server, where that does no harm: five tries over about three seconds, by the rules of gRFC A6.
 *
 * <p>gRPC's own retries choose the connection of a try before they wait, so that a server that is back meanwhile is not noticed.
 */
final class Retries implements ClientInterceptor {
  private final Runnable hurry;
  private final Throttle throttle = new Throttle();

  /** {@code hurry} makes the channel connect at once. */
  Retries(Runnable hurry) {
    this.hurry = hurry;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    return isRepeatable(method)
        ? new RepeatedCall<>(() -> next.newCall(method, options), options.getDeadline(), hurry, throttle)
        : next.newCall(method, options);
  }

  static boolean isRepeatable(MethodDescriptor<?, ?> method) {
    if (!method.getType().clientSendsOneMessage()) {
      return false;
    }
    // Calls that answer with a stream only read, or have a request id.
    return method.isIdempotent()
        || method.isSafe()
        || RequestIds.has(method)
        || !method.getType().serverSendsOneMessage()
        || HealthGrpc.SERVICE_NAME.equals(method.getServiceName());
  }

  /** Ends repeats while most calls fail, so that they do not keep a server down (gRFC A6: 10 tokens, 0.1 for each success). */
  static final class Throttle {
    private static final double MOST = 10;
    private double tokens = MOST;

    synchronized void succeeded() {
      tokens = Math.min(MOST, tokens + 0.1);
    }

    /** A call found no server; whether it may be repeated. */
    synchronized boolean failed() {
      tokens = Math.max(0, tokens - 1);
      return tokens > MOST / 2;
    }
  }

  /** How long the server asked to wait, in milliseconds: null when it did not ask, below 0 for no repeat. */
  static Long pushback(Metadata trailers) {
    String said = trailers.get(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER));
    try {
      return said == null ? null : Long.valueOf(said);
    } catch (NumberFormatException unreadable) {
      return -1L;
    }
  }
}
