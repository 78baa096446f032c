package dev.genesis.client;

import dev.genesis.v1.LeaseProgress;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a worker holds. A slot is taken while a function runs, even one whose lease is gone and that does not stop. Belongs to the loop. */
final class Leases {
  private static final int MOST_NEWS = 1000;

  private final int slots;
  private final Map<String, Held> held = new LinkedHashMap<>();
  private final Set<Held> running = new HashSet<>();

  Leases(int slots) {
    this.slots = slots;
  }

  Held get(String leaseId) {
    return held.get(leaseId);
  }

  List<Held> all() {
    return List.copyOf(held.values());
  }

  Set<String> ids() {
    return held.keySet();
  }

  boolean isIdle() {
    return held.isEmpty();
  }

  boolean isFree() {
    return running.size() < slots;
  }

  boolean isRunning(Held one) {
    return running.contains(one);
  }

  /** How many tasks can be held at once, less the functions that run on without a lease. */
  int slots() {
    return slots - (int) running.stream().filter(one -> !held.containsKey(one.leaseId())).count();
  }

  /** How busy the worker is, 0 to 1. */
  double load() {
    return Math.min(1.0, (double) running.size() / slots);
  }

  void add(Held one) {
    held.put(one.leaseId(), one);
    running.add(one);
  }

  /** Its function has ended. */
  void ended(Held one) {
    running.remove(one);
  }

  /** Its lease is over; whether it was there. */
  boolean release(Held one) {
    return held.remove(one.leaseId(), one);
  }

  /** What tasks told since the last time; each is told once. */
  Map<Held, TaskContext.Progress> takeNews() {
    Map<Held, TaskContext.Progress> news = new LinkedHashMap<>();
    for (Held one : held.values()) {
      TaskContext.Progress told = news.size() < MOST_NEWS ? one.context.takeTold() : null;
      if (told != null) {
        news.put(one, told);
      }
    }
    return news;
  }

  static LeaseProgress progress(Held one, TaskContext.Progress told) {
    return LeaseProgress.newBuilder()
        .setPlanId(one.assignment.getPlanId())
        .setTaskId(one.assignment.getTask().getId())
        .setLease(one.assignment.getLease())
        .setFraction(told.fraction())
        .setMessage(told.message())
        .build();
  }
}
