package dev.genesis.client;

/** Does the tasks of a skill. */
@FunctionalInterface
public interface TaskFunction {
  /**
   * Does a task, on a thread of its own, which is interrupted when nobody wants the task any more.
   *
   * @return the outputs: a map by name, or the task's only output. Values are what JSON has (null, Boolean, Number, String, Iterable, Map
   *     with text as keys), a {@link Reference}, or a protobuf {@code Value}; null means no output
   * @throws DeclineException when the task is not for this agent
   * @throws TaskFailedException when it failed
   * @throws Exception anything else is a fault: its type and message are reported, its stack goes to the log "genesis.worker"
   */
  Object call(TaskContext task) throws Exception;
}
