import type { GenesisClient } from "../connect.js";
import { GenesisError } from "../errors.js";
import type { HeartbeatResponse, RegisterResponse } from "../gen/genesis/v1/agent_service_pb.js";
import { backoff, pause, secondsOf } from "../timing.js";
import type { Held, Leases } from "./leases.js";
import type { Told } from "./task.js";
import type { Log } from "./worker.js";

const SOONEST = 0.5;
const LONGEST_CALL = 10;
const USUAL_INTERVAL = 10;
const SESSION_GONE = "SESSION_NOT_FOUND";

/** Whether an error says that the server does not know the session any more. */
export function sessionGone(thrown: unknown): boolean {
  return thrown instanceof GenesisError && thrown.reason === SESSION_GONE;
}

/**
 * Gives signs of life until the session is over or gone: as often as the server asked for, sooner when there is news, at most twice a
 * second. When none was answered for as long as a lease lasts, by the worker's own clock, what it holds is let go: others may have it.
 */
export async function beat(
  client: GenesisClient,
  session: RegisterResponse,
  leases: Leases,
  over: AbortSignal,
  log: Log,
): Promise<void> {
  const now = (): number => performance.now() / 1000;
  const interval = secondsOf(session.heartbeatInterval) || USUAL_INTERVAL;
  let lasts = secondsOf(session.leaseDuration) || 3 * interval;
  let answered = now();
  for (let failures = 0; ;) {
    const began = now();
    if (failures === 0) await pause(interval, over, leases.news);
    else await pause(Math.min(interval, backoff(failures, SOONEST)), over);
    await pause(SOONEST - (now() - began), over);
    if (over.aborted) return;
    const news = leases.takeNews();
    const sent = now();
    const left = answered + lasts - sent;
    const timeoutMs = 1000 * Math.min(LONGEST_CALL, left > 0 ? left : interval);
    try {
      const renewed = await sign(client, session.sessionId, leases.load, news, { timeoutMs, signal: over });
      if (failures > 0) log("signs of life are answered again");
      lasts = secondsOf(renewed.leaseDuration) || lasts;
      answered = sent;
      failures = 0;
    } catch (thrown) {
      if (over.aborted || sessionGone(thrown)) return;
      if (failures++ === 0) log("no answer to a sign of life", thrown);
      for (const [{ context }, told] of news) context.told ??= told;
      if (now() - answered >= lasts) leases.finishAll("silence");
    }
  }
}

function sign(
  client: GenesisClient,
  sessionId: string,
  load: number,
  news: ReadonlyMap<Held, Told>,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<HeartbeatResponse> {
  const progress = [...news].map(([{ assignment }, told]) => ({
    planId: assignment.planId,
    taskId: assignment.task?.id ?? "",
    ...(assignment.lease === undefined ? {} : { lease: assignment.lease }),
    ...told,
  }));
  return client.agents.heartbeat({ sessionId, load, progress }, options);
}
