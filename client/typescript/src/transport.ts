import { clone, create, toBinary } from "@bufbuild/protobuf";
import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { ContextValues, StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GenesisError } from "./errors.js";
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
    const message = withRequestId(method.input, input);
    const tries = this.#tries(timeoutMs ?? this.settings.timeoutSeconds * 1000, signal);
    return this.#repeat(tries, async () =>
      this.inner.unary(
        method,
        signal,
        tries.left(),
        await this.#headers(method, header, toBinary(method.input, message)),
        message as MessageInitShape<I>,
        contextValues,
      ),
    );
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const tries = this.#tries(timeoutMs, signal);
    const open = async (
      messages: AsyncIterable<MessageInitShape<I>>,
      body: Uint8Array,
    ): Promise<StreamResponse<I, O>> =>
      this.inner.stream(
        method,
        signal,
        tries.left(),
        await this.#headers(method, header, body),
        messages,
        contextValues,
      );
    if (method.methodKind !== "server_streaming") {
      const response = await open(input, new Uint8Array()).catch((error: unknown) =>
        Promise.reject(GenesisError.from(error)),
      );
      return { ...response, message: translated(response.message) };
    }
    const message = await only(method.input, input);
    return this.#repeat(tries, async () => {
      const response = await open(once(message as MessageInitShape<I>), toBinary(method.input, message));
      return { ...response, message: translated(await begun(response.message)) };
    });
  }

  #tries(timeoutMs: number | undefined, signal: AbortSignal | undefined): Tries {
    return new Tries(timeoutMs, signal);
  }

  async #repeat<T>(tries: Tries, call: () => Promise<T>): Promise<T> {
    for (let made = 1; ; made++) {
      try {
        const answer = await call();
        this.#throttle.succeeded();
        return answer;
      } catch (thrown) {
        const error = GenesisError.from(thrown);
        const pushback = thrown instanceof ConnectError ? thrown.metadata.get("grpc-retry-pushback-ms") : null;
        const { retry } = this.settings;
        const wait = retry === undefined ? undefined : waitAfter(error, made, retry, pushback);
        if (error.status === "UNAVAILABLE") this.#throttle.failed();
        if (wait === undefined || !this.#throttle.open || !tries.allows(wait)) throw error;
        await tries.wait(wait);
      }
    }
  }

  async #headers(method: DescMethod, given: HeadersInit | undefined, body: Uint8Array): Promise<Headers> {
    const headers = new Headers(given);
    for (const [name, value] of Object.entries(this.settings.headers)) if (!headers.has(name)) headers.set(name, value);
    const { signer, token } = this.settings;
    if (signer !== undefined) {
      headers.set("authorization", signer.header(`/${method.parent.typeName}/${method.name}`, body));
    } else if (token !== undefined) {
      headers.set("authorization", `Bearer ${await token()}`);
    }
    return headers;
  }
}

/** The time all tries of a call have together. */
class Tries {
  readonly #end: number | undefined;

  constructor(
    timeoutMs: number | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#end = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  }

  /** Milliseconds that are left; undefined when there is no deadline. */
  left(): number | undefined {
    return this.#end === undefined ? undefined : Math.max(1, Math.ceil(this.#end - performance.now()));
  }

  allows(seconds: number): boolean {
    return this.#end === undefined || performance.now() + seconds * 1000 < this.#end;
  }

  async wait(seconds: number): Promise<void> {
    try {
      await sleep(seconds * 1000, undefined, this.signal === undefined ? {} : { signal: this.signal });
    } catch (error) {
      throw GenesisError.from(error);
    }
  }
}

/** The message, with a fresh request id where it has none. */
export function withRequestId<I extends DescMessage>(schema: I, input: MessageInitShape<I>): MessageShape<I> {
  const message = create(schema, input);
  if (!("requestId" in schema.field)) return message;
  const own = clone(schema, message) as unknown as { requestId: string };
  own.requestId ||= randomUUID();
  return own as unknown as MessageShape<I>;
}

async function only<I extends DescMessage>(
  schema: I,
  input: AsyncIterable<MessageInitShape<I>>,
): Promise<MessageShape<I>> {
  for await (const message of input) return withRequestId(schema, message);
  throw new TypeError("the call has no request");
}

async function* once<T>(value: T): AsyncIterable<T> {
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

async function* translated<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw GenesisError.from(error);
  }
}
