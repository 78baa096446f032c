/** Seconds to wait after so many failures in a row, from 0: twice as long each time, half of it drawn. */
export function backoff(failures: number, first = 0.1, longest = 10): number {
  const whole = Math.min(longest, first * 2 ** Math.min(failures, 30));
  return whole / 2 + (whole / 2) * Math.random();
}

/** Waits for so many seconds, or until the signal. */
export function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, seconds * 1000);
    signal?.addEventListener("abort", over);
  });
}

/** Waits until the signal. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A duration of the contract in seconds. */
export function secondsOf(duration: { seconds: bigint; nanos: number } | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) + duration.nanos / 1e9;
}
