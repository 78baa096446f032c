import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { WorkAssignment } from "../gen/genesis/v1/agent_service_pb.js";
import { json } from "../values.js";

/** Throw it to say that the task is not for this worker: it counts for nothing, and another agent gets the task. */
export class Decline extends Error {
  override readonly name = "Decline";
}

/** Throw it to say that the task failed. */
export class TaskFailed extends Error {
  override readonly name = "TaskFailed";

  constructor(
    message: string,
    /** Whether this agent need not try again. */
    readonly permanent = false,
  ) {
    super(message);
  }
}

/** A value that lies elsewhere; as an output, it is stored already. */
export class Reference {
  constructor(
    readonly uri: string,
    /** SHA-256 of its bytes, in lower-case hexadecimal. */
    readonly sha256: string,
    readonly mediaType = "",
  ) {}
}

/** A task under way. */
export class TaskContext {
  /** The task as the plan has it, its plan, the how manieth attempt this is, and whom it was routed to. */
  readonly assignment: WorkAssignment;
  /** The inputs by name: JSON values, or references. */
  readonly inputs: Readonly<Record<string, JsonValue | Reference>>;
  /** Aborted when nobody wants the task any more, its time is over, or the worker stops. */
  readonly signal: AbortSignal;
  /** Whether the plan is paused: hold on where you can. */
  paused = false;
  /** What was told and not yet sent. */
  told: { fraction: number; message: string } | undefined;
  readonly used: { tokens?: bigint; costNanos?: bigint } = {};
  readonly #end: number | undefined;

  constructor(assignment: WorkAssignment, signal: AbortSignal) {
    this.assignment = assignment;
    this.signal = signal;
    this.inputs = inputsOf(assignment);
    const left = assignment.timeLeft;
    this.#end = left === undefined ? undefined : performance.now() + Number(left.seconds) * 1000 + left.nanos / 1e6;
  }

  /** The task's goal. */
  get goal(): string {
    return this.assignment.task?.goal ?? "";
  }

  /** W3C trace context of the call that asked for the plan; empty when its trace is not recorded. */
  get traceparent(): string {
    return this.assignment.traceparent;
  }

  /** Seconds until the attempt ends; undefined when it may take as long as it likes. */
  timeLeft(): number | undefined {
    return this.#end === undefined ? undefined : Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /** How far the task is, 0 to 1; seen by whoever watches the plan. */
  progress(fraction: number, message = ""): void {
    this.told = { fraction: Math.min(1, Math.max(0, fraction)), message: message.slice(0, 500) };
  }

  /** Adds to what the task used; one that tells nothing counts with what was expected of it. */
  usage({ usd = 0, tokens = 0 }: { usd?: number; tokens?: number }): void {
    if (tokens) this.used.tokens = (this.used.tokens ?? 0n) + BigInt(tokens);
    if (usd) this.used.costNanos = (this.used.costNanos ?? 0n) + BigInt(Math.round(usd * 1e9));
  }
}

function inputsOf(assignment: WorkAssignment): JsonObject & Record<string, JsonValue | Reference> {
  const found: Record<string, JsonValue | Reference> = {};
  for (const { name, content } of assignment.inputs) {
    if (content.case === "value") found[name] = json(content.value);
    if (content.case === "reference") {
      found[name] = new Reference(content.value.uri, content.value.sha256, content.value.mediaType);
    }
  }
  return found as JsonObject & Record<string, JsonValue | Reference>;
}
