import { setMaxListeners } from "node:events";

/** The longest wait a timer of Node.js takes; one that is longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls `run` after so many milliseconds, however many; gives back what calls it off. */
export function later(milliseconds: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    const next = (): void => (left > LONGEST_MS ? arm(left - LONGEST_MS) : run());
    timer = setTimeout(next, Math.min(left, LONGEST_MS));
  };
  arm(milliseconds);
  return () => clearTimeout(timer);
}

/** Calls `run` when the signal comes, if it has not yet; gives back what calls it off. Many may wait for one signal. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  setMaxListeners(0, signal);
  signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}

/** Waits for so many seconds, or until one of the signals. */
export function pause(seconds: number, ...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    if (!(seconds > 0) || signals.some((one) => one.aborted)) return resolve();
    const over = (): void => {
      for (const callOff of waiting) callOff();
      resolve();
    };
    const waiting = [later(seconds * 1000, over), ...signals.map((one) => onAbort(one, over))];
  });
}

/** Waits until the signal. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else onAbort(signal, resolve);
  });
}

/** Seconds to wait after so many failures in a row, from 0: twice as long each time, half of it drawn ("equal jitter"). */
export function backoff(failures: number, first = 0.1, longest = 10): number {
  const whole = Math.min(longest, first * 2 ** Math.min(failures, 30));
  return whole / 2 + (whole / 2) * Math.random();
}

/** A duration of the contract in seconds. */
export function secondsOf(duration: { seconds: bigint; nanos: number } | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) + duration.nanos / 1e9;
}
