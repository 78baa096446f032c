package dev.genesis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.genesis.v1.AgentServiceGrpc;
import dev.genesis.v1.OrchestratorServiceGrpc;
import io.grpc.Metadata;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class RetriesTest {
  @Test
  @DisplayName("Calls that change something are repeated only with a request id, streams of requests never")
  void repeatable() {
    assertTrue(RequestIds.has(OrchestratorServiceGrpc.getPlanMethod()));
    assertTrue(Retries.isRepeatable(OrchestratorServiceGrpc.getPlanMethod()));
    assertTrue(Retries.isRepeatable(OrchestratorServiceGrpc.getGetPlanMethod()));
    assertTrue(Retries.isRepeatable(AgentServiceGrpc.getHeartbeatMethod()));
    assertFalse(Retries.isRepeatable(AgentServiceGrpc.getWorkMethod()));
  }

  @Test
  @DisplayName("While most calls find no server none is repeated, until enough of them succeed again")
  void throttled() {
    Retries.Throttle throttle = new Retries.Throttle();
    for (int failures = 0; failures < 4; failures++) {
      assertTrue(throttle.failed());
    }
    assertFalse(throttle.failed());
    for (int successes = 0; successes < 11; successes++) {
      throttle.succeeded();
    }
    assertTrue(throttle.failed());
  }

  @Test
  @DisplayName("What the server asks for is obeyed; what it says and nobody understands means no repeat")
  void pushback() {
    assertNull(Retries.pushback(new Metadata()));
    assertEquals(1200L, Retries.pushback(trailers("1200")));
    assertEquals(-1L, Retries.pushback(trailers("-1")));
    assertEquals(-1L, Retries.pushback(trailers("soon")));
  }

  private static Metadata trailers(String wait) {
    Metadata trailers = new Metadata();
    trailers.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), wait);
    return trailers;
  }
}
