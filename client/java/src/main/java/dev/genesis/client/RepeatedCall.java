package dev.genesis.client;

import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A call with one request that is made again when it found no server. */
final class RepeatedCall<Q, A> extends ClientCall<Q, A> {
  private static final int TRIES = 5;
  private static final double FIRST_WAIT_MILLIS = 100;
  private static final double LONGEST_WAIT_MILLIS = 2000;
  private static final double MULTIPLIER = 3;
  private static final double JITTER = 0.2;
  private static final long TO_CONNECT_MILLIS = 100;

  private final Supplier<ClientCall<Q, A>> calls;
  private final Deadline deadline;
  private final Runnable hurry;
  private final Retries.Throttle throttle;
  private final Context context = Context.current();
  private Listener<A> listener;
  private Metadata headers;
  private Q message;
  private boolean compressed = true;
  private int requested;
  private int tries;
  private ClientCall<Q, A> current;
  private Status cancelled;

  /** {@code deadline} is that of all tries together; null when there is none. */
  RepeatedCall(Supplier<ClientCall<Q, A>> calls, Deadline deadline, Runnable hurry, Retries.Throttle throttle) {
    this.calls = calls;
    this.deadline = deadline;
    this.hurry = hurry;
    this.throttle = throttle;
  }

  @Override
  public synchronized void start(Listener<A> listener, Metadata headers) {
    this.listener = listener;
    this.headers = headers;
  }

  @Override
  public synchronized void request(int number) {
    requested += number;
    if (current != null) {
      current.request(number);
    }
  }

  @Override
  public synchronized void setMessageCompression(boolean enabled) {
    compressed = enabled;
  }

  @Override
  public synchronized void sendMessage(Q message) {
    this.message = message;
  }

  @Override
  public void halfClose() {
    attempt();
  }

  @Override
  public void cancel(String words, Throwable cause) {
    Listener<A> waiting;
    synchronized (this) {
      if (cancelled != null) {
        return;
      }
      cancelled = Status.CANCELLED.withDescription(words).withCause(cause);
      if (current != null) {
        current.cancel(words, cause);
        return;
      }
      waiting = listener;
    }
    if (waiting != null) {
      waiting.onClose(cancelled, new Metadata());
    }
  }

  private synchronized void attempt() {
    if (cancelled != null) {
      return;
    }
    tries++;
    Metadata own = new Metadata();
    own.merge(headers);
    current = calls.get();
    current.start(new Attempt(), own);
    current.setMessageCompression(compressed);
    current.request(requested);
    current.sendMessage(message);
    current.halfClose();
  }

  /** Milliseconds until the next try; below 0: there is none. */
  private long waitAfter(Status status, Metadata trailers) {
    if (status.getCode() != Status.Code.UNAVAILABLE || !throttle.failed() || tries == TRIES) {
      return -1;
    }
    Long asked = Retries.pushback(trailers);
    double whole = Math.min(LONGEST_WAIT_MILLIS, FIRST_WAIT_MILLIS * Math.pow(MULTIPLIER, tries - 1));
    long wait = asked != null ? asked : (long) (whole * ThreadLocalRandom.current().nextDouble(1 - JITTER, 1 + JITTER));
    return deadline == null || wait < deadline.timeRemaining(TimeUnit.MILLISECONDS) ? wait : -1;
  }

  private static void after(long millis, Runnable work) {
    CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS).execute(work);
  }

  private final class Attempt extends Listener<A> {
    private boolean answered;

    @Override
    public void onHeaders(Metadata received) {
      answered = true;
      listener.onHeaders(received);
    }

    @Override
    public void onMessage(A received) {
      answered = true;
      listener.onMessage(received);
    }

    @Override
    public void onReady() {
      listener.onReady();
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (status.isOk()) {
        throttle.succeeded();
      }
      long wait = again(status, trailers);
      if (wait < 0) {
        listener.onClose(status, trailers);
        return;
      }
      // The try fails when no connection is there by then; gRPC alone would not make one for a second and more.
      hurry.run();
      if (wait > 2 * TO_CONNECT_MILLIS) {
        after(wait - TO_CONNECT_MILLIS, hurry);
      }
      after(wait, context.wrap(RepeatedCall.this::attempt));
    }

    private long again(Status status, Metadata trailers) {
      synchronized (RepeatedCall.this) {
        long wait = answered || cancelled != null ? -1 : waitAfter(status, trailers);
        if (wait >= 0) {
          current = null;
        }
        return wait;
      }
    }
  }
}
