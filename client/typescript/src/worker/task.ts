import type { JsonValue } from "@bufbuild/protobuf";
import type { WorkAssignment } from "../gen/genesis/v1/agent_service_pb.js";
import { secondsOf } from "../timing.js";
import { json } from "../values.js";

const LONGEST_MESSAGE = 500;
const MOST_USD = 1e9;

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

/** How far a task is. */
export interface Told {
  readonly fraction: number;
  readonly message: string;
}

/** A task under way. */
export class TaskContext {
  /** The task as the plan has it, its plan, the how manieth attempt this is, and whom it was routed to. */
  readonly assignment: WorkAssignment;
  /** The inputs by name: JSON values, or references. */
  readonly inputs: Readonly<Record<string, JsonValue | Reference>>;
  /** Aborted when nobody wants the task any more, its time is over, or the worker stops; its reason says which. */
  readonly signal: AbortSignal;
  /** Whether the plan is paused: hold on where you can. */
  paused = false;
  /** What was told and not yet sent. */
  told: Told | undefined;
  /** What `usage` was told of. */
  readonly used: { tokens?: bigint; costNanos?: bigint } = {};
  readonly #end: number | undefined;
  readonly #news: () => void;

  /** `news` is called when progress was told. */
  constructor(assignment: WorkAssignment, signal: AbortSignal, news: () => void = () => undefined) {
    this.assignment = assignment;
    this.signal = signal;
    this.inputs = inputsOf(assignment);
    this.#news = news;
    const { timeLeft } = assignment;
    this.#end = timeLeft === undefined ? undefined : performance.now() + secondsOf(timeLeft) * 1000;
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
    this.told = { fraction: fraction > 0 ? Math.min(1, fraction) : 0, message: message.slice(0, LONGEST_MESSAGE) };
    this.#news();
  }

  /** Adds to what the task used; one that tells nothing counts with what was expected of it. Throws a RangeError for what is no amount. */
  usage({ usd = 0, tokens = 0 }: { usd?: number; tokens?: number }): void {
    if (!(usd >= 0 && usd <= MOST_USD)) throw new RangeError(`${usd} USD is no cost`);
    if (!Number.isSafeInteger(tokens) || tokens < 0) throw new RangeError(`${tokens} is no number of tokens`);
    if (tokens) this.used.tokens = (this.used.tokens ?? 0n) + BigInt(tokens);
    if (usd) this.used.costNanos = (this.used.costNanos ?? 0n) + BigInt(Math.round(usd * 1e9));
  }
}

function inputsOf(assignment: WorkAssignment): Record<string, JsonValue | Reference> {
  const found: Record<string, JsonValue | Reference> = {};
  for (const { name, content } of assignment.inputs) {
    if (content.case === "value") found[name] = json(content.value);
    if (content.case === "reference") {
      found[name] = new Reference(content.value.uri, content.value.sha256, content.value.mediaType);
    }
  }
  return found;
}
