package dev.genesis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.genesis.v1.OrchestratorServiceGrpc.OrchestratorServiceImplBase;
import dev.genesis.v1.PlanRequest;
import dev.genesis.v1.PlanResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class GenesisClientTest {
  private static final PlanRequest PLAN = PlanRequest.newBuilder().setGoal("Water the plants").build();

  private final Planner planner = new Planner();
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer(planner);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  @DisplayName("A call that found no server is made again with the same request id")
  void repeats() {
    planner.failures = 2;
    plan(Options.builder());
    assertEquals(3, planner.requestIds.size());
    assertEquals(1, new HashSet<>(planner.requestIds).size());
  }

  @Test
  @DisplayName("After five tries the caller hears that nobody is there, and without retries after one")
  void givesUp() {
    planner.failures = 100;
    StatusRuntimeException failed = assertThrows(StatusRuntimeException.class, () -> plan(Options.builder()));
    assertEquals(Status.Code.UNAVAILABLE, GenesisException.of(failed).code());
    assertEquals(5, planner.requestIds.size());
    assertThrows(StatusRuntimeException.class, () -> plan(Options.builder().retries(false)));
    assertEquals(6, planner.requestIds.size());
  }

  @Test
  @DisplayName("A server that is started again goes unnoticed")
  void restart() {
    try (GenesisClient client = GenesisClient.connect(server.target())) {
      client.orchestrator().plan(PLAN);
      server.close();
      CompletableFuture<FakeServer> again = new CompletableFuture<>();
      CompletableFuture.delayedExecutor(500, TimeUnit.MILLISECONDS).execute(() -> again.completeAsync(() -> another(server.port())));
      client.orchestrator().plan(PLAN);
      server = again.join();
    }
  }

  @Test
  @DisplayName("Each try of a signed call is signed anew, since a server takes a signature once")
  void signsAnew() {
    planner.failures = 2;
    plan(Options.builder().agentKey("k1:a secret of an agent", "writer"));
    List<String> signed = server.header("authorization");
    assertEquals(3, new HashSet<>(signed).size());
    assertTrue(signed.get(0).startsWith("Genesis-HMAC-SHA256 tenant=default,agent=writer,key=k1,time="));
  }

  @Test
  @DisplayName("A token is asked for at each call")
  void token() {
    List<String> tokens = new CopyOnWriteArrayList<>(List.of("one", "two"));
    try (GenesisClient client = GenesisClient.connect(server.target(), Options.builder().token(() -> tokens.remove(0)).build())) {
      client.orchestrator().plan(PLAN);
      client.orchestrator().plan(PLAN);
    }
    assertEquals(List.of("Bearer one", "Bearer two"), server.header("authorization"));
  }

  @Test
  @DisplayName("A token does not travel to another machine in plain text, unless one insists")
  void plainToken() {
    Options options = Options.builder().token("t").build();
    String[] others = {"genesis.example:50051", "dns:///10.0.0.1:50051", "127.0.0.1.example:1", "ipv4:127.0.0.1:1,10.0.0.1:1"};
    for (String target : others) {
      assertThrows(IllegalArgumentException.class, () -> GenesisClient.connect(target, options), target);
    }
    for (String target : new String[] {"localhost:1", "127.0.0.1:1", "[::1]:1", "dns:///localhost:1", "unix:/tmp/genesis.sock"}) {
      assertTrue(Loopback.is(target), target);
    }
    GenesisClient.connect("genesis.example:50051", Options.builder().token("t").insecureToken(true).build()).close();
  }

  @Test
  @DisplayName("Calls have a deadline of 30 seconds, or the client's, or their own")
  void deadlines() {
    plan(Options.builder());
    plan(Options.builder().timeout(Duration.ofSeconds(300)));
    try (GenesisClient client = GenesisClient.connect(server.target())) {
      client.orchestrator().withDeadlineAfter(3000, TimeUnit.SECONDS).plan(PLAN);
    }
    assertBetween(0, 30, planner.secondsLeft.get(0));
    assertBetween(30, 300, planner.secondsLeft.get(1));
    assertBetween(300, 3000, planner.secondsLeft.get(2));
  }

  @Test
  @DisplayName("The server sees which client it is, and headers that every call has")
  void headers() {
    plan(Options.builder().header("x-team", "blue"));
    assertEquals(List.of("blue"), server.header("x-team"));
    assertTrue(server.header("user-agent").get(0).matches("genesis-java/\\d+\\.\\d+\\.\\d+ .*"));
  }

  @Test
  @DisplayName("Options that contradict each other are refused")
  void contradictions() {
    assertThrows(IllegalArgumentException.class, () -> Options.builder().token("t").agentKey("k:s", "writer").build());
    assertThrows(IllegalArgumentException.class, () -> Options.builder().timeout(Duration.ZERO).build());
    Options bad = Options.builder().rootCertificates("no certificate".getBytes(java.nio.charset.StandardCharsets.UTF_8)).build();
    assertThrows(IllegalArgumentException.class, () -> GenesisClient.connect("127.0.0.1:1", bad));
  }

  private void plan(Options.Builder options) {
    try (GenesisClient client = GenesisClient.connect(server.target(), options.build())) {
      assertFalse(client.orchestrator().plan(PLAN).getStored());
    }
  }

  private FakeServer another(int port) {
    try {
      return new FakeServer(port, planner);
    } catch (IOException taken) {
      throw new UncheckedIOException(taken);
    }
  }

  private static void assertBetween(double low, double high, double value) {
    assertTrue(low <= value && value <= high, () -> value + " is not between " + low + " and " + high);
  }

  /** Fails as often as it should, then answers. */
  private static final class Planner extends OrchestratorServiceImplBase {
    private final List<String> requestIds = new CopyOnWriteArrayList<>();
    private final List<Double> secondsLeft = new CopyOnWriteArrayList<>();
    private volatile int failures;

    @Override
    public void plan(PlanRequest request, StreamObserver<PlanResponse> answer) {
      requestIds.add(request.getRequestId());
      secondsLeft.add(Context.current().getDeadline().timeRemaining(TimeUnit.MILLISECONDS) / 1000.0);
      if (requestIds.size() <= failures) {
        answer.onError(Status.UNAVAILABLE.asRuntimeException());
      } else {
        answer.onNext(PlanResponse.getDefaultInstance());
        answer.onCompleted();
      }
    }
  }
}
