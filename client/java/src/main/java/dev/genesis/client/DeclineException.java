package dev.genesis.client;

/** Thrown by a function of a worker: this task is not for me. It counts for nothing, and another agent gets the task. */
public final class DeclineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Says why. */
  public DeclineException(String reason) {
    super(reason);
  }
}
