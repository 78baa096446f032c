// A server of agents whose part a test plays, and a worker at it.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, type Value } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import {
  AgentService,
  LeaseNoticeKind,
  WorkResponseSchema,
  type HeartbeatRequest,
  type RegisterRequest,
  WorkAssignmentSchema,
  WorkReportedSchema,
  type WorkReported,
  type WorkOpen,
  type WorkRequest,
  type WorkResponse,
} from "../src/gen/genesis/v1/agent_service_pb.js";
import { OrchestratorService } from "../src/gen/genesis/v1/orchestrator_service_pb.js";
import { StatusSchema, type Status } from "../src/gen/google/rpc/status_pb.js";
import { ReportResponseSchema, type ReportRequest } from "../src/gen/genesis/v1/work_pb.js";
import { Worker, type SkillFunction, type WorkerOptions } from "../src/index.js";
import { never, Queue, Server } from "./fake.js";

type Said = WorkRequest["message"];
type Values = { [S in Said as S["case"] & string]: S["value"] };
/** What of an assignment a test says itself. */
interface More {
  inputs?: { name: string; content: { case: "value"; value: Value } }[];
  timeLeft?: { seconds: bigint; nanos: number };
  target?: { skillId: string };
}
export type Method = "register" | "heartbeat" | "work" | "report";

function statusOf({ code, rawMessage, details }: ConnectError): Status {
  const packed = details.flatMap((one) => ("desc" in one ? [anyPack(one.desc, create(one.desc, one.value))] : []));
  return create(StatusSchema, { code, message: rawMessage, details: packed });
}

/** The server's end of a stream of work. */
export class Stream {
  readonly said = new Queue<Said>();
  readonly #tell = new Queue<WorkResponse | Error | undefined>();

  async *answers(requests: AsyncIterable<WorkRequest>, signal: AbortSignal): AsyncIterable<WorkResponse> {
    void (async () => {
      for await (const { message } of requests) this.said.put(message);
    })().catch(() => undefined);
    const gone = never(signal);
    gone.catch(() => undefined);
    for (;;) {
      const next = await Promise.race([this.#tell.wait(), gone]);
      if (next === undefined) return;
      if (next instanceof Error) throw next;
      yield next;
    }
  }

  tell(message: MessageInitShape<typeof WorkResponseSchema>["message"]): void {
    this.#tell.put(create(WorkResponseSchema, message === undefined ? {} : { message }));
  }

  end(error?: Error): void {
    this.#tell.put(error);
  }

  async hears<C extends keyof Values>(what: C): Promise<Values[C]> {
    const said = await this.said.next();
    assert.equal(said.case, what);
    return said.value as Values[C];
  }

  /** Hands out a task under a lease. */
  assign(leaseId: string, more: More = {}): void {
    const value = create(WorkAssignmentSchema, {
      planId: "plan",
      task: { id: "task", goal: "Greet", outputs: [{ name: "greeting" }] },
      lease: { leaseId, token: 7n },
      target: { skillId: "say.greet" },
      ...more,
    });
    this.tell({ case: "assignment", value });
  }

  async assigned(leaseId: string, more: More = {}): Promise<void> {
    this.assign(leaseId, more);
    assert.equal((await this.hears("acknowledge")).leaseId, leaseId);
  }

  notice(leaseId: string, kind: LeaseNoticeKind): void {
    this.tell({ case: "notice", value: { leaseId, kind } });
  }

  /** The next report, which is taken, or refused with this. */
  async reported(refused?: ConnectError): Promise<ReportRequest> {
    const report = await this.hears("report");
    const result: WorkReported["result"] =
      refused === undefined
        ? { case: "accepted", value: create(ReportResponseSchema) }
        : { case: "refused", value: statusOf(refused) };
    this.tell({
      case: "reported",
      value: create(WorkReportedSchema, { leaseId: report.lease?.leaseId ?? "", result }),
    });
    return report;
  }
}

/** A server of agents whose part a test plays, and a worker at it. */
export class Fake {
  readonly registered = new Queue<RegisterRequest>();
  readonly beats = new Queue<HeartbeatRequest>();
  readonly streams = new Queue<Stream>();
  readonly reports = new Queue<ReportRequest>();
  readonly left = new Queue<string>();
  readonly log: string[] = [];
  readonly worker: Worker;
  refuse: (method: Method) => Error | undefined = () => undefined;
  interval = 60;
  lease = 180;

  constructor(run: SkillFunction, options: WorkerOptions = {}) {
    this.worker = new Worker("greeter", { log: (words) => this.log.push(words), ...options });
    this.worker.skill("say.greet", { outputs: [{ name: "own" }] }, run);
  }

  /** What became of `run`: its error, or nothing. */
  ended: Promise<unknown> = Promise.resolve();

  /** Starts server and worker. */
  async start(t: TestContext): Promise<this> {
    const seconds = (given: number): { seconds: bigint; nanos: number } => {
      return { seconds: BigInt(Math.floor(given)), nanos: Math.round((given % 1) * 1e9) };
    };
    const checked = (method: Method): void => {
      const error = this.refuse(method);
      if (error !== undefined) throw error;
    };
    t.after(async () => {
      this.worker.stop();
      this.worker.stop();
      await this.ended;
    });
    const server = await Server.start(t, (router) => {
      router.service(AgentService, {
        register: (request) => {
          this.registered.put(request);
          checked("register");
          const [heartbeatInterval, leaseDuration] = [seconds(this.interval), seconds(this.lease)];
          return { sessionId: "session", heartbeatInterval, leaseDuration };
        },
        heartbeat: (request) => {
          this.beats.put(request);
          checked("heartbeat");
          return { leaseDuration: seconds(this.lease) };
        },
        deregister: ({ sessionId }) => {
          this.left.put(sessionId);
          return {};
        },
        work: (requests, { signal }) => {
          checked("work");
          const stream = new Stream();
          this.streams.put(stream);
          return stream.answers(requests, signal);
        },
      });
      router.service(OrchestratorService, {
        report: (request) => {
          this.reports.put(request);
          checked("report");
          return {};
        },
      });
    });
    this.ended = this.worker.run(server.target, { retry: null }).catch((error: unknown) => error);
    return this;
  }

  /** The next stream, and what was said first. */
  async opened(): Promise<[Stream, WorkOpen]> {
    const stream = await this.streams.next();
    return [stream, await stream.hears("open")];
  }
}
