import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { GenesisClient } from "../connect.js";
import { GenesisError } from "../errors.js";
import type { WorkAssignment } from "../gen/genesis/v1/agent_service_pb.js";
import { ReportRequestSchema, type ReportRequest, type UsageSchema } from "../gen/genesis/v1/work_pb.js";
import { backoff, pause } from "../timing.js";
import type { Outbox } from "./outbox.js";
import { failed, type Result } from "./outcome.js";
import { TaskFailed, type TaskContext } from "./task.js";
import type { Log } from "./worker.js";

const ANSWER_SECONDS = 30;
const NANOS = 1_000_000_000n;
const FINAL_STATUS = ["ALREADY_EXISTS", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED"];
const FINAL_REASONS = ["LEASE_LOST", "TASK_ENDED", "PLAN_ENDED", "MESSAGE_TOO_LARGE"];

/** Delivers reports. One under a lease can be told again without harm, so that no answer means: once more. */
export class Reporter {
  /** `outbox` gives that of the stream there is just now; nothing is told any more once `over` is aborted. */
  constructor(
    private readonly client: GenesisClient,
    private readonly outbox: () => Outbox | undefined,
    private readonly over: AbortSignal,
    private readonly log: Log,
  ) {}

  /**
   * Sends a report until the server took it or refused it for good. Outputs that the server finds unfit make the task fail with what it
   * said. With `lost` true, the lease is known to be gone, and any answer of the server is the last word.
   */
  async deliver(
    assignment: WorkAssignment,
    result: Result,
    lost: () => boolean,
    used: TaskContext["used"] = {},
  ): Promise<void> {
    const of = `task ${assignment.task?.id ?? ""} of plan ${assignment.planId}`;
    for (let failures = 0; ; failures++) {
      const error = await this.#told(reportOf(assignment, result, used));
      if (error === undefined || this.over.aborted) return;
      const known = error.reason !== "";
      const refused = known && (FINAL_STATUS.includes(error.status) || FINAL_REASONS.includes(error.reason));
      const unfit = error.status === "INVALID_ARGUMENT" || error.reason === "MESSAGE_TOO_LARGE";
      if (refused && unfit && result.case === "done") {
        this.log(`the outputs of ${of} were refused`, error);
        result = failed(new TaskFailed(error.message, true));
      } else if (refused || (known && lost())) {
        this.log(`the report of ${of} was refused`, error);
        return;
      } else {
        await pause(Math.max(backoff(failures), error.retryAfterSeconds ?? 0), this.over);
      }
    }
  }

  /** Tells it once, on the stream, or by a call where there is none or it does not answer; undefined when it was taken, now or before. */
  async #told(report: ReportRequest): Promise<GenesisError | undefined> {
    const answer = await this.outbox()?.report(report, ANSWER_SECONDS);
    if (answer?.result.case === "refused") return GenesisError.fromStatus(answer.result.value);
    if (answer !== undefined) return undefined;
    try {
      await this.client.orchestrator.report(report, { signal: this.over });
      return undefined;
    } catch (thrown) {
      return GenesisError.from(thrown);
    }
  }
}

function reportOf({ planId, task, lease }: WorkAssignment, result: Result, used: TaskContext["used"]): ReportRequest {
  const usage = usageOf(used);
  const report = create(ReportRequestSchema, {
    planId,
    taskId: task?.id ?? "",
    ...(lease === undefined ? {} : { lease }),
    ...(usage === undefined ? {} : { usage }),
  });
  report.outcome = result;
  return report;
}

function usageOf({ tokens, costNanos }: TaskContext["used"]): MessageInitShape<typeof UsageSchema> | undefined {
  if (tokens === undefined && costNanos === undefined) return undefined;
  if (costNanos === undefined) return { tokens: tokens ?? 0n };
  const cost = { currencyCode: "USD", units: costNanos / NANOS, nanos: Number(costNanos % NANOS) };
  return { tokens: tokens ?? 0n, cost };
}
