package dev.genesis.client;

import dev.genesis.v1.LeaseNotice;
import dev.genesis.v1.ReportRequest;
import dev.genesis.v1.Skill;
import dev.genesis.v1.WorkAssignment;
import io.grpc.Context;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;

/** Takes tasks, runs their functions, and sees to it that each is reported or handed back. Belongs to the loop. */
final class Tasks {
  private static final System.Logger LOG = System.getLogger("genesis.worker");

  /** A skill with what does it. */
  record Ability(Skill entry, TaskFunction function) {}

  /** Who owns them. */
  interface Owner {
    boolean isStopping();

    /** How many tasks can be held may have changed. */
    void slotsChanged();

    /** A task told how far it is; on any thread. */
    void news();

    /** Nothing is held any more. */
    void idle();
  }

  private final Map<String, Ability> abilities;
  private final Loop loop;
  private final Leases leases;
  private final Reporter reporter;
  private final Owner owner;

  Tasks(Map<String, Ability> abilities, Loop loop, Leases leases, Reporter reporter, Owner owner) {
    this.abilities = abilities;
    this.loop = loop;
    this.leases = leases;
    this.reporter = reporter;
    this.owner = owner;
  }

  /** A task has come. {@code lasts}: how long a lease lasts. */
  void take(WorkStream stream, WorkAssignment given, Duration lasts) {
    String leaseId = given.getLease().getLeaseId();
    if (leases.get(leaseId) != null) {
      stream.acknowledge(leaseId);
      return;
    }
    Ability ability = ability(given);
    if (ability == null) {
      refuse(Reports.declined(given, "the agent has no skill " + given.getTarget().getSkillId(), false));
    } else if (owner.isStopping()) {
      refuse(Reports.declined(given, Held.End.STOPPING.words, true));
    } else if (!leases.isFree()) {
      refuse(Reports.declined(given, "the worker has no free slot", true));
    } else {
      stream.acknowledge(leaseId);
      start(given, ability, lasts);
    }
  }

  /** Something happened to a lease. */
  void notice(LeaseNotice notice) {
    Held held = leases.get(notice.getLeaseId());
    if (held == null) {
      return;
    }
    switch (notice.getKind()) {
      case LEASE_NOTICE_KIND_PAUSED -> held.context.pause(true);
      case LEASE_NOTICE_KIND_RESUMED -> held.context.pause(false);
      default -> {
        LOG.log(Level.DEBUG, "{0} is not wanted any more: {1}", name(held), notice.getMessage());
        letGo(held, Held.End.LOST);
      }
    }
  }

  /** Let everything go. */
  void letGoAll(Held.End end) {
    leases.all().forEach(held -> letGo(held, end));
  }

  private Ability ability(WorkAssignment given) {
    String routed = given.getTarget().getSkillId();
    String named = routed.isEmpty() ? given.getTask().getCapability() : routed;
    return named.isEmpty() && abilities.size() == 1 ? abilities.values().iterator().next() : abilities.get(named);
  }

  private void refuse(ReportRequest report) {
    reporter.deliver(report, () -> true, () -> {});
  }

  private void start(WorkAssignment given, Ability ability, Duration lasts) {
    TaskContext context = new TaskContext(given, owner::news);
    Held[] self = new Held[1];
    Thread thread =
        new Thread(
            () -> {
              ReportRequest report = perform(given, ability, context);
              loop.execute(() -> ended(self[0], report));
            },
            "genesis-task " + given.getTask().getId());
    thread.setDaemon(true);
    Held held = self[0] = new Held(given, ability.entry(), context, thread);
    leases.add(held);
    context.timeLeft().ifPresent(left -> held.timer = loop.after(left, () -> late(held, lasts)));
    held.start();
  }

  /** Runs a function to its end, on its own thread; what to report of it. */
  private static ReportRequest perform(WorkAssignment given, Ability ability, TaskContext context) {
    ReportRequest.Builder report = Reports.about(given);
    try {
      Object returned =
          Context.current().withValue(CallDefaults.TRACEPARENT, context.traceparent()).call(() -> ability.function().call(context));
      report.setDone(Reports.done(returned, given, ability.entry()));
    } catch (DeclineException reason) {
      return Reports.declined(given, reason.getMessage(), false);
    } catch (TaskFailedException failed) {
      report.setFailed(Reports.failed(failed.getMessage(), failed.permanent()));
    } catch (Throwable fault) {
      // Whatever a function does, it is its task that fails.
      if (!context.isCancelled()) {
        LOG.log(Level.ERROR, "task " + given.getTask().getId() + " of plan " + given.getPlanId() + " failed", fault);
      }
      report.setFailed(Reports.failed(fault.getClass().getSimpleName() + ": " + fault.getMessage(), false));
    }
    context.used().ifPresent(report::setUsage);
    return report.build();
  }

  private void ended(Held held, ReportRequest report) {
    leases.ended(held);
    if (!held.settled) {
      settle(held);
      reporter.deliver(report, () -> held.end == Held.End.LOST, () -> release(held));
    } else if (leases.get(held.leaseId()) == null) {
      owner.slotsChanged();
    }
  }

  private void letGo(Held held, Held.End end) {
    if (held.end != null) {
      return;
    }
    held.end = end;
    if (held.late) {
      release(held);
    } else if (!held.settled) {
      settle(held);
      held.stop();
      if (end.words.isEmpty()) {
        release(held);
      } else {
        reporter.deliver(Reports.declined(held.assignment, end.words, true), () -> true, () -> release(held));
      }
    }
  }

  private void late(Held held, Duration lasts) {
    settle(held);
    held.late = true;
    held.stop();
    // The server says so itself, and until then the lease is not one to be given away.
    held.timer = loop.after(lasts, () -> release(held));
  }

  private static void settle(Held held) {
    held.settled = true;
    if (held.timer != null) {
      held.timer.cancel(false);
    }
  }

  private void release(Held held) {
    if (!leases.release(held)) {
      return;
    }
    if (leases.isRunning(held)) {
      owner.slotsChanged();
    }
    if (leases.isIdle()) {
      owner.idle();
    }
  }

  private static String name(Held held) {
    return "task " + held.assignment.getTask().getId() + " of plan " + held.assignment.getPlanId();
  }
}
