package dev.genesis.client;

import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The one thread on which everything of a worker happens but its functions. */
final class Loop {
  private final ScheduledThreadPoolExecutor thread;
  private final Consumer<RuntimeException> broken;

  /** {@code broken} hears of a fault of the worker itself. */
  Loop(String name, Consumer<RuntimeException> broken) {
    this.broken = broken;
    this.thread =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread made = new Thread(work, name);
              made.setDaemon(true);
              return made;
            });
    thread.setRemoveOnCancelPolicy(true);
  }

  /** Soon, in turn. Nothing happens any more once the loop has ended. */
  void execute(Runnable work) {
    after(Duration.ZERO, work);
  }

  /** After a time, unless it is cancelled. */
  Future<?> after(Duration wait, Runnable work) {
    try {
      return thread.schedule(() -> guarded(work), wait.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException ended) {
      return new FutureTask<>(work, null);
    }
  }

  /** When a call is answered. */
  <T> void answer(ListenableFuture<T> call, Consumer<T> taken, Consumer<GenesisException> failed) {
    call.addListener(() -> execute(() -> hand(call, taken, failed)), Runnable::run);
  }

  void end() {
    thread.shutdownNow();
  }

  private static <T> void hand(ListenableFuture<T> call, Consumer<T> taken, Consumer<GenesisException> failed) {
    T answer;
    try {
      answer = Futures.getDone(call);
    } catch (ExecutionException failure) {
      failed.accept(GenesisException.of(failure.getCause()));
      return;
    }
    taken.accept(answer);
  }

  private void guarded(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException fault) {
      broken.accept(fault);
    }
  }
}
