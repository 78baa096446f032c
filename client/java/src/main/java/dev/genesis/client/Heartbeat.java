package dev.genesis.client;

import dev.genesis.v1.AgentServiceGrpc;
import dev.genesis.v1.HeartbeatRequest;
import dev.genesis.v1.RegisterResponse;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Signs of life: they renew the leases and tell how far the tasks are; as often as the server asked for, sooner when there is news, at
 * most twice a second. Belongs to the loop.
 */
final class Heartbeat {
  private static final System.Logger LOG = System.getLogger("genesis.worker");
  private static final Duration SOONEST = Duration.ofMillis(500);
  private static final Duration LONGEST_CALL = Duration.ofSeconds(10);

  /** Who wants to know what came of them. */
  interface Owner {
    /** The server does not know the session any more. */
    void sessionGone(String sessionId);

    /** No sign of life was answered for as long as a lease lasts. */
    void silence();
  }

  private final GenesisClient client;
  private final Loop loop;
  private final Leases leases;
  private final Owner owner;
  private final String sessionId;
  private final Duration interval;
  private Duration lasts;
  private long answered = System.nanoTime();
  private long waitingSince;
  private int failures;
  private boolean underWay;
  private boolean stopped;
  private Future<?> next;

  Heartbeat(GenesisClient client, RegisterResponse session, Loop loop, Leases leases, Owner owner) {
    this.client = client;
    this.loop = loop;
    this.leases = leases;
    this.owner = owner;
    this.sessionId = session.getSessionId();
    this.interval = session.hasHeartbeatInterval() ? Times.of(session.getHeartbeatInterval()) : LONGEST_CALL;
    this.lasts = session.hasLeaseDuration() ? Times.of(session.getLeaseDuration()) : interval.multipliedBy(3);
    await();
  }

  /** A task told how far it is. */
  void news() {
    if (!stopped && !underWay && failures == 0) {
      next.cancel(false);
      Duration early = SOONEST.minusNanos(System.nanoTime() - waitingSince);
      next = loop.after(early.isNegative() ? Duration.ZERO : early, this::beat);
    }
  }

  void stop() {
    stopped = true;
    next.cancel(false);
  }

  private void await() {
    waitingSince = System.nanoTime();
    underWay = false;
    next = loop.after(failures == 0 ? interval : Times.shorter(interval, Times.backoff(failures, SOONEST)), this::beat);
  }

  private void beat() {
    underWay = true;
    Map<Held, TaskContext.Progress> told = leases.takeNews();
    HeartbeatRequest.Builder request = HeartbeatRequest.newBuilder().setSessionId(sessionId).setLoad(leases.load());
    told.forEach((held, one) -> request.addProgress(Leases.progress(held, one)));
    long sent = System.nanoTime();
    Duration left = lasts.minusNanos(sent - answered);
    Duration deadline = Times.shorter(LONGEST_CALL, left.isNegative() || left.isZero() ? interval : left);
    if (failures > 0) {
      client.hurry();
    }
    loop.answer(
        AgentServiceGrpc.newFutureStub(client.channel())
            .withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS)
            .heartbeat(request.build()),
        answer -> {
          if (failures > 0) {
            LOG.log(Level.WARNING, "signs of life are answered again");
          }
          answered = sent;
          failures = 0;
          lasts = answer.hasLeaseDuration() ? Times.of(answer.getLeaseDuration()) : lasts;
          goOn();
        },
        error -> {
          told.forEach((held, one) -> held.context.giveBack(one));
          failed(error);
        });
  }

  private void failed(GenesisException error) {
    if (stopped) {
      return;
    }
    if (Engine.isSessionGone(error)) {
      owner.sessionGone(sessionId);
      return;
    }
    failures++;
    // Once is enough for whoever reads it; the rest is for those who look closer.
    LOG.log(failures == 1 ? Level.WARNING : Level.DEBUG, "no answer to a sign of life: {0}", error.getMessage());
    if (System.nanoTime() - answered >= lasts.toNanos()) {
      owner.silence();
    }
    goOn();
  }

  private void goOn() {
    if (!stopped) {
      await();
    }
  }
}
