package dev.genesis.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A failed call, with the facts the server gave. The generated stubs throw gRPC's own exceptions; {@link #of(Throwable)} reads them.
 */
public final class GenesisException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final Metadata.Key<byte[]> DETAILS = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> CORRELATION_ID = Metadata.Key.of("x-correlation-id", Metadata.ASCII_STRING_MARSHALLER);

  private final Status.Code code;
  private final String reason;
  private final transient Map<String, String> metadata;
  private final transient List<FieldViolation> fieldViolations;
  private final transient Duration retryAfter;
  private final String correlationId;

  private GenesisException(Status.Code code, com.google.rpc.Status status, String correlationId, Throwable cause) {
    super(status.getMessage(), cause);
    ErrorInfo info = detail(status, ErrorInfo.class).orElse(ErrorInfo.getDefaultInstance());
    this.code = code;
    this.reason = info.getReason();
    this.metadata = Map.copyOf(info.getMetadataMap());
    this.fieldViolations =
        detail(status, BadRequest.class).stream()
            .flatMap(found -> found.getFieldViolationsList().stream())
            .map(one -> new FieldViolation(one.getField(), one.getDescription(), one.getReason()))
            .toList();
    this.retryAfter =
        detail(status, RetryInfo.class)
            .map(found -> Duration.ofSeconds(found.getRetryDelay().getSeconds(), found.getRetryDelay().getNanos()))
            .orElse(null);
    this.correlationId = metadata.getOrDefault("correlation_id", correlationId);
  }

  /** The facts about a failed call: of a {@link StatusRuntimeException}, a {@link StatusException}, or what has one as its cause. */
  public static GenesisException of(Throwable failure) {
    for (Throwable one = failure; one != null; one = one.getCause()) {
      if (one instanceof GenesisException known) {
        return known;
      }
    }
    Status status = Status.fromThrowable(failure);
    Metadata trailers = Optional.ofNullable(Status.trailersFromThrowable(failure)).orElseGet(Metadata::new);
    String correlationId = Optional.ofNullable(trailers.get(CORRELATION_ID)).orElse("");
    com.google.rpc.Status told = told(trailers.get(DETAILS));
    if (told.getMessage().isEmpty()) {
      told = told.toBuilder().setMessage(words(status)).build();
    }
    return new GenesisException(status.getCode(), told, correlationId, failure);
  }

  /** The facts about a failure that came as a message, for example the refusal of a report on a stream of work. */
  public static GenesisException of(com.google.rpc.Status status) {
    return new GenesisException(Status.fromCodeValue(status.getCode()).getCode(), status, "", null);
  }

  /** The gRPC code. */
  public Status.Code code() {
    return code;
  }

  /**
   * Name of a {@code genesis.v1.ErrorReason} without its prefix, for example {@code PLAN_NOT_FOUND}; empty when the server was not
   * reached.
   */
  public String reason() {
    return reason;
  }

  /** Facts about the failure; which keys there are depends on the reason. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Every field that is wrong, when the request is. */
  public List<FieldViolation> fieldViolations() {
    return fieldViolations;
  }

  /** How long to wait before another try helps; empty when the server named no time. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /** Finds the call in the server's logs and traces; empty when the server was not reached. */
  public String correlationId() {
    return correlationId;
  }

  private static String words(Status status) {
    String words = status.getDescription() == null ? "the call failed with " + status.getCode() : status.getDescription();
    // gRPC's own words for a connection that cannot be made are "io exception"; the cause says which.
    boolean more = status.getCause() != null && status.getCause().getMessage() != null;
    return more ? words + ": " + status.getCause().getMessage() : words;
  }

  private static com.google.rpc.Status told(byte[] details) {
    try {
      return details == null ? com.google.rpc.Status.getDefaultInstance() : com.google.rpc.Status.parseFrom(details);
    } catch (InvalidProtocolBufferException unreadable) {
      return com.google.rpc.Status.getDefaultInstance();
    }
  }

  private static <T extends com.google.protobuf.Message> Optional<T> detail(com.google.rpc.Status status, Class<T> kind) {
    for (Any one : status.getDetailsList()) {
      if (one.is(kind)) {
        try {
          return Optional.of(one.unpack(kind));
        } catch (InvalidProtocolBufferException unreadable) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }
}
