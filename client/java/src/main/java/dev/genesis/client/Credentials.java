package dev.genesis.client;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/** Puts the {@code authorization} on each try of a call, a fresh one each time. */
final class Credentials extends CallCredentials {
  /** The bytes of the request, which are there when it is sent; none for a stream of requests. */
  static final CallOptions.Key<CompletableFuture<byte[]>> BODY =
      CallOptions.Key.createWithDefault("genesis-body", CompletableFuture.completedFuture(new byte[0]));

  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final BiFunction<String, byte[], String> value;

  private Credentials(BiFunction<String, byte[], String> value) {
    this.value = value;
  }

  static Credentials token(Supplier<String> token) {
    return new Credentials((method, body) -> "Bearer " + token.get());
  }

  static Credentials signed(Signer signer) {
    return new Credentials(signer::header);
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    String method = "/" + call.getMethodDescriptor().getFullMethodName();
    // A token may come from a slow place, so not on the thread that carries the calls.
    call.getCallOptions().getOption(BODY).thenAcceptAsync(body -> apply(method, body, applier), executor);
  }

  private void apply(String method, byte[] body, MetadataApplier applier) {
    Metadata headers = new Metadata();
    try {
      headers.put(AUTHORIZATION, value.apply(method, body));
    } catch (RuntimeException failed) {
      applier.fail(Status.UNAUTHENTICATED.withDescription("the token could not be had").withCause(failed));
      return;
    }
    applier.apply(headers);
  }
}
