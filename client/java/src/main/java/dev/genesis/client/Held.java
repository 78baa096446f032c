package dev.genesis.client;

import dev.genesis.v1.Skill;
import dev.genesis.v1.WorkAssignment;
import java.util.concurrent.Future;

/** A task under a lease of this worker. Belongs to the loop. */
final class Held {
  /** Why a task is let go before its function ended; with the words the server is told when it is handed back. */
  enum End {
    /** Its lease was taken back, or the plan does not need it any more: a report would be refused. */
    LOST(""),
    STOPPING("the worker stops"),
    SILENCE("no sign of life was answered for as long as a lease lasts");

    final String words;

    End(String words) {
      this.words = words;
    }
  }

  final WorkAssignment assignment;
  final Skill skill;
  final TaskContext context;
  private final Thread thread;

  /** The first reason it was let go for; null: none. */
  End end;

  /** Nothing that its function returns from now on counts. */
  boolean settled;

  /** Its time was over, and it waits for the server to say so. */
  boolean late;

  Future<?> timer;

  Held(WorkAssignment assignment, Skill skill, TaskContext context, Thread thread) {
    this.assignment = assignment;
    this.skill = skill;
    this.context = context;
    this.thread = thread;
  }

  String leaseId() {
    return assignment.getLease().getLeaseId();
  }

  void start() {
    thread.start();
  }

  /** Tell the function that nobody wants the task any more. */
  void stop() {
    context.cancel();
    thread.interrupt();
  }
}
