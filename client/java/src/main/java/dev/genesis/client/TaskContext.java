package dev.genesis.client;

import dev.genesis.v1.ArtefactValue;
import dev.genesis.v1.Money;
import dev.genesis.v1.Task;
import dev.genesis.v1.Usage;
import dev.genesis.v1.WorkAssignment;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** A task under way, as its function sees it. Safe to use from any thread. */
public final class TaskContext {
  private static final int MESSAGE_CHARACTERS = 500;

  private final WorkAssignment assignment;
  private final Map<String, Object> inputs;
  private final Runnable news;
  private final long begun = System.nanoTime();
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final AtomicReference<Progress> told = new AtomicReference<>();
  private volatile boolean paused;
  private Usage used;

  /** How far a task said it is. */
  record Progress(double fraction, String message) {}

  TaskContext(WorkAssignment assignment, Runnable news) {
    this.assignment = assignment;
    this.news = news;
    Map<String, Object> found = new LinkedHashMap<>();
    assignment.getInputsList().forEach(one -> found.put(one.getName(), content(one)));
    this.inputs = Collections.unmodifiableMap(found);
  }

  /** The task as the plan has it: goal, acceptance, declared inputs and outputs. */
  public Task task() {
    return assignment.getTask();
  }

  /** Id of the plan. */
  public String planId() {
    return assignment.getPlanId();
  }

  /** The plan's goal. */
  public String planGoal() {
    return assignment.getPlanGoal();
  }

  /** The how manieth attempt at the task this is, from 1. */
  public int attempt() {
    return assignment.getAttempt();
  }

  /** All inputs by name: JSON values as {@link JsonValues#toJava} gives them, and {@link Reference} for values elsewhere. */
  public Map<String, Object> inputs() {
    return inputs;
  }

  /**
   * An input of the task.
   *
   * @throws TaskFailedException for good, when it is missing or of another type
   */
  public <T> T input(String name, Class<T> type) {
    Object value = inputs.get(name);
    if (!type.isInstance(value)) {
      String found = value == null ? "missing" : "a " + value.getClass().getSimpleName();
      throw new TaskFailedException("the input " + name + " is " + found + ", and should be a " + type.getSimpleName(), true);
    }
    return type.cast(value);
  }

  /** The skill the task was routed to. */
  public String skillId() {
    return assignment.getTarget().getSkillId();
  }

  /** The model it was routed to; empty when the agent names none. */
  public String modelId() {
    return assignment.getTarget().getModelId();
  }

  /** What it is expected to use. */
  public Usage expected() {
    return assignment.getExpected();
  }

  /** W3C trace context of whoever asked for the plan; empty when the trace is not recorded. */
  public String traceparent() {
    return assignment.getTraceparent();
  }

  /** Correlation id of the plan. */
  public String correlationId() {
    return assignment.getCorrelationId();
  }

  /** Time until the attempt ends; empty: it has no end. */
  public Optional<Duration> timeLeft() {
    if (!assignment.hasTimeLeft()) {
      return Optional.empty();
    }
    Duration left = Times.of(assignment.getTimeLeft()).minusNanos(System.nanoTime() - begun);
    return Optional.of(left.isNegative() ? Duration.ZERO : left);
  }

  /** Whether nobody wants the task any more: its plan was cancelled, its lease lost, its time is over, or the worker stops. */
  public boolean isCancelled() {
    return cancelled.getCount() == 0;
  }

  /** Waits until nobody wants the task any more, at most so long; whether that is so. */
  public boolean awaitCancelled(Duration atMost) throws InterruptedException {
    return cancelled.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Whether the plan is paused: hold on where you can. */
  public boolean isPaused() {
    return paused;
  }

  /** Tells how far the task is, 0 to 1, and what it does just now; it shows within half a second. */
  public void progress(double fraction, String message) {
    double shown = fraction > 0 ? Math.min(fraction, 1.0) : 0.0;
    told.set(new Progress(shown, Texts.cut(message, MESSAGE_CHARACTERS)));
    news.run();
  }

  /** Adds to the tokens of language models the task used. What is never told counts as what was expected. */
  public synchronized void addTokens(long tokens) {
    Usage before = used == null ? Usage.getDefaultInstance() : used;
    used = before.toBuilder().setTokens(before.getTokens() + tokens).build();
  }

  /**
   * Adds to what the task cost. What is never told counts as what was expected.
   *
   * @param currency three letters, the same each time
   */
  public synchronized void addCost(BigDecimal amount, String currency) {
    Usage before = used == null ? Usage.getDefaultInstance() : used;
    if (before.hasCost() && !before.getCost().getCurrencyCode().equals(currency)) {
      throw new IllegalArgumentException("the cost is in " + currency + ", and was told in " + before.getCost().getCurrencyCode());
    }
    BigDecimal total = amount.add(BigDecimal.valueOf(before.getCost().getUnits())).add(BigDecimal.valueOf(before.getCost().getNanos(), 9));
    BigDecimal[] parts = total.divideAndRemainder(BigDecimal.ONE);
    Money cost =
        Money.newBuilder()
            .setCurrencyCode(currency)
            .setUnits(parts[0].longValueExact())
            .setNanos(parts[1].movePointRight(9).intValue())
            .build();
    used = before.toBuilder().setCost(cost).build();
  }

  synchronized Optional<Usage> used() {
    return Optional.ofNullable(used);
  }

  void cancel() {
    cancelled.countDown();
  }

  void pause(boolean value) {
    paused = value;
  }

  /** What was told and not taken yet; null when there is nothing. */
  Progress takeTold() {
    return told.getAndSet(null);
  }

  /** What was taken did not arrive: it is told again, unless there is something newer. */
  void giveBack(Progress one) {
    told.compareAndSet(null, one);
  }

  private static Object content(ArtefactValue one) {
    return one.hasReference()
        ? new Reference(one.getReference().getUri(), one.getReference().getSha256(), one.getReference().getMediaType())
        : JsonValues.toJava(one.getValue());
  }
}
