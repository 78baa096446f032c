import { clone, create } from "@bufbuild/protobuf";
import { connect, type ConnectOptions, type GenesisClient } from "../connect.js";
import { GenesisError } from "../errors.js";
import {
  LeaseNoticeKind,
  type RegisterResponse,
  type WorkAssignment,
  type WorkResponse,
} from "../gen/genesis/v1/agent_service_pb.js";
import { AgentCardSchema, SkillSchema, type AgentCard } from "../gen/genesis/v1/catalogue_pb.js";
import { Outbox } from "./outbox.js";
import { declined, deliver, done, failed, type Result } from "./reporting.js";
import { TaskContext } from "./task.js";
import { aborted, backoff, pause, secondsOf } from "./timing.js";

const FAREWELL_SECONDS = 5;
const REFUSED_FOR_GOOD = ["INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED"];

/** Does a task: gets it with its inputs, gives back its outputs by name, or its only output. */
export type SkillFunction = (task: TaskContext) => unknown;

/** What stands on the card of a skill besides its id. */
export interface SkillOptions {
  description?: string;
  /** Tasks it is good for, in words; plans are matched to them. */
  examples?: string[];
  tags?: string[];
  /** What it needs and what it puts out, by name, with types such as "text", "number", "object". */
  inputs?: { name: string; type?: string }[];
  outputs?: { name: string; type?: string }[];
}

/** What a worker can be told besides its agent's id. */
export interface WorkerOptions {
  name?: string;
  description?: string;
  version?: string;
  region?: string;
  /** Tasks it takes at once; 1 when left out. */
  maxConcurrentTasks?: number;
  /** Seconds that tasks have to finish when the worker stops; 30 when left out. */
  grace?: number;
}

interface Held {
  readonly assignment: WorkAssignment;
  readonly context: TaskContext;
  readonly stop: AbortController;
  /** Why it was let go before its function ended: "lost" is nobody's business any more, else what the server is told. */
  end: string | undefined;
}

/**
 * An agent's process: joins, takes tasks under leases, runs its skills' functions, reports, leaves.
 *
 * A stream that breaks is opened again and names the leases that are held; a report is told until it is answered; a session the server
 * does not know any more is joined anew; when no sign of life was answered for as long as a lease lasts, what is held is handed back.
 */
export class Worker {
  readonly #card: AgentCard;
  readonly #grace: number;
  readonly #functions = new Map<string, SkillFunction>();
  readonly #held = new Map<string, Held>();
  readonly #jobs = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #hurry = new AbortController();
  #outbox: Outbox | undefined;
  #joined = false;

  /** `agent`: its id, or its whole card; with a card, of the options only `grace` is looked at. */
  constructor(agent: string | AgentCard, { grace = 30, ...card }: WorkerOptions = {}) {
    this.#card =
      typeof agent === "string" ? create(AgentCardSchema, { ...card, id: agent }) : clone(AgentCardSchema, agent);
    this.#card.maxConcurrentTasks ||= 1;
    this.#grace = grace;
  }

  /**
   * Adds a skill, or the function of one the card has, before the worker runs. An output that is no object is the skill's first declared
   * output, else "result".
   */
  skill(id: string, options: SkillOptions, run: SkillFunction): this {
    if (!this.#card.skills.some((one) => one.id === id))
      this.#card.skills.push(create(SkillSchema, { ...options, id }));
    this.#functions.set(id, run);
    return this;
  }

  /**
   * Works until `stop`, SIGTERM or SIGINT; a second signal does not wait for tasks. Takes the options of `connect`; the agent's id need
   * not be said again. Throws a GenesisError when the server refuses the worker for good before it ever joined.
   */
  async run(target: string, options: ConnectOptions = {}): Promise<void> {
    const agent = options.agentKey === undefined ? {} : { agent: this.#card.id };
    const client = connect(target, { ...agent, ...options });
    const stop = (): void => this.stop();
    process.on("SIGTERM", stop).on("SIGINT", stop);
    try {
      await this.#serve(client);
    } finally {
      process.off("SIGTERM", stop).off("SIGINT", stop);
      client.close();
    }
  }

  /** Takes nothing more, finishes what it holds within the grace time, and leaves. The second time, hands it back at once. */
  stop(): void {
    if (this.#stopping.signal.aborted) this.#hurry.abort();
    this.#stopping.abort();
    this.#tellSlots();
  }

  async #serve(client: GenesisClient): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const session = await this.#join(client);
      if (session === undefined) return;
      const over = new AbortController();
      const gone = Promise.all([this.#beat(client, session, over), this.#streams(client, session.sessionId, over)]);
      const left = this.#leave(client, session.sessionId, over);
      await Promise.race([gone, left]);
      over.abort();
      await Promise.allSettled([gone, left]);
      this.#letGo("lost");
    }
    // A function that does not end is not waited for.
    const enough = new AbortController();
    await Promise.race([Promise.allSettled(this.#jobs), pause(FAREWELL_SECONDS, enough.signal)]);
    enough.abort();
  }

  async #leave(client: GenesisClient, sessionId: string, over: AbortController): Promise<void> {
    await aborted(AbortSignal.any([this.#stopping.signal, over.signal]));
    if (over.signal.aborted) return;
    await this.#idle(this.#grace, this.#hurry.signal);
    this.#letGo("the worker stops");
    await this.#idle(FAREWELL_SECONDS);
    await client.agents.deregister({ sessionId }, { timeoutMs: FAREWELL_SECONDS * 1000 }).catch(() => undefined);
    over.abort();
  }

  async #idle(seconds: number, hurry?: AbortSignal): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (this.#held.size > 0 && performance.now() < end && hurry?.aborted !== true) await pause(0.02, hurry);
  }

  async #join(client: GenesisClient): Promise<RegisterResponse | undefined> {
    for (let failures = 0; !this.#stopping.signal.aborted; failures++) {
      try {
        const session = await client.agents.register({ card: this.#card });
        this.#joined = true;
        return session;
      } catch (thrown) {
        const error = GenesisError.from(thrown);
        if (REFUSED_FOR_GOOD.includes(error.status) && error.reason !== "" && !this.#joined) throw error;
        await pause(Math.max(backoff(failures), error.retryAfterSeconds ?? 0), this.#stopping.signal);
      }
    }
    return undefined;
  }

  /** Gives signs of life until the session is over. */
  async #beat(client: GenesisClient, session: RegisterResponse, over: AbortController): Promise<void> {
    const interval = secondsOf(session.heartbeatInterval) || 10;
    const lasts = secondsOf(session.leaseDuration) || 3 * interval;
    let answered = performance.now();
    let failures = 0;
    for (let since = 0; ;) {
      await pause(failures > 0 ? Math.min(interval, Math.max(0.5, backoff(failures))) : 0.5, over.signal);
      if (over.signal.aborted) return;
      const news = [...this.#held.values()].filter(({ context }) => context.told !== undefined).slice(0, 1000);
      since += 0.5;
      if (news.length === 0 && since < interval && failures === 0) continue;
      since = 0;
      const progress = news.map(({ assignment: { planId, task, lease }, context }) => {
        const { fraction, message } = context.told ?? { fraction: 0, message: "" };
        context.told = undefined;
        return { planId, taskId: task?.id ?? "", fraction, message, ...(lease === undefined ? {} : { lease }) };
      });
      const sent = performance.now();
      try {
        const load = Math.min(1, this.#held.size / this.#card.maxConcurrentTasks);
        await client.agents.heartbeat(
          { sessionId: session.sessionId, load, progress },
          { timeoutMs: 10_000, signal: over.signal },
        );
        answered = sent;
        failures = 0;
      } catch (thrown) {
        if (GenesisError.from(thrown).reason === "SESSION_NOT_FOUND") return over.abort();
        failures += 1;
        if (performance.now() - answered >= lasts * 1000)
          this.#letGo("no sign of life was answered for as long as a lease lasts");
      }
    }
  }

  /** Takes work on one stream after the other until the session is over. */
  async #streams(client: GenesisClient, sessionId: string, over: AbortController): Promise<void> {
    for (let failures = 0; !over.signal.aborted; failures++) {
      const outbox = new Outbox();
      const ended = new AbortController();
      outbox.open(sessionId, this.#slots(), [...this.#held.keys()]);
      this.#outbox = outbox;
      let moved = false;
      try {
        const signal = AbortSignal.any([over.signal, ended.signal]);
        for await (const message of client.agents.work(outbox.messages(), { signal })) {
          moved = message.message.case === "move";
          if (moved) break;
          failures = 0;
          this.#hear(client, outbox, message);
        }
      } catch (thrown) {
        if (GenesisError.from(thrown).reason === "SESSION_NOT_FOUND") over.abort();
      }
      this.#outbox = undefined;
      outbox.close();
      ended.abort();
      if (!moved || failures > 0) await pause(backoff(failures), over.signal);
    }
  }

  #hear(client: GenesisClient, outbox: Outbox, { message }: WorkResponse): void {
    if (message.case === "assignment") this.#take(client, outbox, message.value);
    if (message.case === "reported") outbox.reported(message.value);
    if (message.case !== "notice") return;
    const held = this.#held.get(message.value.leaseId);
    if (held === undefined) return;
    const { kind } = message.value;
    if (kind === LeaseNoticeKind.PAUSED || kind === LeaseNoticeKind.RESUMED)
      held.context.paused = kind === LeaseNoticeKind.PAUSED;
    else finish(held, "lost");
  }

  #take(client: GenesisClient, outbox: Outbox, assignment: WorkAssignment): void {
    const leaseId = assignment.lease?.leaseId ?? "";
    const refuse = (result: Result): void =>
      this.#start(
        deliver(
          client,
          () => this.#outbox,
          assignment,
          result,
          undefined,
          () => true,
        ),
      );
    if (this.#held.has(leaseId)) return outbox.acknowledge(leaseId);
    const skillId = assignment.target?.skillId || assignment.task?.capability || "";
    const run = this.#functions.get(skillId) ?? (skillId === "" ? [...this.#functions.values()][0] : undefined);
    if (run === undefined) return refuse(declined(`the agent has no skill ${skillId}`, false));
    if (this.#stopping.signal.aborted) return refuse(declined("the worker stops", true));
    if (this.#held.size >= this.#card.maxConcurrentTasks) return refuse(declined("the worker has no free slot", true));
    const stop = new AbortController();
    const held: Held = { assignment, context: new TaskContext(assignment, stop.signal), stop, end: undefined };
    this.#held.set(leaseId, held);
    outbox.acknowledge(leaseId);
    this.#start(this.#carryOut(client, held, run, this.#onlyOutput(skillId)));
  }

  #onlyOutput(skillId: string): string {
    return this.#card.skills.find((one) => one.id === skillId)?.outputs[0]?.name ?? "result";
  }

  async #carryOut(client: GenesisClient, held: Held, run: SkillFunction, onlyOutput: string): Promise<void> {
    const { assignment, context, stop } = held;
    const left = context.timeLeft();
    const timer = left === undefined ? undefined : setTimeout(() => finish(held, "late"), left * 1000);
    const work = (async () => done(await run(context), onlyOutput))().catch(failed);
    const letGo = new Promise<undefined>((resolve) => stop.signal.addEventListener("abort", () => resolve(undefined)));
    try {
      const result = await Promise.race([work, letGo]);
      if (result !== undefined) {
        await deliver(
          client,
          () => this.#outbox,
          assignment,
          result,
          context,
          () => held.end === "lost",
        );
      } else if (held.end !== "lost" && held.end !== "late") {
        await deliver(
          client,
          () => this.#outbox,
          assignment,
          declined(held.end ?? "", true),
          context,
          () => true,
        );
      }
      // A function that goes on after it was let go keeps its slot until it ends.
      await work;
    } finally {
      clearTimeout(timer);
      this.#held.delete(assignment.lease?.leaseId ?? "");
      this.#tellSlots();
    }
  }

  #letGo(end: string): void {
    for (const held of this.#held.values()) finish(held, end);
  }

  #slots(): number {
    return this.#stopping.signal.aborted ? 0 : this.#card.maxConcurrentTasks;
  }

  #tellSlots(): void {
    this.#outbox?.slots(this.#slots());
  }

  #start(job: Promise<void>): void {
    const kept = job.finally(() => this.#jobs.delete(kept));
    this.#jobs.add(kept);
  }
}

function finish(held: Held, end: string): void {
  held.end ??= end;
  held.stop.abort();
}
