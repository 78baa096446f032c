package dev.genesis.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletableFuture;

/** Serialises the request of each try once, and hands the bytes to whoever signs them. */
final class BodyOnce implements ClientInterceptor {
  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    if (!method.getType().clientSendsOneMessage()) {
      return next.newCall(method, options);
    }
    CompletableFuture<byte[]> body = new CompletableFuture<>();
    MethodDescriptor.Marshaller<Q> marshaller = new Once<>(method.getRequestMarshaller(), body);
    return next.newCall(method.toBuilder().setRequestMarshaller(marshaller).build(), options.withOption(Credentials.BODY, body));
  }

  private record Once<T>(MethodDescriptor.Marshaller<T> inner, CompletableFuture<byte[]> body) implements MethodDescriptor.Marshaller<T> {
    @Override
    public InputStream stream(T value) {
      if (!body.isDone()) {
        try (InputStream bytes = inner.stream(value)) {
          body.complete(bytes.readAllBytes());
        } catch (IOException failed) {
          throw new UncheckedIOException(failed);
        }
      }
      return new ByteArrayInputStream(body.join());
    }

    @Override
    public T parse(InputStream stream) {
      return inner.parse(stream);
    }
  }
}
