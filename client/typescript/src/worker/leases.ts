import type { WorkAssignment } from "../gen/genesis/v1/agent_service_pb.js";
import { later } from "../timing.js";
import { TaskContext, type Told } from "./task.js";

const MOST_NEWS = 1000;

/** Why a task is let go before its function ended, in the words of whoever asks. */
export const END = {
  /** The plan was cancelled, or the lease was taken back: a report would be refused. */
  lost: "the task is not wanted any more",
  stopping: "the worker stops",
  silence: "no sign of life was answered for as long as a lease lasts",
} as const;

export type End = keyof typeof END;

/** A task under a lease of this worker. */
export class Held {
  readonly assignment: WorkAssignment;
  readonly context: TaskContext;
  readonly #letGo = new AbortController();
  readonly #function = new AbortController();
  readonly #callOff: () => void;
  #end: End | undefined;

  /** Throws when the inputs cannot be read. */
  constructor(assignment: WorkAssignment, news: () => void) {
    this.assignment = assignment;
    this.context = new TaskContext(assignment, this.#function.signal, news);
    const left = this.context.timeLeft();
    this.#callOff = left === undefined ? () => undefined : later(left * 1000, () => this.#stop("its time is over"));
  }

  get id(): string {
    return this.assignment.lease?.leaseId ?? "";
  }

  /** Why it was let go; undefined while it is not. */
  get end(): End | undefined {
    return this.#end;
  }

  /** Aborted when it is let go. */
  get letGo(): AbortSignal {
    return this.#letGo.signal;
  }

  /** Lets it go; the first reason stands. */
  finish(end: End): void {
    this.#end ??= end;
    this.#stop(END[end]);
    this.#letGo.abort();
  }

  /** Its lease is over. */
  release(): void {
    this.#callOff();
  }

  #stop(why: string): void {
    this.#function.abort(new Error(why));
  }
}

/** The tasks a worker holds, and the slots they take. A function that goes on after its lease is over keeps its slot until it ends. */
export class Leases {
  readonly #held = new Map<string, Held>();
  readonly #running = new Set<Held>();
  #news = new AbortController();
  #idle = new AbortController();

  constructor(private readonly most: number) {
    this.#idle.abort();
  }

  get(leaseId: string): Held | undefined {
    return this.#held.get(leaseId);
  }

  get ids(): string[] {
    return [...this.#held.keys()];
  }

  /** Aborted when a task told how far it is, until that is taken. */
  get news(): AbortSignal {
    return this.#news.signal;
  }

  /** Aborted while nothing is held. */
  get idle(): AbortSignal {
    return this.#idle.signal;
  }

  /** Whether another function can run. */
  get free(): boolean {
    return this.#running.size < this.most;
  }

  /** How many tasks can be held at once, less the functions that go on without a lease. */
  get slots(): number {
    return this.most - [...this.#running].filter((one) => this.#held.get(one.id) !== one).length;
  }

  /** How busy the worker is, 0 to 1. */
  get load(): number {
    return Math.min(1, this.#running.size / this.most);
  }

  /** A task told how far it is. */
  tell(): void {
    this.#news.abort();
  }

  /** What was told since the last time; each is told once. */
  takeNews(): Map<Held, Told> {
    this.#news = new AbortController();
    const found = new Map<Held, Told>();
    for (const held of this.#held.values()) {
      const { told } = held.context;
      if (told === undefined || found.size === MOST_NEWS) continue;
      found.set(held, told);
      held.context.told = undefined;
    }
    return found;
  }

  /** A task has come, and its function starts. */
  add(held: Held): void {
    if (this.#held.size === 0) this.#idle = new AbortController();
    this.#held.set(held.id, held);
    this.#running.add(held);
  }

  /** The function of a task has ended; whether its lease was over before. */
  ended(held: Held): boolean {
    this.#running.delete(held);
    return this.#held.get(held.id) !== held;
  }

  /** The lease of a task is over; whether its function goes on. */
  release(held: Held): boolean {
    held.release();
    this.#held.delete(held.id);
    if (this.#held.size === 0) this.#idle.abort();
    return this.#running.has(held);
  }

  finishAll(end: End): void {
    for (const held of this.#held.values()) held.finish(end);
  }
}
