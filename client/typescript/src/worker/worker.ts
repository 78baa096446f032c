import { clone, create } from "@bufbuild/protobuf";
import { connect, type ConnectOptions } from "../connect.js";
import { GenesisError } from "../errors.js";
import { AgentCardSchema, SkillSchema, type AgentCard } from "../gen/genesis/v1/catalogue_pb.js";
import { Engine } from "./engine.js";
import type { TaskContext } from "./task.js";

/** Does a task: gets it with its inputs, gives back its outputs by name, or its only output. */
export type SkillFunction = (task: TaskContext) => unknown;

/** Is told what goes wrong while a worker works, with the error where there is one. */
export type Log = (words: string, error?: unknown) => void;

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
  /** Where it tells what goes wrong; `console.warn` when left out. */
  log?: Log;
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
  readonly #log: Log;
  readonly #functions = new Map<string, SkillFunction>();
  #engine: Engine | undefined;

  /** `agent`: its id, or its whole card; with a card, of the options only `grace` and `log` are looked at. */
  constructor(agent: string | AgentCard, { grace = 30, log = warn, ...card }: WorkerOptions = {}) {
    this.#card =
      typeof agent === "string" ? create(AgentCardSchema, { ...card, id: agent }) : clone(AgentCardSchema, agent);
    this.#card.maxConcurrentTasks ||= 1;
    this.#grace = grace;
    this.#log = log;
  }

  /**
   * Adds a skill, or the function of one the card has, before the worker runs. What it returns goes to the task's outputs: an object by
   * its names, anything else as the only one.
   */
  skill(id: string, options: SkillOptions, run: SkillFunction): this {
    if (this.#functions.has(id)) throw new TypeError(`there is a function for ${id} already`);
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
    if (this.#functions.size === 0) throw new TypeError("the worker has no skill");
    if (this.#engine !== undefined) throw new TypeError("the worker runs already");
    const agent = options.agentKey === undefined ? {} : { agent: this.#card.id };
    const client = connect(target, { ...agent, ...options });
    const engine = (this.#engine = new Engine(client, this.#card, this.#functions, this.#grace, this.#log));
    const stop = (): void => engine.stop();
    process.on("SIGTERM", stop).on("SIGINT", stop);
    try {
      await engine.run();
    } finally {
      process.off("SIGTERM", stop).off("SIGINT", stop);
      client.close();
      this.#engine = undefined;
    }
  }

  /** Takes nothing more, finishes what it holds within the grace time, and leaves. The second time, hands it back at once. */
  stop(): void {
    this.#engine?.stop();
  }
}

function warn(words: string, error?: unknown): void {
  console.warn(`genesis.worker: ${words}`, error instanceof GenesisError ? `(${error.message})` : (error ?? ""));
}
