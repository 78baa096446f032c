import { Code, ConnectError } from "@connectrpc/connect";
import { GenesisError } from "./errors.js";
import { aborted, later, onAbort, pause } from "./timing.js";

/** What fits into the header of the deadline, which has eight digits: 27 hours. A longer one is the client's own matter. */
const LONGEST_TOLD_MS = 99_999_999;

/** One call with all its tries. It ends with its last answer, its deadline, its caller's signal, or the client. */
export class Call {
  readonly #over = new AbortController();
  readonly #end: number;
  readonly #waiting: (() => void)[] = [];

  constructor(timeoutMs: number | undefined, given: AbortSignal | undefined) {
    this.#end = performance.now() + (timeoutMs ?? Infinity);
    if (timeoutMs !== undefined) {
      const late = (): void => this.cancel(new ConnectError("the deadline is over", Code.DeadlineExceeded));
      this.#waiting.push(later(timeoutMs, late));
    }
    if (given?.aborted === true) this.cancel(given.reason);
    else if (given !== undefined) this.#waiting.push(onAbort(given, () => this.cancel(given.reason)));
  }

  /** Aborted when the call is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Milliseconds that are left, as the server is told; undefined when there is no deadline. */
  left(): number | undefined {
    const left = Math.max(1, Math.ceil(this.#end - performance.now()));
    return left > LONGEST_TOLD_MS ? undefined : left;
  }

  /** Whether so many seconds are left. */
  allows(seconds: number): boolean {
    return performance.now() + seconds * 1000 < this.#end;
  }

  /** Waits before another try. Throws a GenesisError when the call ends before. */
  async wait(seconds: number): Promise<void> {
    await pause(seconds, this.signal);
    if (this.signal.aborted) throw this.error(undefined);
  }

  /** What the promise gives. Throws a GenesisError when the call ends before. */
  async first<T>(promise: T | Promise<T>): Promise<T> {
    await Promise.race([promise, aborted(this.signal)]);
    if (this.signal.aborted) throw this.error(undefined);
    return promise;
  }

  /** The error for what a try threw: why the call is over, when it is. */
  error(thrown: unknown): GenesisError {
    const { signal } = this;
    return GenesisError.from(signal.aborted ? ConnectError.from(signal.reason, Code.Canceled) : unreached(thrown));
  }

  /** Ends it for this reason. */
  cancel(reason: unknown): void {
    this.#over.abort(reason);
    this.end();
  }

  /** Ends what may still go on, and lets go of timer and signal. */
  end(): void {
    for (const callOff of this.#waiting) callOff();
    this.#over.abort();
  }
}

/**
 * Connect has other codes for a connection that broke or was refused, for example ABORTED; in gRPC that is UNAVAILABLE.
 * https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
 */
function unreached(thrown: unknown): unknown {
  if (!(thrown instanceof ConnectError) || thrown.metadata.has("grpc-status")) return thrown;
  const broken = thrown.code === Code.Canceled || faults(thrown).some(isOfConnection);
  return broken ? new ConnectError(thrown.rawMessage, Code.Unavailable, undefined, undefined, thrown) : thrown;
}

function isOfConnection({ code, message }: NodeJS.ErrnoException): boolean {
  if (code === "ERR_HTTP2_STREAM_ERROR") return /NGHTTP2_(REFUSED_STREAM|CANCEL)/.test(message);
  return code !== undefined && !code.startsWith("ERR_INVALID");
}

/** An error of Node.js with those that caused it. */
function faults(thrown: unknown): NodeJS.ErrnoException[] {
  const found: NodeJS.ErrnoException[] = [];
  for (let one = thrown; one instanceof Error && found.length < 10; one = one.cause) {
    if (!(one instanceof ConnectError)) found.push(one);
  }
  return found;
}
