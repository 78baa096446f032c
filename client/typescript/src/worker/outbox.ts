import { create } from "@bufbuild/protobuf";
import { WorkRequestSchema, type WorkReported, type WorkRequest } from "../gen/genesis/v1/agent_service_pb.js";
import type { ReportRequest } from "../gen/genesis/v1/work_pb.js";
import { later } from "../timing.js";

/** What the worker says on one stream, and the answers to its reports. */
export class Outbox {
  readonly #waiting: WorkRequest[] = [];
  readonly #asked = new Map<string, (answer: WorkReported | undefined) => void>();
  #wake: () => void = () => undefined;
  #closed = false;

  /** What is to be sent, until the stream is closed. */
  async *messages(): AsyncIterable<WorkRequest> {
    for (;;) {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) yield next;
      if (this.#closed) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The stream begins. */
  open(sessionId: string, slots: number, heldLeaseIds: string[]): void {
    this.#say(create(WorkRequestSchema, { message: { case: "open", value: { sessionId, slots, heldLeaseIds } } }));
  }

  /** A task has arrived. */
  acknowledge(leaseId: string): void {
    this.#say(create(WorkRequestSchema, { message: { case: "acknowledge", value: { leaseId } } }));
  }

  /** As many tasks can be held from now on. */
  slots(slots: number): void {
    this.#say(create(WorkRequestSchema, { message: { case: "slots", value: { slots } } }));
  }

  /** Send a report; the server's answer, or undefined when the stream ended before it, or after `seconds`. */
  report(request: ReportRequest, seconds: number): Promise<WorkReported | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const id = request.lease?.leaseId ?? "";
    // Nobody but the last one to ask about a lease can be told its answer.
    this.#answer(id, undefined);
    this.#say(create(WorkRequestSchema, { message: { case: "report", value: request } }));
    return new Promise((resolve) => {
      const callOff = later(seconds * 1000, () => this.#answer(id, undefined));
      this.#asked.set(id, (answer) => {
        callOff();
        resolve(answer);
      });
    });
  }

  /** The server answered a report. */
  reported(answer: WorkReported): void {
    this.#answer(answer.leaseId, answer);
  }

  /** Nothing more is sent; reports without an answer have none. */
  close(): void {
    this.#closed = true;
    this.#wake();
    for (const id of [...this.#asked.keys()]) this.#answer(id, undefined);
  }

  #say(message: WorkRequest): void {
    this.#waiting.push(message);
    this.#wake();
  }

  #answer(id: string, answer: WorkReported | undefined): void {
    const resolve = this.#asked.get(id);
    this.#asked.delete(id);
    resolve?.(answer);
  }
}
