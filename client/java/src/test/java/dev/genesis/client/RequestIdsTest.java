package dev.genesis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.genesis.v1.GetPlanRequest;
import dev.genesis.v1.PlanRequest;
import dev.genesis.v1.PlanStreamRequest;
import java.util.UUID;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class RequestIdsTest {
  private static final PlanRequest PLAN = PlanRequest.newBuilder().setGoal("Water the plants").build();

  @Test
  @DisplayName("A request that changes something gets a UUID of its own")
  void fresh() {
    String id = ((PlanRequest) RequestIds.filled(PLAN)).getRequestId();
    assertEquals(4, UUID.fromString(id).version());
    assertFalse(id.equals(((PlanRequest) RequestIds.filled(PLAN)).getRequestId()));
  }

  @Test
  @DisplayName("A request id of one's own stays")
  void kept() {
    PlanRequest own = PLAN.toBuilder().setRequestId("mine").build();
    assertSame(own, RequestIds.filled(own));
  }

  @Test
  @DisplayName("PlanStream can be repeated as well: the request in it gets the id")
  void nested() {
    PlanStreamRequest filled = (PlanStreamRequest) RequestIds.filled(PlanStreamRequest.newBuilder().setPlan(PLAN).build(), () -> "id");
    assertEquals("id", filled.getPlan().getRequestId());
  }

  @Test
  @DisplayName("A request without the field goes as it is")
  void none() {
    GetPlanRequest read = GetPlanRequest.newBuilder().setPlanId("plan_1").build();
    assertSame(read, RequestIds.filled(read));
  }
}
