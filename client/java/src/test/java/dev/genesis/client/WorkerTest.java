package dev.genesis.client;

import static dev.genesis.v1.WorkRequest.MessageCase.ACKNOWLEDGE;
import static dev.genesis.v1.WorkRequest.MessageCase.OPEN;
import static dev.genesis.v1.WorkRequest.MessageCase.REPORT;
import static dev.genesis.v1.WorkRequest.MessageCase.SLOTS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.genesis.v1.LeaseNoticeKind;
import dev.genesis.v1.OrchestratorServiceGrpc.OrchestratorServiceImplBase;
import dev.genesis.v1.ReportRequest;
import dev.genesis.v1.ReportResponse;
import dev.genesis.v1.WorkOpen;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerTest {
  private final FakeAgents agents = new FakeAgents();
  private final Calls calls = new Calls();
  private FakeServer server;
  private Worker.Running running;

  @BeforeEach
  void startServer() throws IOException {
    server = new FakeServer(agents, calls);
  }

  @AfterEach
  void stopAll() {
    if (running != null) {
      running.stop(false);
      running.close();
    }
    server.close();
  }

  @Test
  @DisplayName("A task is acknowledged, done, and reported with its output and what it used")
  void done() throws InterruptedException {
    start(
        task -> {
          task.addTokens(40);
          task.addTokens(2);
          task.addCost(new BigDecimal("0.75"), "USD");
          task.addCost(new BigDecimal("0.50"), "USD");
          return "hello " + task.task().getGoal();
        });
    agents.assign("l1", "docs.write");
    assertEquals("l1", agents.next(ACKNOWLEDGE).getAcknowledge().getLeaseId());
    ReportRequest report = agents.next(REPORT).getReport();
    assertEquals("docs_write", report.getDone().getOutputs(0).getName());
    assertEquals("hello Greet", report.getDone().getOutputs(0).getValue().getStringValue());
    assertEquals(42, report.getUsage().getTokens());
    assertEquals(1, report.getUsage().getCost().getUnits());
    assertEquals(250_000_000, report.getUsage().getCost().getNanos());
  }

  @Test
  @DisplayName("What a function throws becomes a failure, one for good, or a refusal")
  void failures() throws InterruptedException {
    BlockingQueue<RuntimeException> thrown =
        new LinkedBlockingQueue<>(
            List.of(new IllegalStateException("no paper"), new TaskFailedException("no ink", true), new DeclineException("not mine")));
    start(
        task -> {
          throw thrown.remove();
        });
    agents.assign("l1", "docs.write");
    ReportRequest fault = agents.next(REPORT).getReport();
    assertEquals("IllegalStateException: no paper", fault.getFailed().getError());
    assertFalse(fault.getFailed().getPermanent());
    agents.assign("l2", "docs.write");
    assertTrue(agents.next(REPORT).getReport().getFailed().getPermanent());
    agents.assign("l3", "docs.write");
    ReportRequest declined = agents.next(REPORT).getReport();
    assertEquals("not mine", declined.getDeclined().getReason());
    assertFalse(declined.getDeclined().getHandBack());
  }

  @Test
  @DisplayName("A task for a skill the agent has not is declined, one too many is handed back")
  void surplus() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    start(task -> end.await(30, TimeUnit.SECONDS));
    agents.assign("l1", "another.skill");
    assertFalse(agents.next(REPORT).getReport().getDeclined().getHandBack());
    agents.assign("l2", "docs.write");
    agents.next(ACKNOWLEDGE);
    agents.assign("l3", "docs.write");
    assertTrue(agents.next(REPORT).getReport().getDeclined().getHandBack());
    end.countDown();
    assertEquals("l2", agents.next(REPORT).getReport().getLease().getLeaseId());
  }

  @Test
  @DisplayName("A function whose task was cancelled is interrupted, and nothing is reported of it")
  void cancelled() throws InterruptedException {
    CountDownLatch interrupted = new CountDownLatch(1);
    start(
        task -> {
          if (task.planId().isEmpty() || task.task().getId().equals("t-l2")) {
            return "second";
          }
          try {
            Thread.sleep(30_000);
          } catch (InterruptedException stop) {
            assertTrue(task.isCancelled());
            interrupted.countDown();
          }
          return "first";
        });
    agents.assign("l1", "docs.write");
    agents.next(ACKNOWLEDGE);
    agents.notice("l1", LeaseNoticeKind.LEASE_NOTICE_KIND_CANCELLED);
    assertTrue(interrupted.await(20, TimeUnit.SECONDS));
    agents.next(SLOTS);
    agents.assign("l2", "docs.write");
    assertEquals("l2", agents.next(REPORT).getReport().getLease().getLeaseId());
  }

  @Test
  @DisplayName("Progress shows at the next sign of life, which comes soon")
  void progress() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    start(
        task -> {
          task.progress(0.5, "half way");
          return end.await(30, TimeUnit.SECONDS);
        });
    agents.assign("l1", "docs.write");
    while (true) {
      var beat = agents.beats.poll(20, TimeUnit.SECONDS);
      if (beat.getProgressCount() > 0) {
        assertEquals("half way", beat.getProgress(0).getMessage());
        assertEquals(1.0, beat.getLoad());
        break;
      }
    }
    end.countDown();
  }

  @Test
  @DisplayName("When the stream breaks or moves, another one is opened that names the leases held, and the task goes on")
  void reconnects() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    start(task -> end.await(30, TimeUnit.SECONDS));
    agents.assign("l1", "docs.write");
    agents.next(ACKNOWLEDGE);
    agents.breakStream();
    assertEquals(List.of("l1"), agents.next(OPEN).getOpen().getHeldLeaseIdsList());
    agents.move();
    WorkOpen moved = agents.next(OPEN).getOpen();
    assertEquals(List.of("l1"), moved.getHeldLeaseIdsList());
    assertEquals("session-1", moved.getSessionId());
    end.countDown();
    assertTrue(agents.next(REPORT).getReport().hasDone());
  }

  @Test
  @DisplayName("A report that got no answer before the stream broke is told by a call")
  void toldAgain() throws InterruptedException {
    agents.silentOnReports = true;
    start(task -> "hello");
    agents.assign("l1", "docs.write");
    agents.next(REPORT);
    agents.breakStream();
    assertEquals("l1", calls.reports.poll(20, TimeUnit.SECONDS).getLease().getLeaseId());
  }

  @Test
  @DisplayName("A worker the server has forgotten cancels what it holds and joins again")
  void joinsAgain() throws InterruptedException {
    CountDownLatch interrupted = new CountDownLatch(1);
    start(
        task -> {
          try {
            Thread.sleep(30_000);
          } catch (InterruptedException stop) {
            interrupted.countDown();
          }
          return null;
        });
    agents.assign("l1", "docs.write");
    agents.next(ACKNOWLEDGE);
    agents.forgetful = true;
    assertTrue(interrupted.await(20, TimeUnit.SECONDS));
    WorkOpen again = agents.next(OPEN).getOpen();
    assertEquals("session-2", again.getSessionId());
    assertEquals(0, again.getHeldLeaseIdsCount());
  }

  @Test
  @DisplayName("A worker that stops takes nothing more, finishes what it holds, and leaves")
  void finishes() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    start(task -> end.await(30, TimeUnit.SECONDS));
    agents.assign("l1", "docs.write");
    agents.next(ACKNOWLEDGE);
    running.stop(true);
    assertEquals(0, agents.next(SLOTS).getSlots().getSlots());
    end.countDown();
    assertTrue(agents.next(REPORT).getReport().hasDone());
    running.await();
    assertEquals("session-1", agents.left.poll(20, TimeUnit.SECONDS));
  }

  @Test
  @DisplayName("Told to stop at once, or a second time, it hands back what it holds")
  void handsBack() throws InterruptedException {
    start(task -> task.awaitCancelled(Duration.ofSeconds(30)));
    agents.assign("l1", "docs.write");
    agents.next(ACKNOWLEDGE);
    running.stop(true);
    running.stop(true);
    ReportRequest report = agents.next(REPORT).getReport();
    assertTrue(report.getDeclined().getHandBack());
    assertEquals("the worker stops", report.getDeclined().getReason());
    running.await();
  }

  @Test
  @DisplayName("Credentials that are refused before it ever joined end the worker with the error")
  void refused() {
    agents.refusal = FakeAgents.error(Status.Code.UNAUTHENTICATED, "CREDENTIALS_INVALID");
    Worker worker = Worker.builder("writer").skill("docs.write", "Write", task -> null).build();
    GenesisException error = assertThrows(GenesisException.class, () -> worker.run(server.target()));
    assertEquals("CREDENTIALS_INVALID", error.reason());
  }

  @Test
  @DisplayName("A call that a function makes carries on the trace of the plan")
  void trace() throws InterruptedException {
    start(
        task -> {
          try (GenesisClient client = GenesisClient.connect(server.target())) {
            client.orchestrator().report(ReportRequest.newBuilder().setPlanId("plan_2").build());
          }
          return null;
        });
    agents.assign("l1", "docs.write");
    agents.next(REPORT);
    assertTrue(server.header("traceparent").contains("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  }

  @Test
  @DisplayName("A worker without a skill, or with one twice, is refused")
  void skills() {
    assertThrows(IllegalArgumentException.class, () -> Worker.builder("writer").build());
    Worker.Builder once = Worker.builder("writer").skill("a", "A", task -> null);
    assertThrows(IllegalArgumentException.class, () -> once.skill("a", "A", task -> null));
  }

  private void start(TaskFunction function) throws InterruptedException {
    Worker worker = Worker.builder("writer").skill("docs.write", "Write release notes", function).build();
    running = worker.start(server.target(), Options.defaults());
    running.awaitJoined();
    assertEquals(1, agents.next(OPEN).getOpen().getSlots());
  }

  /** Takes reports by call. */
  private static final class Calls extends OrchestratorServiceImplBase {
    private final BlockingQueue<ReportRequest> reports = new LinkedBlockingQueue<>();

    @Override
    public void report(ReportRequest request, StreamObserver<ReportResponse> answer) {
      reports.add(request);
      answer.onNext(ReportResponse.getDefaultInstance());
      answer.onCompleted();
    }
  }
}
