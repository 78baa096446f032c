package dev.genesis.client;

/** Thrown by a function of a worker: the task failed. */
public final class TaskFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean permanent;

  /** Says why; another attempt may be made. */
  public TaskFailedException(String reason) {
    this(reason, false);
  }

  /** Says why, and with {@code permanent} that this agent need not try again. */
  public TaskFailedException(String reason, boolean permanent) {
    super(reason);
    this.permanent = permanent;
  }

  /** Whether this agent need not try again. */
  public boolean permanent() {
    return permanent;
  }
}
