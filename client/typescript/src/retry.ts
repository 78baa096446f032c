import type { GenesisError } from "./errors.js";

/** When to try a call again that found no server (`UNAVAILABLE`); by default waits of about 3 s in all. */
export interface Retry {
  /** Tries in all. */
  readonly attempts: number;
  /** Seconds to wait before the second try, give or take a fifth. */
  readonly initialBackoff: number;
  /** The longest wait in seconds. */
  readonly maxBackoff: number;
  /** How much longer each wait is than the one before. */
  readonly multiplier: number;
}

export const DEFAULT_RETRY: Retry = { attempts: 5, initialBackoff: 0.1, maxBackoff: 2, multiplier: 3 };

/** Keeps a client whose calls mostly fail from trying again at all, as gRPC's own throttling does (gRFC A6). */
export class Throttle {
  #tokens = 10;

  failed(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }

  succeeded(): void {
    this.#tokens = Math.min(10, this.#tokens + 0.1);
  }

  get open(): boolean {
    return this.#tokens > 5;
  }
}

/**
 * Seconds to wait before another try after `made` tries; undefined when there is none.
 *
 * `pushback` is the server's `grpc-retry-pushback-ms`: it replaces the wait, and below zero forbids another try.
 */
export function waitAfter(
  error: GenesisError,
  made: number,
  retry: Retry,
  pushback: string | null,
  random: () => number = Math.random,
): number | undefined {
  const again = error.status === "UNAVAILABLE" || error.reason === "CREDENTIALS_REPLAYED";
  if (!again || made >= retry.attempts) return undefined;
  if (pushback !== null) {
    const wait = Number(pushback);
    return pushback !== "" && wait >= 0 ? wait / 1000 : undefined;
  }
  const backoff = Math.min(retry.maxBackoff, retry.initialBackoff * retry.multiplier ** (made - 1));
  return Math.max(backoff * (0.8 + 0.4 * random()), error.retryAfterSeconds ?? 0);
}
