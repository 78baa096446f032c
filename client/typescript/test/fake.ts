// A server whose part a test plays, and what tests wait with.
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";

const PATIENCE_MS = 20_000;

/** What is given and what waits for it, in order. */
export class Queue<T> {
  readonly #there: T[] = [];
  readonly #waiting: ((one: T) => void)[] = [];

  put(one: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#there.push(one);
    else waiting(one);
  }

  get size(): number {
    return this.#there.length;
  }

  /** The next one, however long it takes. */
  async wait(): Promise<T> {
    for (const there of this.#there.splice(0, 1)) return there;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next one, which has to come in time. */
  next(): Promise<T> {
    return inTime(this.wait());
  }
}

/** What the promise gives, which has to come in time. */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("nothing came in time")), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Never ends by itself. */
export function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new ConnectError("aborted", Code.Canceled)));
  });
}

/** An error as the server gives it. */
export function refusal(code: Code, reason: string): ConnectError {
  return new ConnectError(`refused: ${reason}`, code, undefined, [{ desc: ErrorInfoSchema, value: { reason } }]);
}

/** What a lost call is answered with; the next try comes after so many milliseconds. */
export function away(pushbackMs = 1): ConnectError {
  return new ConnectError("away", Code.Unavailable, { "grpc-retry-pushback-ms": String(pushbackMs) });
}

/** An HTTP/2 server on a free port of this machine. */
export class Server {
  readonly sessions = new Set<ServerHttp2Session>();
  readonly sockets = new Set<Socket>();
  readonly #server: Http2Server;

  private constructor(routes: (router: ConnectRouter) => void) {
    this.#server = createServer(connectNodeAdapter({ routes }));
    this.#server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.#server.on("session", (session) => {
      this.sessions.add(session);
      session.on("close", () => this.sessions.delete(session));
      session.on("error", () => undefined);
    });
  }

  static async start(
    t: TestContext,
    routes: (router: ConnectRouter) => void,
    { host = "127.0.0.1", port = 0 } = {},
  ): Promise<Server> {
    const made = new Server(routes);
    made.#server.listen(port, host);
    await once(made.#server, "listening");
    t.after(() => made.stop());
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Breaks all connections. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.drop();
    await closed;
  }
}
