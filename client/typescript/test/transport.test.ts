import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { FlagAdminService } from "../src/gen/genesis/admin/v1/flag_admin_service_pb.js";
import { PolicyService } from "../src/gen/genesis/admin/v1/policy_service_pb.js";
import { AgentService } from "../src/gen/genesis/v1/agent_service_pb.js";
import {
  GetPlanRequestSchema,
  OrchestratorService,
  PlanStreamRequestSchema,
} from "../src/gen/genesis/v1/orchestrator_service_pb.js";
import { agentSignature, connect } from "../src/index.js";
import { withRequestId } from "../src/transport.js";
import { away, inTime, never, Queue, refusal } from "./fake.js";
import { all, fails, raw, served, type Part } from "./calling.js";

describe("calls", { concurrency: 8 }, () => {
  test("every method of the contract may be called again: it reads, or has a request id; but for the stream of work", () => {
    const unsafe = [OrchestratorService, AgentService, PolicyService, FlagAdminService]
      .flatMap(({ methods }) => methods)
      .filter(({ idempotency, input }) => idempotency === 0 && !("requestId" in input.field))
      .map(({ name }) => name);
    assert.deepEqual(unsafe, ["PlanStream", "WatchPlan", "Work"]);
    assert.notEqual(withRequestId(PlanStreamRequestSchema, { plan: { goal: "g" } }).plan?.requestId, "");
  });

  test("a call that finds no server is made again under the same request id, until it is answered", async (t) => {
    const ids: string[] = [];
    const [client] = await served(t, {
      plan({ requestId }) {
        ids.push(requestId);
        if (ids.length < 3) throw away();
        return {};
      },
    });
    await client.orchestrator.plan({ goal: "g" });
    assert.equal(ids.length, 3);
    assert.equal(new Set(ids).size, 1);
    assert.match(ids[0] ?? "", /^[0-9a-f-]{36}$/);
  });

  test("without retries, and for other errors, there is one try", async (t) => {
    let tries = 0;
    const part: Part = {
      plan() {
        tries += 1;
        throw away();
      },
      getPlan() {
        tries += 1;
        throw refusal(Code.NotFound, "PLAN_NOT_FOUND");
      },
    };
    const [client] = await served(t, part, { retry: null });
    await fails(client.orchestrator.plan({}), "UNAVAILABLE");
    const [other] = await served(t, part);
    const error = await fails(other.orchestrator.getPlan({}), "NOT_FOUND");
    assert.equal(error.reason, "PLAN_NOT_FOUND");
    assert.equal(tries, 2);
  });

  test("calls that mostly fail are not tried again any more", async (t) => {
    let tries = 0;
    const [client] = await served(t, {
      getPlan() {
        tries += 1;
        throw away();
      },
    });
    await fails(client.orchestrator.getPlan({}), "UNAVAILABLE");
    await fails(client.orchestrator.getPlan({}), "UNAVAILABLE");
    assert.equal(tries, 6);
  });

  test("headers: who calls, the deadline, the client's own, and those of the call, which win", async (t) => {
    let seen: HandlerContext | undefined;
    const [client] = await served(
      t,
      {
        getPlan(_, context) {
          seen = context;
          return {};
        },
      },
      { headers: { "x-one": "client", "x-two": "client" }, token: () => Promise.resolve("fresh") },
    );
    await client.orchestrator.getPlan({}, { headers: { "x-two": "call" }, timeoutMs: 4321 });
    const { requestHeader: headers } = seen ?? assert.fail();
    assert.match(headers.get("user-agent") ?? "", /^genesis-typescript\/\d/);
    assert.deepEqual([headers.get("x-one"), headers.get("x-two")], ["client", "call"]);
    assert.equal(headers.get("authorization"), "Bearer fresh");
    assert.match(headers.get("grpc-timeout") ?? "", /^[34]\d{3}m$/);
  });

  test("a call has 30 s unless it says otherwise; more than fits the header or a timer is no deadline at once", async (t) => {
    const told: (string | null)[] = [];
    const [client] = await served(t, {
      getPlan(_, { requestHeader }) {
        told.push(requestHeader.get("grpc-timeout"));
        return {};
      },
    });
    await client.orchestrator.getPlan({});
    await client.orchestrator.getPlan({}, { timeoutMs: 30 * 86_400_000 });
    assert.match(told[0] ?? "", /^(30000|29\d{3})m$/);
    assert.equal(told[1], null);
  });

  test("the deadline holds over all tries, for a server that is silent, and for a token that does not come", async (t) => {
    const part: Part = { getPlan: (_, { signal }) => never(signal), plan: () => Promise.reject(away(60_000)) };
    const [client] = await served(t, part, { timeoutSeconds: 0.1 });
    await fails(client.orchestrator.getPlan({}), "DEADLINE_EXCEEDED");
    await fails(client.orchestrator.plan({}, { timeoutMs: 20_000 }), "UNAVAILABLE");
    const [waiting] = await served(t, part, { timeoutSeconds: 0.1, token: () => new Promise<string>(() => undefined) });
    await fails(waiting.orchestrator.getPlan({}), "DEADLINE_EXCEEDED");
  });

  test("a call whose signal is aborted is CANCELLED: before, under way, between tries, whatever the reason", async (t) => {
    const begun = new Queue<AbortSignal>();
    const [client] = await served(t, {
      getPlan(_, { signal }) {
        begun.put(signal);
        return never(signal);
      },
      plan(_, { signal }) {
        begun.put(signal);
        throw away(60_000);
      },
    });
    await fails(client.orchestrator.getPlan({}, { signal: AbortSignal.abort("why") }), "CANCELLED");
    assert.equal(begun.size, 0);
    const stop = new AbortController();
    const call = fails(client.orchestrator.getPlan({}, { signal: stop.signal }), "CANCELLED");
    const seen = await begun.next();
    stop.abort(new RangeError("enough"));
    await call;
    await inTime<unknown>(seen.aborted ? Promise.resolve() : once(seen, "abort"));
    const late = new AbortController();
    const between = fails(client.orchestrator.plan({}, { signal: late.signal }), "CANCELLED");
    await begun.next();
    setTimeout(() => late.abort(), 50);
    await between;
    assert.equal(begun.size, 0);
  });

  test("many calls can share a signal, and leave nothing on it", async (t) => {
    const warnings: Error[] = [];
    const warned = (warning: Error): number => warnings.push(warning);
    process.on("warning", warned);
    t.after(() => process.off("warning", warned));
    const [client] = await served(t, { getPlan: () => ({}) });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 30 }, () => client.orchestrator.getPlan({}, { signal })));
    await new Promise(setImmediate);
    assert.deepEqual(warnings, []);
  });

  test("a closed client cancels what is under way and calls no more", async (t) => {
    const begun = new Queue<string>();
    const [client, server] = await served(t, {
      getPlan(_, { signal }) {
        begun.put("get");
        return never(signal);
      },
      plan() {
        begun.put("plan");
        throw away(60_000);
      },
      async *watchPlan(_, { signal }) {
        begun.put("watch");
        yield {};
        await never(signal);
      },
    });
    const calls: Promise<unknown>[] = [
      fails(client.orchestrator.getPlan({}), "CANCELLED"),
      fails(client.orchestrator.plan({}), "CANCELLED"),
      fails(all<unknown>(client.orchestrator.watchPlan({})), "CANCELLED"),
    ];
    for (const _ of calls) await begun.next();
    const closed = [...server.sockets].map((socket) => once(socket, "close"));
    client.close();
    await Promise.all(calls);
    await fails(client.orchestrator.getPlan({}), "CANCELLED");
    assert.equal(begun.size, 0);
    await inTime(Promise.all(closed));
  });

  test("large messages pass, larger ones than 64 MiB do not", async (t) => {
    const [client] = await served(t, { getPlan: ({ planId }) => ({ plan: { goal: planId } }) });
    const planId = "x".repeat(20_000_000);
    const { plan } = await client.orchestrator.getPlan({ planId });
    assert.equal(plan?.goal.length, planId.length);
    await fails(client.orchestrator.getPlan({ planId: "x".repeat(64 * 1024 * 1024) }), "RESOURCE_EXHAUSTED");
  });

  test("the names of this machine lead there, IPv6 and dns included", async (t) => {
    const [host, six] = [await raw(t, "127.0.0.1"), await raw(t, "::1")];
    for (const target of [`dns:///127.0.0.1:${host.port}`, `dns:127.0.0.1:${host.port}`, `[::1]:${six.port}`]) {
      const client = connect(target, { retry: null });
      await fails(client.orchestrator.getPlan({}), "UNAVAILABLE");
      client.close();
    }
    assert.deepEqual([host.seen.size, six.seen.size], [2, 1]);
  });
});

test("a signed call is signed over the bytes on the wire, unknown fields and all, whatever the caller does next", async (t) => {
  const { port, seen } = await raw(t, "127.0.0.1");
  const client = connect(`127.0.0.1:${port}`, { agentKey: "k:secret", agent: "a" });
  t.after(() => client.close());
  const message = create(GetPlanRequestSchema, { planId: "p" });
  message.$unknown = [{ no: 1000, wireType: 2, data: new Uint8Array([1, 7]) }];
  const call = fails(client.orchestrator.getPlan(message), "UNAVAILABLE");
  message.planId = "another";
  const nonces = new Set<string>();
  for (let tries = 0; tries < 5; tries++) {
    const [header, body] = await seen.next();
    const part = (name: string): string => new RegExp(`${name}=([^,]+)`).exec(header)?.[1] ?? "";
    const method = "/genesis.v1.OrchestratorService/GetPlan";
    const [nonce, time] = [part("nonce"), Number(part("time"))];
    const signed = { method, tenant: "default", agent: "a", key: "k", time, nonce, body };
    assert.equal(part("signature"), agentSignature("secret", signed));
    assert.ok(body.includes("p") && !body.includes("another") && body.includes(7));
    nonces.add(nonce);
  }
  assert.equal(nonces.size, 5);
  await call;
});

test("what Connect itself throws is an error of ours", async (t) => {
  const [client] = await served(t, { getPlan: () => Promise.reject(new ConnectError("odd", Code.DataLoss)) });
  await fails(client.orchestrator.getPlan({}), "DATA_LOSS");
  await fails(client.orchestrator.plan({}), "UNIMPLEMENTED");
});
