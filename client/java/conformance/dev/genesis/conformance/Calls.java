package dev.genesis.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Calls of one method, by its kind. */
record Calls(Channel channel, MethodDescriptor<Message, Message> method, CallOptions options) {
  /** One answer; cancelled by the client after a time, when there is one. */
  Message unary(Message request, Duration cancelAfter) throws InterruptedException {
    Future<Message> answer = ClientCalls.futureUnaryCall(channel.newCall(method, options), request);
    if (cancelAfter != null) {
      CompletableFuture.delayedExecutor(cancelAfter.toNanos(), TimeUnit.NANOSECONDS).execute(() -> answer.cancel(true));
    }
    try {
      return answer.get();
    } catch (CancellationException cancelled) {
      throw new StatusRuntimeException(Status.CANCELLED.withDescription("the client cancelled the call"));
    } catch (ExecutionException failed) {
      throw (StatusRuntimeException) failed.getCause();
    }
  }

  /** The answers of a stream, at most so many; then the client cancels it. */
  JsonArray streamed(Message request, int stopAfter) throws Exception {
    JsonArray messages = new JsonArray();
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      return context.call(
          () -> {
            Iterator<Message> answers = ClientCalls.blockingServerStreamingCall(channel, method, options, request);
            while (messages.size() < stopAfter && answers.hasNext()) {
              messages.add(Contract.json(answers.next()));
            }
            return messages;
          });
    }
  }

  /** A stream both ways, move by move. */
  JsonArray exchange(JsonArray moves) throws InterruptedException, IOException {
    JsonArray messages = new JsonArray();
    Heard heard = new Heard(new LinkedBlockingQueue<>());
    ClientCall<Message, Message> call = channel.newCall(method, options);
    StreamObserver<Message> said = ClientCalls.asyncBidiStreamingCall(call, heard);
    try {
      for (JsonElement one : moves) {
        JsonObject move = one.getAsJsonObject();
        if (move.has("send")) {
          said.onNext(Contract.read(move.get("send"), method));
        } else if (move.has("receive")) {
          Message message = heard.next();
          if (message == null) {
            throw new IllegalStateException("the stream ended, and another message was awaited");
          }
          messages.add(Contract.json(message));
        } else {
          said.onCompleted();
          for (Message message = heard.next(); message != null; message = heard.next()) {
            messages.add(Contract.json(message));
          }
        }
      }
      return messages;
    } finally {
      call.cancel("the exchange is over", null);
    }
  }

  /** What came on a stream: messages, then {@code END} or the failure. */
  private record Heard(BlockingQueue<Object> arrived) implements StreamObserver<Message> {
    private static final Object END = new Object();

    /** The next message; null at the end. */
    Message next() throws InterruptedException {
      Object one = arrived.take();
      if (one instanceof Throwable failure) {
        throw Status.fromThrowable(failure).asRuntimeException(Status.trailersFromThrowable(failure));
      }
      return one == END ? null : (Message) one;
    }

    @Override
    public void onNext(Message message) {
      arrived.add(message);
    }

    @Override
    public void onError(Throwable failure) {
      arrived.add(failure);
    }

    @Override
    public void onCompleted() {
      arrived.add(END);
    }
  }
}
