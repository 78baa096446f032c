// Clients of servers that a test plays.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { type ServiceImpl } from "@connectrpc/connect";
import { OrchestratorService } from "../src/gen/genesis/v1/orchestrator_service_pb.js";
import { connect, GenesisError, type ConnectOptions, type GenesisClient, type StatusName } from "../src/index.js";
import { inTime, Queue, Server } from "./fake.js";

export type Part = Partial<ServiceImpl<typeof OrchestratorService>>;

export async function served(
  t: TestContext,
  part: Part,
  options: ConnectOptions = {},
): Promise<[GenesisClient, Server]> {
  const server = await Server.start(t, (router) => router.service(OrchestratorService, part));
  const client = connect(server.target, options);
  t.after(() => client.close());
  return [client, server];
}

export async function fails(call: Promise<unknown>, status: StatusName): Promise<GenesisError> {
  const error = await inTime(
    call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );
  assert.ok(error instanceof GenesisError, `${String(error)} is none of our errors`);
  assert.equal(error.status, status, error.message);
  return error;
}

export async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const message of messages) found.push(message);
  return found;
}

/** A server that gives away what it got: the authorization and the bytes of the request. Its answer is UNAVAILABLE. */
export async function raw(t: TestContext, host: string): Promise<{ port: number; seen: Queue<[string, Buffer]> }> {
  const seen = new Queue<[string, Buffer]>();
  const server = createServer();
  server.on("session", (session) => t.after(() => session.destroy()));
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      seen.put([String(headers.authorization), Buffer.concat(chunks).subarray(5)]);
      const status = { "grpc-status": "14", "grpc-retry-pushback-ms": "1" };
      stream.respond({ ":status": 200, "content-type": "application/grpc", ...status }, { endStream: true });
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
