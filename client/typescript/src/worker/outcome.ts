import { inspect } from "node:util";
import { create, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { ReportRequestSchema, type ArtefactValueSchema, type ReportRequest } from "../gen/genesis/v1/work_pb.js";
import { value } from "../values.js";
import { Decline, Reference, TaskFailed } from "./task.js";

const LONGEST_ERROR = 5_000;
const LONGEST_REASON = 1_000;

export type Result = ReportRequest["outcome"];
type Output = MessageInitShape<typeof ArtefactValueSchema>;

/**
 * What a skill gave back, as outputs: an object by its names, anything else as the task's only output. `own` are the outputs of the skill,
 * for tasks that declare none. Throws a TaskFailed, for good, when there is no name for a value or it cannot be sent.
 */
export function done(returned: unknown, declared: readonly string[], own: readonly string[]): Result {
  const outputs = Object.entries(named(returned, declared, own)).map(([name, one]): Output => {
    if (!(one instanceof Reference)) return { name, content: { case: "value", value: value(plain(one)) } };
    const { uri, sha256, mediaType } = one;
    return { name, content: { case: "reference", value: { uri, sha256, mediaType } } };
  });
  return create(ReportRequestSchema, { outcome: { case: "done", value: { outputs } } }).outcome;
}

/** What a skill threw, as a result. */
export function failed(thrown: unknown): Result {
  if (thrown instanceof Decline) return declined(thrown.message, false);
  const permanent = thrown instanceof TaskFailed && thrown.permanent;
  const error = words(thrown).slice(0, LONGEST_ERROR);
  return create(ReportRequestSchema, { outcome: { case: "failed", value: { error, permanent } } }).outcome;
}

/** That the worker does not do it; with `handBack` it would another time. */
export function declined(why: string, handBack: boolean): Result {
  const reason = why.slice(0, LONGEST_REASON);
  return create(ReportRequestSchema, { outcome: { case: "declined", value: { reason, handBack } } }).outcome;
}

function named(returned: unknown, declared: readonly string[], own: readonly string[]): Record<string, unknown> {
  if (returned === undefined || returned === null) return {};
  const [first] = declared;
  if (isRecord(returned)) {
    return declared.length !== 1 || first === undefined || first in returned ? returned : { [first]: returned };
  }
  const names = declared.length > 0 ? declared : own;
  const [only] = names;
  if (only !== undefined && names.length === 1) return { [only]: returned };
  const what = names.length > 0 ? `the outputs ${names.join(", ")}` : "no declared output";
  throw new TaskFailed(`the function returned one value, and its task has ${what}: return an object`, true);
}

function isRecord(given: unknown): given is Record<string, unknown> {
  return Object.prototype.toString.call(given) === "[object Object]" && !(given instanceof Reference);
}

/** A value as JSON has it; what JSON would silently make null or leave out is a mistake. */
function plain(given: unknown): JsonValue {
  try {
    const text: string | undefined = JSON.stringify(given, (name, one: unknown) => {
      if (typeof one === "number" && !Number.isFinite(one)) throw new TypeError(`${name || "it"} is ${one}`);
      return one;
    });
    if (text === undefined) throw new TypeError(`it is ${typeof given}`);
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new TaskFailed(`the result cannot be sent: ${words(error)}`, true);
  }
}

function words(thrown: unknown): string {
  if (thrown instanceof TaskFailed) return thrown.message;
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
  return typeof thrown === "string" ? thrown : inspect(thrown);
}
