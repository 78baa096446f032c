import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { WorkAssignmentSchema } from "../src/gen/genesis/v1/agent_service_pb.js";
import { ReportRequestSchema } from "../src/gen/genesis/v1/work_pb.js";
import { FlagRequestSchema, PlanRequestSchema } from "../src/gen/genesis/v1/orchestrator_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import {
  connect,
  Decline,
  GenesisError,
  json,
  Reference,
  TaskContext,
  TaskFailed,
  value,
  VERSION,
} from "../src/index.js";
import { withRequestId } from "../src/transport.js";
import { done, failed } from "../src/worker/outcome.js";

test("the version is the package's", () => {
  const told = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  assert.equal(VERSION, told.version);
});

test("calls that change something get a fresh request id, unless they have one; the caller's message stays as it is", () => {
  const given = create(PlanRequestSchema, { goal: "g" });
  const [one, two] = [withRequestId(PlanRequestSchema, given), withRequestId(PlanRequestSchema, given)];
  assert.match(one.requestId, /^[0-9a-f-]{36}$/);
  assert.notEqual(one.requestId, two.requestId);
  assert.equal(given.requestId, "");
  assert.equal(withRequestId(PlanRequestSchema, { requestId: "mine" }).requestId, "mine");
  assert.deepEqual(withRequestId(FlagRequestSchema, {}), create(FlagRequestSchema));
  assert.equal(withRequestId(ReportRequestSchema, { lease: { leaseId: "known by this" } }).requestId, "");
});

test("an error has the facts of its details", () => {
  const status = create(StatusSchema, {
    code: 3,
    message: "wrong",
    details: [
      anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 500_000_000 } })),
      anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "INVALID_FIELD", metadata: { correlation_id: "c" } })),
      anyPack(
        BadRequestSchema,
        create(BadRequestSchema, { fieldViolations: [{ field: "goal", description: "empty", reason: "R" }] }),
      ),
    ],
  });
  const error = GenesisError.fromStatus(status);
  assert.equal(error.status, "INVALID_ARGUMENT");
  assert.equal(error.reason, "INVALID_FIELD");
  assert.equal(error.correlationId, "c");
  assert.equal(error.retryAfterSeconds, 1.5);
  assert.deepEqual(error.violations, [{ field: "goal", description: "empty", rule: "R" }]);
});

test("whatever is thrown becomes an error of ours", () => {
  assert.equal(GenesisError.from(new Error("odd")).status, "UNKNOWN");
  const error = GenesisError.from(new Error("odd"));
  assert.equal(GenesisError.from(error), error);
});

test("options that contradict each other, and tokens in plain text to other machines, are refused", () => {
  assert.throws(() => connect(" "), TypeError);
  assert.throws(() => connect("example.com:1", { token: "t" }), /plain text/);
  assert.throws(() => connect("localhost:1", { agentKey: "k:s" }), /agent/);
  assert.throws(() => connect("localhost:1", { agentKey: "k:s", agent: "a", token: "t" }), /one of the two/);
  assert.throws(() => connect("localhost:1", { clientKey: "k" }), /both or neither/);
  assert.throws(() => connect("localhost:1", { tls: false, serverName: "n" }), /need TLS/);
  assert.throws(() => connect("localhost:1@example.com", { token: "t" }), TypeError);
  assert.throws(() => connect("localhost:1", { rootCertificates: "no certificate" }));
  for (const target of ["127.0.0.1:1", "LOCALHOST:1", "[::1]:1", "dns:///localhost:1", "dns:localhost:1"]) {
    connect(target, { token: "t" }).close();
  }
});

test("what is no host and port is refused", () => {
  for (const target of [
    "unix:/tmp/x",
    "ipv4:127.0.0.1:1",
    "http://x:1",
    "x:port",
    "x:99999",
    "x/y",
    "::1",
    "a@b:1",
    "dns:",
    "x:1,y:1",
  ]) {
    assert.throws(() => connect(target), TypeError, target);
  }
});

test("JSON values go and come as they are", () => {
  for (const one of [null, true, 1.5, "ü", [1, null], { a: { b: [] } }]) assert.deepEqual(json(value(one)), one);
});

test("what a skill returns becomes its outputs", () => {
  const named = (returned: unknown, declared: string[], own: string[] = []): unknown => {
    const result = done(returned, declared, own);
    const outputs = result.case === "done" ? result.value.outputs : [];
    return Object.fromEntries(
      outputs.map(({ name, content }) => [name, content.case === "value" ? json(content.value) : content.case]),
    );
  };
  assert.deepEqual(named("text", ["notes"], ["other"]), { notes: "text" });
  assert.deepEqual(named([1, 2], [], ["own"]), { own: [1, 2] });
  const reference = new Reference("file:///x", "0".repeat(64));
  assert.deepEqual(named({ a: 1, b: reference }, ["a", "b"]), { a: 1, b: "reference" });
  assert.deepEqual(named(reference, ["b"]), { b: "reference" });
  assert.deepEqual(named({ a: 1 }, ["b"]), { b: { a: 1 } });
  assert.deepEqual(named({ b: 1 }, ["b"]), { b: 1 });
  assert.deepEqual(named({ at: new Date(0), no: { deep: undefined } }, []), { at: "1970-01-01T00:00:00.000Z", no: {} });
  assert.deepEqual([named(undefined, ["b"]), named(null, ["b"])], [{}, {}]);
});

test("a result that has no name or cannot be sent fails the task for good", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  for (const [returned, names] of [
    ["text", []],
    [1, ["a", "b"]],
    [{ a: NaN }, []],
    [{ a: 1n }, []],
    [circle, []],
    [{ a: () => 1 }, []],
  ] as const) {
    assert.throws(
      () => done(returned, names, []),
      (error) => error instanceof TaskFailed && error.permanent,
    );
  }
});

test("what a skill throws says whether to try again", () => {
  assert.deepEqual(summary(new Error("odd")), ["failed", "Error: odd", false]);
  assert.deepEqual(summary(new TaskFailed("no", true)), ["failed", "no", true]);
  assert.deepEqual(summary("words"), ["failed", "words", false]);
  assert.deepEqual(summary(Object.create(null)), ["failed", "[Object: null prototype] {}", false]);
  assert.deepEqual(summary(new Decline("not mine")), ["declined", "not mine", false]);
});

function summary(thrown: unknown): unknown[] {
  const result = failed(thrown);
  if (result.case === "failed") return [result.case, result.value.error, result.value.permanent];
  return result.case === "declined" ? [result.case, result.value.reason, result.value.handBack] : [];
}

test("what is no amount is told to the function, not to the server", () => {
  const task = new TaskContext(create(WorkAssignmentSchema), new AbortController().signal);
  for (const wrong of [{ usd: NaN }, { usd: -1 }, { usd: Infinity }, { tokens: 1.5 }, { tokens: -1 }]) {
    assert.throws(() => task.usage(wrong), RangeError);
  }
  task.usage({ usd: 0.1, tokens: 1 });
  task.usage({ usd: 0.2, tokens: 1 });
  assert.deepEqual(task.used, { tokens: 2n, costNanos: 300_000_000n });
});
