import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import type { Status } from "./gen/google/rpc/status_pb.js";
import { secondsOf } from "./timing.js";

/** A field of the request that breaks a constraint. */
export interface FieldViolation {
  /** Path in the request, for example `plan.tasks[2].id`. */
  readonly field: string;
  /** What is wrong and what to do. */
  readonly description: string;
  /** Id of the constraint, for example `STRING_MIN_LEN`. */
  readonly rule: string;
}

/** Name of a gRPC status, for example `NOT_FOUND`. */
export type StatusName =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

const STATUS: Readonly<Record<number, StatusName>> = {
  [Code.Canceled]: "CANCELLED",
  [Code.Unknown]: "UNKNOWN",
  [Code.InvalidArgument]: "INVALID_ARGUMENT",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "NOT_FOUND",
  [Code.AlreadyExists]: "ALREADY_EXISTS",
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "RESOURCE_EXHAUSTED",
  [Code.FailedPrecondition]: "FAILED_PRECONDITION",
  [Code.Aborted]: "ABORTED",
  [Code.OutOfRange]: "OUT_OF_RANGE",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Internal]: "INTERNAL",
  [Code.Unavailable]: "UNAVAILABLE",
  [Code.DataLoss]: "DATA_LOSS",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};

interface Facts {
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterSeconds: number | undefined;
}

/** A call failed: its status, and the facts the server gave. Branch on `reason`, or on `status` where you do not know the reason. */
export class GenesisError extends Error {
  override readonly name = "GenesisError";
  /** The gRPC status. */
  readonly status: StatusName;
  /** Name of a `genesis.v1.ErrorReason` without its prefix, for example `PLAN_NOT_FOUND`; empty when the server was not reached. */
  readonly reason: string;
  /** Facts about the failure; which keys there are depends on the reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Every field that is wrong, when the request is. */
  readonly violations: readonly FieldViolation[];
  /** When to come again, where the server says so. */
  readonly retryAfterSeconds: number | undefined;
  /** Finds the call in the server's log and trace; empty when the server was not reached. */
  readonly correlationId: string;

  private constructor(code: number, message: string, facts: Facts, correlationId: string, cause: unknown) {
    super(message, { cause });
    this.status = STATUS[code] ?? "UNKNOWN";
    this.reason = facts.reason;
    this.metadata = facts.metadata;
    this.violations = facts.violations;
    this.retryAfterSeconds = facts.retryAfterSeconds;
    this.correlationId = facts.metadata["correlation_id"] ?? correlationId;
  }

  /** The error for whatever a call threw. */
  static from(thrown: unknown): GenesisError {
    if (thrown instanceof GenesisError) return thrown;
    const error = ConnectError.from(thrown);
    const facts = factsOf(
      error.findDetails(ErrorInfoSchema)[0],
      error.findDetails(BadRequestSchema)[0],
      error.findDetails(RetryInfoSchema)[0],
    );
    return new GenesisError(error.code, error.rawMessage, facts, error.metadata.get("x-correlation-id") ?? "", error);
  }

  /** The error for one that came as a message, as on a worker's stream. */
  static fromStatus(status: Status): GenesisError {
    const error = new ConnectError(status.message, status.code);
    error.details = status.details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
      value,
    }));
    return GenesisError.from(error);
  }
}

function factsOf(
  info: { reason: string; metadata: Record<string, string> } | undefined,
  request: { fieldViolations: { field: string; description: string; reason: string }[] } | undefined,
  retry: { retryDelay?: { seconds: bigint; nanos: number } | undefined } | undefined,
): Facts {
  const delay = retry?.retryDelay;
  return {
    reason: info?.reason ?? "",
    metadata: info?.metadata ?? {},
    violations: (request?.fieldViolations ?? []).map(({ field, description, reason }) => ({
      field,
      description,
      rule: reason,
    })),
    retryAfterSeconds: delay === undefined ? undefined : secondsOf(delay),
  };
}
