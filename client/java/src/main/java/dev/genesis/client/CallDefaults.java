package dev.genesis.client;

import com.google.protobuf.Message;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Gives every call what it did not say itself: a deadline, credentials, headers, a request id. */
final class CallDefaults implements ClientInterceptor {
  /** W3C trace context that calls made in this context carry on. */
  static final Context.Key<String> TRACEPARENT = Context.key("genesis-traceparent");

  private static final Metadata.Key<String> TRACEPARENT_HEADER = Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);

  private final Duration timeout;
  private final Map<String, String> headers;
  private final CallCredentials credentials;
  private final int maxMessageBytes;

  CallDefaults(Options options, CallCredentials credentials) {
    this.timeout = options.timeout;
    this.headers = options.headers;
    this.maxMessageBytes = options.maxMessageBytes;
    this.credentials = credentials;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions given, Channel next) {
    CallOptions options = given;
    if (method.getType() == MethodDescriptor.MethodType.UNARY && given.getDeadline() == null && Context.current().getDeadline() == null) {
      options = options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }
    if (credentials != null && given.getCredentials() == null) {
      options = options.withCallCredentials(credentials);
    }
    if (given.getMaxOutboundMessageSize() == null) {
      options = options.withMaxOutboundMessageSize(maxMessageBytes);
    }
    String traceparent = TRACEPARENT.get();
    boolean single = method.getType().clientSendsOneMessage();
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata metadata) {
        headers.forEach((name, value) -> metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
        if (traceparent != null && !traceparent.isEmpty() && !metadata.containsKey(TRACEPARENT_HEADER)) {
          metadata.put(TRACEPARENT_HEADER, traceparent);
        }
        super.start(listener, metadata);
      }

      @Override
      @SuppressWarnings("unchecked")
      public void sendMessage(Q message) {
        super.sendMessage(single && message instanceof Message request ? (Q) RequestIds.filled(request) : message);
      }
    };
  }
}
