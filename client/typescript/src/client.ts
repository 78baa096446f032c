import type { DescMessage, DescMethodStreaming, DescService, MessageInitShape } from "@bufbuild/protobuf";
import { makeAnyClient, type CallOptions, type Client, type Transport } from "@connectrpc/connect";
import { once } from "./transport.js";

type Input = MessageInitShape<DescMessage>;

/** A client with a method for each call of a service. Unlike Connect's own, it ends a stream when the loop over it is left. */
export function clientOf<S extends DescService>(service: S, transport: Transport): Client<S> {
  const client = makeAnyClient(service, (method) => {
    switch (method.methodKind) {
      case "unary":
        return async (input: Input, options: CallOptions = {}) => {
          const { signal, timeoutMs, headers, contextValues } = options;
          const answer = await transport.unary(method, signal, timeoutMs, headers, input, contextValues);
          options.onHeader?.(answer.header);
          options.onTrailer?.(answer.trailer);
          return answer.message;
        };
      case "server_streaming":
        return (input: Input, options?: CallOptions) => answers(transport, method, once(input), options);
      case "bidi_streaming":
        return (input: AsyncIterable<Input>, options?: CallOptions) => answers(transport, method, input, options);
      default:
        // The contract has none.
        return null;
    }
  });
  return client as Client<S>;
}

async function* answers(
  transport: Transport,
  method: DescMethodStreaming,
  input: AsyncIterable<Input>,
  options: CallOptions = {},
): AsyncIterable<unknown> {
  const { signal, timeoutMs, headers, contextValues } = options;
  const answer = await transport.stream(method, signal, timeoutMs, headers, input, contextValues);
  options.onHeader?.(answer.header);
  yield* answer.message;
  options.onTrailer?.(answer.trailer);
}
