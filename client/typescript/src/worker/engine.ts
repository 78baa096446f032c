import { setImmediate } from "node:timers/promises";
import type { GenesisClient } from "../connect.js";
import { GenesisError } from "../errors.js";
import {
  LeaseNoticeKind,
  type LeaseNotice,
  type RegisterResponse,
  type WorkAssignment,
  type WorkResponse,
} from "../gen/genesis/v1/agent_service_pb.js";
import type { AgentCard } from "../gen/genesis/v1/catalogue_pb.js";
import { aborted, backoff, onAbort, pause, secondsOf } from "../timing.js";
import { beat, sessionGone } from "./heartbeat.js";
import { END, Held, Leases } from "./leases.js";
import { Outbox } from "./outbox.js";
import { declined, done, failed, type Result } from "./outcome.js";
import { Reporter } from "./reporting.js";
import { Decline, TaskFailed } from "./task.js";
import type { Log, SkillFunction } from "./worker.js";

const FAREWELL_SECONDS = 5;
const REFUSED_FOR_GOOD = ["INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED"];

/** A worker at work: joins, takes tasks, runs them, reports, leaves. */
export class Engine {
  readonly #leases: Leases;
  readonly #reporter: Reporter;
  readonly #jobs = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #hurry = new AbortController();
  /** Aborted when nothing is done any more. */
  readonly #over = new AbortController();
  #session: RegisterResponse | undefined;
  #outbox: Outbox | undefined;

  constructor(
    private readonly client: GenesisClient,
    private readonly card: AgentCard,
    private readonly functions: ReadonlyMap<string, SkillFunction>,
    /** Seconds that tasks have to finish when the worker stops. */
    private readonly grace: number,
    private readonly log: Log,
  ) {
    this.#leases = new Leases(card.maxConcurrentTasks);
    this.#reporter = new Reporter(client, () => this.#outbox, this.#over.signal, log);
  }

  /** Works until `stop`. Throws a GenesisError when the server refuses the worker for good before it ever joined. */
  async run(): Promise<void> {
    const served = this.#serve();
    try {
      await Promise.race([served, aborted(this.#stopping.signal)]);
      await this.#leave();
    } finally {
      this.#leases.finishAll("lost");
      this.#over.abort();
      await Promise.allSettled([served, ...this.#jobs]);
    }
  }

  /** Takes nothing more, finishes what it holds within the grace time, and leaves. The second time, hands it back at once. */
  stop(): void {
    if (this.#stopping.signal.aborted) this.#hurry.abort();
    this.#stopping.abort();
    this.#tellSlots();
  }

  async #leave(): Promise<void> {
    await pause(this.grace, this.#leases.idle, this.#hurry.signal);
    this.#leases.finishAll("stopping");
    await pause(FAREWELL_SECONDS, this.#leases.idle);
    const sessionId = this.#session?.sessionId;
    if (sessionId === undefined) return;
    try {
      await this.client.agents.deregister({ sessionId }, { timeoutMs: FAREWELL_SECONDS * 1000 });
    } catch (thrown) {
      this.log("could not say farewell", thrown);
    }
  }

  async #serve(): Promise<void> {
    for (;;) {
      const session = await this.#join();
      if (session === undefined) return;
      this.#session = session;
      const gone = new AbortController();
      const end = (): void => gone.abort();
      const callOff = onAbort(this.#over.signal, end);
      const parts = [
        beat(this.client, session, this.#leases, gone.signal, this.log),
        this.#streams(session, gone.signal),
      ];
      try {
        await Promise.all(parts.map((part) => part.finally(end)));
      } finally {
        callOff();
      }
      if (this.#over.signal.aborted) return;
      this.#leases.finishAll("lost");
      if (this.#stopping.signal.aborted) return;
      this.log("the server does not know this worker any more; it joins again");
    }
  }

  async #join(): Promise<RegisterResponse | undefined> {
    const { signal } = this.#over;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        return await this.client.agents.register({ card: this.card }, { signal });
      } catch (thrown) {
        if (signal.aborted) return undefined;
        const error = GenesisError.from(thrown);
        const forGood = REFUSED_FOR_GOOD.includes(error.status) && error.reason !== "";
        if (forGood && this.#session === undefined) throw error;
        if (failures === 0) this.log("cannot join", error);
        await pause(Math.max(backoff(failures), error.retryAfterSeconds ?? 0), signal);
      }
    }
    return undefined;
  }

  /** Takes work on one stream after the other until the session is over or gone. */
  async #streams(session: RegisterResponse, over: AbortSignal): Promise<void> {
    for (let failures = 0; !over.aborted; failures++) {
      const outbox = (this.#outbox = new Outbox());
      outbox.open(session.sessionId, this.#slots(), this.#leases.ids);
      let moved = false;
      try {
        for await (const message of this.client.agents.work(outbox.messages(), { signal: over })) {
          moved = message.message.case === "move";
          if (moved) break;
          failures = 0;
          this.#hear(outbox, session, message);
        }
      } catch (thrown) {
        if (over.aborted || sessionGone(thrown)) return;
        if (failures === 0) this.log("the stream of work broke", thrown);
      } finally {
        this.#outbox = undefined;
        outbox.close();
      }
      if (!moved || failures > 0) await pause(backoff(failures), over);
    }
  }

  #hear(outbox: Outbox, session: RegisterResponse, { message }: WorkResponse): void {
    if (message.case === "assignment") this.#take(outbox, session, message.value);
    if (message.case === "notice") this.#notice(message.value);
    if (message.case === "reported") outbox.reported(message.value);
  }

  #notice({ leaseId, kind }: LeaseNotice): void {
    const held = this.#leases.get(leaseId);
    if (held === undefined) return;
    const paused = kind === LeaseNoticeKind.PAUSED;
    if (paused || kind === LeaseNoticeKind.RESUMED) held.context.paused = paused;
    else held.finish("lost");
  }

  #take(outbox: Outbox, session: RegisterResponse, assignment: WorkAssignment): void {
    const leaseId = assignment.lease?.leaseId ?? "";
    if (this.#leases.get(leaseId) !== undefined) return outbox.acknowledge(leaseId);
    const refuse = (result: Result): void => this.#start(this.#reporter.deliver(assignment, result, () => true));
    const skillId = this.#skillOf(assignment);
    const run = this.functions.get(skillId);
    if (run === undefined) return refuse(declined(`the agent has no skill ${skillId}`, false));
    if (this.#stopping.signal.aborted) return refuse(declined(END.stopping, true));
    if (!this.#leases.free) return refuse(declined("the worker has no free slot", true));
    let held: Held;
    try {
      held = new Held(assignment, () => this.#leases.tell());
    } catch (error) {
      return refuse(failed(new TaskFailed(`the inputs cannot be read: ${String(error)}`, true)));
    }
    outbox.acknowledge(leaseId);
    this.#leases.add(held);
    this.#start(this.#carryOut(session, held, this.#perform(held, skillId, run)));
  }

  #skillOf({ target, task }: WorkAssignment): string {
    const named = target?.skillId || task?.capability || "";
    const [only = ""] = this.functions.keys();
    return named === "" && this.functions.size === 1 ? only : named;
  }

  /** Runs the function of a task to its end; what is to be reported of it. */
  async #perform(held: Held, skillId: string, run: SkillFunction): Promise<Result> {
    const { assignment, context } = held;
    const declared = assignment.task?.outputs.map(({ name }) => name) ?? [];
    const own = this.card.skills.find(({ id }) => id === skillId)?.outputs.map(({ name }) => name) ?? [];
    try {
      // First the acknowledgement: a function may compute for long before it waits for anything.
      await setImmediate();
      return done(await run(context), declared, own);
    } catch (thrown) {
      const told = context.signal.aborted || thrown instanceof Decline || thrown instanceof TaskFailed;
      if (!told) this.log(`task ${assignment.task?.id ?? ""} of plan ${assignment.planId} failed`, thrown);
      return failed(thrown);
    } finally {
      if (this.#leases.ended(held)) this.#tellSlots();
    }
  }

  /** Reports what the function of a task came to, or hands the task back, until its lease is over. */
  async #carryOut(session: RegisterResponse, held: Held, work: Promise<Result>): Promise<void> {
    const { assignment, context } = held;
    try {
      const result = await Promise.race([work, aborted(context.signal)]);
      const late = context.signal.aborted && result?.case !== "done";
      if (result !== undefined && held.end === undefined && !late) {
        const used = result.case === "declined" ? {} : context.used;
        await this.#reporter.deliver(assignment, result, () => held.end === "lost", used);
      } else if (held.end === undefined) {
        // Its time is over: the server says so itself, and until then the lease is not one to be given away.
        await pause(secondsOf(session.leaseDuration), held.letGo, this.#over.signal);
      } else if (held.end !== "lost") {
        await this.#reporter.deliver(assignment, declined(END[held.end], true), () => true);
      }
    } finally {
      if (this.#leases.release(held)) this.#tellSlots();
    }
  }

  #slots(): number {
    return this.#stopping.signal.aborted ? 0 : this.#leases.slots;
  }

  #tellSlots(): void {
    this.#outbox?.slots(this.#slots());
  }

  #start(job: Promise<void>): void {
    const kept = job
      .catch((thrown: unknown) => this.log("a task could not be reported", thrown))
      .finally(() => this.#jobs.delete(kept));
    this.#jobs.add(kept);
  }
}
