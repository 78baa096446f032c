import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { OrchestratorService } from "../src/gen/genesis/v1/orchestrator_service_pb.js";
import { connect } from "../src/index.js";
import { Sessions } from "../src/sessions.js";
import { away, inTime, never, Queue, Server } from "./fake.js";
import { all, fails, freePort, served } from "./calling.js";

describe("connections", { concurrency: 8 }, () => {
  test("a server that asks to go away gets no more calls, and those under way end well", async (t) => {
    const begun = new Queue<() => void>();
    const [client, server] = await served(t, {
      getPlan: () => new Promise((resolve) => begun.put(() => resolve({ plan: { id: "slow" } }))),
      plan: () => ({}),
    });
    const slow = client.orchestrator.getPlan({});
    const finish = await begun.next();
    for (const session of server.sessions) session.goaway();
    for (let n = 0; n < 3; n++) await client.orchestrator.plan({});
    finish();
    assert.equal((await slow).plan?.id, "slow");
  });

  test("an idle connection that the server closed does no harm", async (t) => {
    const [client, server] = await served(t, { plan: () => ({}) }, { retry: null });
    await client.orchestrator.plan({});
    const [first = assert.fail()] = server.sessions;
    const closed = once(first, "close");
    first.close();
    await inTime(closed);
    await client.orchestrator.plan({});
  });

  test("a connection that breaks is UNAVAILABLE, and the call is made again", async (t) => {
    for (const retry of [null, undefined]) {
      const tries = new Queue<number>();
      let made = 0;
      const [client, server] = await served(
        t,
        {
          getPlan(_, { signal }) {
            tries.put(++made);
            return made === 1 ? never(signal) : {};
          },
        },
        retry === null ? { retry } : {},
      );
      const call = client.orchestrator.getPlan({});
      const told = retry === null ? fails(call, "UNAVAILABLE") : call;
      await tries.next();
      server.drop();
      await inTime<unknown>(told);
      assert.equal(made, retry === null ? 1 : 2);
    }
  });

  test("a server that is started again is found again", async (t) => {
    const routes: Parameters<typeof Server.start>[1] = (router) =>
      router.service(OrchestratorService, { getPlan: () => ({}) });
    const server = await Server.start(t, routes);
    const { port, target } = server;
    const client = connect(target);
    t.after(() => client.close());
    await client.orchestrator.getPlan({});
    await server.stop();
    const call = client.orchestrator.getPlan({});
    await Server.start(t, routes, { port });
    await inTime(call);
  });

  test("nobody there is UNAVAILABLE", async () => {
    const client = connect(`127.0.0.1:${await freePort()}`, { retry: null });
    const error = await fails(client.orchestrator.getPlan({}), "UNAVAILABLE");
    assert.equal(error.reason, "");
  });
});

test("a client that is closed while it connects ends quietly", async (t) => {
  const [client] = await served(t, { plan: () => ({}) });
  const call = fails(client.orchestrator.plan({}), "CANCELLED");
  client.close();
  await call;
});

test("a connection that is given up in the moment its server ends it ends quietly", async (t) => {
  const server = await Server.start(t, () => undefined);
  const sessions = new Sessions(`http://${server.target}`);
  t.after(() => sessions.abort());
  const stream = await sessions.request("GET", "/", {}, {});
  const { session = assert.fail() } = stream;
  stream.resume().end();
  await once(stream, "close");
  session.on("goaway", () => sessions.abort());
  const closed = new Promise((resolve) => session.on("close", resolve));
  for (const one of server.sessions) one.goaway();
  await inTime(closed);
});

describe("streams", { concurrency: 8 }, () => {
  test("a stream is tried again until its first message, and not after it", async (t) => {
    let tries = 0;
    const [client] = await served(t, {
      async *watchPlan() {
        tries += 1;
        if (tries === 1) throw away();
        yield {};
        throw away();
      },
    });
    const heard: unknown[] = [];
    const error = await fails(
      (async () => {
        for await (const message of client.orchestrator.watchPlan({})) heard.push(message);
      })(),
      "UNAVAILABLE",
    );
    assert.equal(error.message, "away");
    assert.deepEqual([heard.length, tries], [1, 2]);
  });

  test("leaving a loop over a stream ends it at the server", async (t) => {
    const seen = new Queue<AbortSignal>();
    const [client] = await served(t, {
      async *watchPlan(_, { signal }) {
        seen.put(signal);
        yield {};
        yield {};
        await never(signal);
      },
    });
    for await (const _ of client.orchestrator.watchPlan({})) break;
    const signal = await seen.next();
    if (!signal.aborted) await inTime(once(signal, "abort"));
  });

  test("a program that has left a stream before its deadline ends at once", async (t) => {
    const [, server] = await served(t, {
      async *watchPlan(_, { signal }) {
        yield {};
        await never(signal);
      },
    });
    const program = `
      import { connect } from ${JSON.stringify(new URL("../src/index.js", import.meta.url).href)};
      const client = connect(${JSON.stringify(server.target)});
      for await (const _ of client.orchestrator.watchPlan({}, { timeoutMs: 600_000 })) break;
      client.close();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: "inherit" });
    t.after(() => child.kill());
    assert.deepEqual(await inTime(once(child, "exit")), [0, null]);
  });

  test("a stream has no deadline but its own, and its signal ends it", async (t) => {
    const told = new Queue<string | null>();
    const [client] = await served(
      t,
      {
        async *watchPlan(_, { signal, requestHeader }) {
          told.put(requestHeader.get("grpc-timeout"));
          yield {};
          await never(signal);
        },
      },
      { timeoutSeconds: 0.1 },
    );
    const stop = new AbortController();
    const watched = fails(all(client.orchestrator.watchPlan({}, { signal: stop.signal })), "CANCELLED");
    assert.equal(await told.next(), null);
    stop.abort();
    await watched;
    await fails(all(client.orchestrator.watchPlan({}, { timeoutMs: 100 })), "DEADLINE_EXCEEDED");
  });

  test("a stream that nobody reads makes no call, and so no error that nobody catches", async () => {
    connect(`127.0.0.1:${await freePort()}`).orchestrator.watchPlan({});
  });
});
