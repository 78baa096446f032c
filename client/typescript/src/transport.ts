import { clone, create, toBinary } from "@bufbuild/protobuf";
import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ContextValues, StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import { Call } from "./call.js";
import { Throttle, waitAfter, type Retry } from "./retry.js";
import type { Signer } from "./signing.js";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

/** What every call gets. */
export interface CallSettings {
  /** Deadline of calls with one answer, in seconds over all tries. */
  readonly timeoutSeconds: number;
  readonly retry: Retry | undefined;
  readonly signer: Signer | undefined;
  readonly token: (() => string | Promise<string>) | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A transport around gRPC's: deadlines, request ids that make repeats safe, tries, credentials, and errors with their facts.
 * Streams with one request are tried again until their first message; streams of requests never are.
 */
export class GenesisTransport implements Transport {
  readonly #throttle = new Throttle();
  readonly #calls = new Set<Call>();
  #closed = false;

  constructor(
    private readonly inner: Transport,
    private readonly settings: CallSettings,
  ) {}

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const { message, body } = request(method.input, input);
    const call = this.#begin(timeoutMs ?? this.settings.timeoutSeconds * 1000, signal);
    try {
      return await this.#repeat(call, async () => {
        const headers = await this.#headers(method, header, body, call);
        return this.inner.unary(method, call.signal, undefined, headers, message, contextValues);
      });
    } finally {
      this.#end(call);
    }
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const call = this.#begin(timeoutMs, signal);
    const open = async (
      messages: AsyncIterable<MessageInitShape<I>>,
      body: Uint8Array,
    ): Promise<StreamResponse<I, O>> => {
      const headers = await this.#headers(method, header, body, call);
      return this.inner.stream(method, call.signal, undefined, headers, messages, contextValues);
    };
    try {
      if (method.methodKind !== "server_streaming") {
        const response = await open(input, new Uint8Array());
        return { ...response, message: this.#heard(response.message, call) };
      }
      const { message, body } = await only(method.input, input);
      return await this.#repeat(call, async () => {
        const response = await open(once(message), body);
        return { ...response, message: this.#heard(await begun(response.message), call) };
      });
    } catch (thrown) {
      const error = call.error(thrown);
      this.#end(call);
      throw error;
    }
  }

  /** Ends all calls; there are none after it. */
  close(): void {
    this.#closed = true;
    for (const call of this.#calls) call.cancel(closed());
  }

  #begin(timeoutMs: number | undefined, signal: AbortSignal | undefined): Call {
    const call = new Call(timeoutMs, signal);
    if (this.#closed) call.cancel(closed());
    this.#calls.add(call);
    return call;
  }

  #end(call: Call): void {
    this.#calls.delete(call);
    call.end();
  }

  async #repeat<T>(call: Call, attempt: () => Promise<T>): Promise<T> {
    for (let made = 1; ; made++) {
      try {
        const answer = await attempt();
        this.#throttle.succeeded();
        return answer;
      } catch (thrown) {
        const error = call.error(thrown);
        const pushback = thrown instanceof ConnectError ? thrown.metadata.get("grpc-retry-pushback-ms") : null;
        const { retry } = this.settings;
        const wait = retry === undefined ? undefined : waitAfter(error, made, retry, pushback);
        if (error.status === "UNAVAILABLE") this.#throttle.failed();
        if (wait === undefined || !this.#throttle.open || !call.allows(wait)) throw error;
        await call.wait(wait);
      }
    }
  }

  /** The messages, until they end, one is an error, or nobody wants more. */
  async *#heard<T>(messages: AsyncIterable<T>, call: Call): AsyncIterable<T> {
    try {
      yield* messages;
    } catch (thrown) {
      throw call.error(thrown);
    } finally {
      this.#end(call);
    }
  }

  async #headers(method: DescMethod, given: HeadersInit | undefined, body: Uint8Array, call: Call): Promise<Headers> {
    const headers = new Headers(given);
    for (const [name, value] of Object.entries(this.settings.headers)) if (!headers.has(name)) headers.set(name, value);
    const { signer, token } = this.settings;
    if (signer !== undefined) {
      headers.set("authorization", signer.header(`/${method.parent.typeName}/${method.name}`, body));
    } else if (token !== undefined) {
      headers.set("authorization", `Bearer ${await call.first(token())}`);
    }
    // The call has a timer of its own. Connect's, which is not called off when a stream is left, would keep the program from ending.
    const left = call.left();
    if (left !== undefined) headers.set("grpc-timeout", `${left}m`);
    return headers;
  }
}

function closed(): ConnectError {
  return new ConnectError("the client is closed", Code.Canceled);
}

interface Request<I extends DescMessage> {
  readonly message: MessageInitShape<I>;
  /** Its bytes on the wire, which are what is signed. */
  readonly body: Uint8Array;
}

function request<I extends DescMessage>(schema: I, input: MessageInitShape<I>): Request<I> {
  const message = withRequestId(schema, input);
  return { message: message as MessageInitShape<I>, body: toBinary(schema, message) };
}

/** A copy of the message, which later changes of the caller's do not reach, with a fresh request id where it has none. */
export function withRequestId<I extends DescMessage>(schema: I, input: MessageInitShape<I>): MessageShape<I> {
  const message = clone(schema, create(schema, input));
  // A request that is in another, as in PlanStreamRequest, has the id for both.
  const holder = [message, ...Object.values<unknown>(message)].find(hasRequestId);
  // A report under a lease is known by its lease.
  if (holder !== undefined && holder.lease === undefined) holder.requestId ||= randomUUID();
  return message;
}

function hasRequestId(given: unknown): given is { requestId: string; lease?: unknown } {
  return typeof given === "object" && given !== null && "requestId" in given;
}

async function only<I extends DescMessage>(schema: I, input: AsyncIterable<MessageInitShape<I>>): Promise<Request<I>> {
  for await (const message of input) return request(schema, message);
  throw new TypeError("the call has no request");
}

/** A stream of one message. */
export async function* once<T>(value: T): AsyncIterable<T> {
  yield value;
}

/** The messages, once the first one is there; what goes wrong before it is thrown here. */
async function begun<T>(messages: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = messages[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
  })();
}
