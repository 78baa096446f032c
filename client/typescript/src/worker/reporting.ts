import { create, type JsonObject, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import type { GenesisClient } from "../connect.js";
import { GenesisError } from "../errors.js";
import type { WorkAssignment } from "../gen/genesis/v1/agent_service_pb.js";
import { type ArtefactValueSchema, ReportRequestSchema, type ReportRequest } from "../gen/genesis/v1/work_pb.js";
import { value } from "../values.js";
import type { Outbox } from "./outbox.js";
import { Decline, Reference, TaskFailed, type TaskContext } from "./task.js";
import { backoff, pause } from "./timing.js";

const ANSWER_SECONDS = 30;
const LONGEST_ERROR = 5_000;
const FINAL_STATUS = ["ALREADY_EXISTS", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED"];
const FINAL_REASONS = ["LEASE_LOST", "TASK_ENDED", "PLAN_ENDED", "MESSAGE_TOO_LARGE"];

export type Result = ReportRequest["outcome"];
type Output = MessageInitShape<typeof ArtefactValueSchema>;

/** What a skill gave back, as outputs: an object by its names, anything else as the only output. */
export function done(returned: unknown, onlyOutput: string): Result {
  const named = isRecord(returned) ? returned : returned === undefined ? {} : { [onlyOutput]: returned };
  const outputs = Object.entries(named).map(([name, one]): Output => {
    if (one instanceof Reference) {
      return {
        name,
        content: { case: "reference", value: { uri: one.uri, sha256: one.sha256, mediaType: one.mediaType } },
      };
    }
    return { name, content: { case: "value", value: value(one as JsonValue) } };
  });
  return create(ReportRequestSchema, { outcome: { case: "done", value: { outputs } } }).outcome;
}

/** What a skill threw, as a result. */
export function failed(thrown: unknown): Result {
  if (thrown instanceof Decline) return declined(thrown.message, false);
  const permanent = thrown instanceof TaskFailed && thrown.permanent;
  const words = thrown instanceof TaskFailed ? thrown.message : String(thrown);
  return create(ReportRequestSchema, {
    outcome: { case: "failed", value: { error: words.slice(0, LONGEST_ERROR), permanent } },
  }).outcome;
}

/** That the worker does not do it; with `handBack` it would another time. */
export function declined(reason: string, handBack: boolean): Result {
  return create(ReportRequestSchema, {
    outcome: { case: "declined", value: { reason: reason.slice(0, 1000), handBack } },
  }).outcome;
}

/**
 * Sends a report until the server took it or refused it for good, on the stream or by a call. A report under a lease can be told
 * again without harm. Outputs that the server finds unfit make the task fail with what it said.
 */
export async function deliver(
  client: GenesisClient,
  outbox: () => Outbox | undefined,
  assignment: WorkAssignment,
  result: Result,
  context: TaskContext | undefined,
  lost: () => boolean,
): Promise<void> {
  for (let failures = 0; ; failures++) {
    const error = await told(client, outbox(), reportOf(assignment, result, context));
    if (error === undefined) return;
    const refused =
      error.reason !== "" && (FINAL_STATUS.includes(error.status) || FINAL_REASONS.includes(error.reason));
    const unfit = error.status === "INVALID_ARGUMENT" || error.reason === "MESSAGE_TOO_LARGE";
    if (refused && unfit && result.case === "done") {
      result = failed(new TaskFailed(error.message, true));
    } else if (refused || (error.reason !== "" && lost())) {
      return;
    } else {
      await pause(Math.max(backoff(failures), error.retryAfterSeconds ?? 0));
    }
  }
}

async function told(
  client: GenesisClient,
  outbox: Outbox | undefined,
  report: ReportRequest,
): Promise<GenesisError | undefined> {
  const answer = await outbox?.report(report, ANSWER_SECONDS);
  if (answer?.result.case === "refused") return GenesisError.fromStatus(answer.result.value);
  if (answer !== undefined) return undefined;
  try {
    await client.orchestrator.report(report);
    return undefined;
  } catch (error) {
    return GenesisError.from(error);
  }
}

function reportOf(
  { planId, task, lease }: WorkAssignment,
  result: Result,
  context: TaskContext | undefined,
): ReportRequest {
  const { tokens, costNanos } = context?.used ?? {};
  const cost =
    costNanos === undefined
      ? {}
      : {
          cost: {
            currencyCode: "USD",
            units: costNanos / 1_000_000_000n,
            nanos: Number(costNanos % 1_000_000_000n),
          },
        };
  const report = create(ReportRequestSchema, {
    planId,
    taskId: task?.id ?? "",
    ...(lease === undefined ? {} : { lease }),
    ...(tokens === undefined && costNanos === undefined ? {} : { usage: { tokens: tokens ?? 0n, ...cost } }),
  });
  report.outcome = result;
  return report;
}

function isRecord(given: unknown): given is JsonObject | Record<string, unknown> {
  return typeof given === "object" && given !== null && !Array.isArray(given) && !(given instanceof Reference);
}
