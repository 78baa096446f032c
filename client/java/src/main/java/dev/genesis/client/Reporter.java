package dev.genesis.client;

import dev.genesis.v1.OrchestratorServiceGrpc;
import dev.genesis.v1.ReportRequest;
import dev.genesis.v1.WorkReported;
import io.grpc.Status;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Delivers reports: on the stream, else by a call, until they are answered. A report under a lease can be told again without harm, so
 * no answer means: once more. Belongs to the loop.
 */
final class Reporter {
  private static final System.Logger LOG = System.getLogger("genesis.worker");
  private static final Set<Status.Code> FINAL =
      EnumSet.of(Status.Code.ALREADY_EXISTS, Status.Code.INVALID_ARGUMENT, Status.Code.NOT_FOUND, Status.Code.PERMISSION_DENIED);
  private static final String TOO_LARGE = "MESSAGE_TOO_LARGE";
  private static final Set<String> FINAL_REASONS = Set.of("LEASE_LOST", "TASK_ENDED", "PLAN_ENDED", TOO_LARGE);

  private final GenesisClient client;
  private final Loop loop;
  private final Supplier<WorkStream> stream;

  /** {@code stream} gives the stream that is open, or null. */
  Reporter(GenesisClient client, Loop loop, Supplier<WorkStream> stream) {
    this.client = client;
    this.loop = loop;
    this.stream = stream;
  }

  /**
   * Sends a report until the server took it or refused it for good; {@code done} hears of that. Outputs that the server finds unfit make
   * the task fail with what it said. With {@code lost} true the lease is known to be gone, and any answer is the last word.
   */
  void deliver(ReportRequest report, BooleanSupplier lost, Runnable done) {
    tell(new Delivery(report, lost, done, 0));
  }

  private record Delivery(ReportRequest report, BooleanSupplier lost, Runnable done, int failures) {
    String about() {
      return "the report of task " + report.getTaskId() + " of plan " + report.getPlanId();
    }
  }

  private void tell(Delivery one) {
    WorkStream open = stream.get();
    if (open == null) {
      call(one);
    } else {
      open.report(one.report, answer -> heard(one, answer));
    }
  }

  private void heard(Delivery one, WorkReported answer) {
    if (answer == null) {
      call(one);
    } else if (answer.hasRefused()) {
      refused(one, GenesisException.of(answer.getRefused()));
    } else {
      one.done.run();
    }
  }

  private void call(Delivery one) {
    loop.answer(
        OrchestratorServiceGrpc.newFutureStub(client.channel()).report(one.report),
        taken -> one.done.run(),
        error -> refused(one, error));
  }

  private void refused(Delivery one, GenesisException error) {
    boolean answered = !error.reason().isEmpty();
    boolean last = answered && (FINAL.contains(error.code()) || FINAL_REASONS.contains(error.reason()));
    if (last && one.report.hasDone() && (error.code() == Status.Code.INVALID_ARGUMENT || error.reason().equals(TOO_LARGE))) {
      LOG.log(Level.ERROR, "the outputs were refused, {0}: {1}", one.about(), error.getMessage());
      ReportRequest failed = one.report.toBuilder().setFailed(Reports.failed(error.getMessage(), true)).build();
      tell(new Delivery(failed, one.lost, one.done, one.failures));
    } else if (last || (answered && one.lost.getAsBoolean())) {
      LOG.log(Level.WARNING, "{0} was refused: {1}", one.about(), error.getMessage());
      one.done.run();
    } else {
      LOG.log(Level.DEBUG, "{0} is told again: {1}", one.about(), error.getMessage());
      Delivery again = new Delivery(one.report, one.lost, one.done, one.failures + 1);
      Duration wait = Times.backoff(one.failures, Times.FIRST_WAIT);
      loop.after(Times.longer(wait, error.retryAfter().orElse(Duration.ZERO)), () -> tell(again));
    }
  }
}
