package dev.genesis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class GenesisExceptionTest {
  private static final com.google.rpc.Status TOLD =
      com.google.rpc.Status.newBuilder()
          .setCode(Status.Code.INVALID_ARGUMENT.value())
          .setMessage("the goal is empty")
          .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("INVALID_FIELD").putMetadata("correlation_id", "c-1").build()))
          .addDetails(
              Any.pack(
                  BadRequest.newBuilder()
                      .addFieldViolations(
                          BadRequest.FieldViolation.newBuilder().setField("goal").setDescription("give words").setReason("STRING_MIN_LEN"))
                      .build()))
          .addDetails(
              Any.pack(RetryInfo.newBuilder().setRetryDelay(Duration.newBuilder().setSeconds(1).setNanos(500_000_000)).build()))
          .build();

  @Test
  @DisplayName("A failed call tells code, reason, facts, fields, when to come back and where to look")
  void details() {
    assertTold(GenesisException.of(StatusProto.toStatusRuntimeException(TOLD)));
  }

  @Test
  @DisplayName("A refusal on a stream tells the same")
  void message() {
    assertTold(GenesisException.of(TOLD));
  }

  @Test
  @DisplayName("What went wrong below the call is found, and a failure that was read already stays as it is")
  void wrapped() {
    GenesisException error = GenesisException.of(new IllegalStateException(StatusProto.toStatusException(TOLD)));
    assertTold(error);
    assertSame(error, GenesisException.of(new IllegalStateException(error)));
  }

  @Test
  @DisplayName("Without a server's answer there is the code and gRPC's words, and nothing else")
  void bare() {
    GenesisException error = GenesisException.of(Status.UNAVAILABLE.withDescription("nobody is there").asRuntimeException());
    assertEquals(Status.Code.UNAVAILABLE, error.code());
    assertEquals("nobody is there", error.getMessage());
    assertEquals("", error.reason());
    assertEquals(Map.of(), error.metadata());
    assertEquals(List.of(), error.fieldViolations());
    assertEquals(Optional.empty(), error.retryAfter());
  }

  @Test
  @DisplayName("Details that cannot be read are left out, and the failure is told all the same")
  void unreadable() {
    Metadata trailers = new Metadata();
    trailers.put(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {1, 2, 3});
    trailers.put(Metadata.Key.of("x-correlation-id", Metadata.ASCII_STRING_MARSHALLER), "c-2");
    GenesisException error = GenesisException.of(Status.INTERNAL.withDescription("oh").asRuntimeException(trailers));
    assertEquals("oh", error.getMessage());
    assertEquals("c-2", error.correlationId());
  }

  private static void assertTold(GenesisException error) {
    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("the goal is empty", error.getMessage());
    assertEquals("INVALID_FIELD", error.reason());
    assertEquals("c-1", error.correlationId());
    assertEquals(Map.of("correlation_id", "c-1"), error.metadata());
    assertEquals(List.of(new FieldViolation("goal", "give words", "STRING_MIN_LEN")), error.fieldViolations());
    assertEquals(Optional.of(java.time.Duration.ofMillis(1500)), error.retryAfter());
  }
}
