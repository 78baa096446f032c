package dev.genesis.client;

import dev.genesis.v1.AgentCard;
import dev.genesis.v1.AgentServiceGrpc;
import dev.genesis.v1.DeregisterRequest;
import dev.genesis.v1.RegisterRequest;
import dev.genesis.v1.RegisterResponse;
import dev.genesis.v1.WorkOpen;
import dev.genesis.v1.WorkResponse;
import io.grpc.Status;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A worker at work: joins, takes tasks, leaves. Everything but its functions happens on one loop. */
final class Engine implements WorkStream.Owner, Heartbeat.Owner, Tasks.Owner {
  private static final System.Logger LOG = System.getLogger("genesis.worker");
  private static final Duration FAREWELL = Duration.ofSeconds(5);
  private static final Set<Status.Code> REFUSED_FOR_GOOD =
      EnumSet.of(
          Status.Code.INVALID_ARGUMENT, Status.Code.PERMISSION_DENIED, Status.Code.UNAUTHENTICATED, Status.Code.UNIMPLEMENTED);

  private final GenesisClient client;
  private final AgentCard card;
  private final Duration grace;
  private final Loop loop;
  private final Leases leases;
  private final Tasks tasks;
  private final CompletableFuture<Void> joined = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private RegisterResponse session;
  private Duration lease = Duration.ZERO;
  private Heartbeat heartbeat;
  private WorkStream stream;
  private int joinFailures;
  private int streamFailures;
  private boolean stopping;
  private boolean leaving;

  Engine(GenesisClient client, AgentCard card, Map<String, Tasks.Ability> abilities, Duration grace) {
    this.client = client;
    this.card = card;
    this.grace = grace;
    this.loop = new Loop("genesis-worker", this::end);
    this.leases = new Leases(Math.max(1, card.getMaxConcurrentTasks()));
    this.tasks = new Tasks(abilities, loop, leases, new Reporter(client, loop, () -> stream), this);
  }

  void start() {
    loop.execute(this::join);
  }

  /** Done once the server took the worker. */
  CompletableFuture<Void> joined() {
    return joined;
  }

  /** Done when the worker has left; fails when the server refused it for good before it ever joined. */
  CompletableFuture<Void> ended() {
    return ended;
  }

  /** Take nothing more, finish what is held within the grace time, and leave. Without {@code finish}, and the second time: hand it back. */
  void stop(boolean finish) {
    loop.execute(
        () -> {
          boolean first = !stopping;
          stopping = true;
          slotsChanged();
          if (leases.isIdle()) {
            leave();
          } else if (finish && first) {
            loop.after(grace, this::handBack);
          } else {
            handBack();
          }
        });
  }

  static boolean isSessionGone(GenesisException error) {
    return error.code() == Status.Code.NOT_FOUND && error.reason().equals("SESSION_NOT_FOUND");
  }

  @Override
  public boolean isStopping() {
    return stopping;
  }

  @Override
  public void slotsChanged() {
    if (stream != null) {
      stream.slots(slots());
    }
  }

  @Override
  public void news() {
    loop.execute(
        () -> {
          if (heartbeat != null) {
            heartbeat.news();
          }
        });
  }

  @Override
  public void idle() {
    if (stopping) {
      leave();
    }
  }

  @Override
  public void silence() {
    tasks.letGoAll(Held.End.SILENCE);
  }

  @Override
  public void sessionGone(String sessionId) {
    if (session == null || !session.getSessionId().equals(sessionId)) {
      return;
    }
    session = null;
    heartbeat.stop();
    closeStream();
    tasks.letGoAll(Held.End.LOST);
    if (!stopping) {
      LOG.log(Level.WARNING, "the server does not know this worker any more; it joins again");
      join();
    }
  }

  @Override
  public void heard(WorkStream from, WorkResponse message) {
    if (message.hasMove()) {
      boolean atOnce = streamFailures == 0;
      closeStream();
      reopen(atOnce);
      return;
    }
    streamFailures = 0;
    switch (message.getMessageCase()) {
      case ASSIGNMENT -> tasks.take(from, message.getAssignment(), lease);
      case NOTICE -> tasks.notice(message.getNotice());
      case REPORTED -> from.reported(message.getReported());
      default -> LOG.log(Level.DEBUG, "the server said something this client does not know");
    }
  }

  @Override
  public void over(WorkStream from, GenesisException failure) {
    if (failure != null && isSessionGone(failure) && session != null) {
      sessionGone(session.getSessionId());
      return;
    }
    if (failure != null) {
      LOG.log(Level.DEBUG, "the stream of work broke: {0}", failure.getMessage());
    }
    closeStream();
    reopen(false);
  }

  private void join() {
    if (stopping || ended.isDone()) {
      return;
    }
    client.hurry();
    loop.answer(
        AgentServiceGrpc.newFutureStub(client.channel()).register(RegisterRequest.newBuilder().setCard(card).build()),
        this::begin,
        error -> {
          if (REFUSED_FOR_GOOD.contains(error.code()) && !error.reason().isEmpty() && !joined.isDone()) {
            end(error);
            return;
          }
          LOG.log(Level.WARNING, "cannot join: {0}", error.getMessage());
          Duration wait = Times.backoff(joinFailures++, Times.FIRST_WAIT);
          loop.after(Times.longer(wait, error.retryAfter().orElse(Duration.ZERO)), this::join);
        });
  }

  private void begin(RegisterResponse answer) {
    session = answer;
    lease = Times.of(answer.getLeaseDuration());
    joinFailures = 0;
    streamFailures = 0;
    heartbeat = new Heartbeat(client, answer, loop, leases, this);
    joined.complete(null);
    openStream();
  }

  private void openStream() {
    if (session == null || stream != null || ended.isDone()) {
      return;
    }
    client.hurry();
    WorkOpen opening =
        WorkOpen.newBuilder().setSessionId(session.getSessionId()).setSlots(slots()).addAllHeldLeaseIds(leases.ids()).build();
    stream = new WorkStream(client.channel(), opening, loop, this);
  }

  private void reopen(boolean atOnce) {
    Duration wait = atOnce ? Duration.ZERO : Times.backoff(streamFailures, Times.FIRST_WAIT);
    streamFailures++;
    loop.after(wait, this::openStream);
  }

  private void closeStream() {
    WorkStream closing = stream;
    stream = null;
    if (closing != null) {
      closing.close();
    }
  }

  private int slots() {
    return stopping ? 0 : leases.slots();
  }

  private void handBack() {
    tasks.letGoAll(Held.End.STOPPING);
    loop.after(FAREWELL, this::leave);
  }

  private void leave() {
    if (leaving) {
      return;
    }
    leaving = true;
    if (session == null) {
      end(null);
      return;
    }
    loop.answer(
        AgentServiceGrpc.newFutureStub(client.channel())
            .withDeadlineAfter(FAREWELL.toNanos(), TimeUnit.NANOSECONDS)
            .deregister(DeregisterRequest.newBuilder().setSessionId(session.getSessionId()).build()),
        left -> end(null),
        error -> {
          LOG.log(Level.DEBUG, "could not say farewell: {0}", error.getMessage());
          end(null);
        });
  }

  private void end(RuntimeException failure) {
    if (heartbeat != null) {
      heartbeat.stop();
    }
    leases.all().forEach(Held::stop);
    closeStream();
    loop.end();
    if (failure == null) {
      ended.complete(null);
    } else {
      ended.completeExceptionally(failure);
    }
  }
}
