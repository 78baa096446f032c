import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { LeaseNoticeKind } from "../src/gen/genesis/v1/agent_service_pb.js";
import { GenesisError, json, TaskFailed, value, Worker, type SkillFunction, type TaskContext } from "../src/index.js";
import { inTime, Queue, refusal } from "./fake.js";
import { Fake, type Method } from "./agents.js";

/** A function that goes on until its signal, and gives away why it came. */
function until(why: Queue<string>): SkillFunction {
  return async ({ signal }) => {
    await once(signal, "abort");
    why.put((signal.reason as Error).message);
    throw signal.reason;
  };
}

/** A function that ends when the test says so, whatever its signal says. */
function held(begun: Queue<[TaskContext, (result: unknown) => void]>): SkillFunction {
  return (task) => new Promise((resolve) => begun.put([task, resolve]));
}

const A_MONTH = Object.freeze({ seconds: 30n * 86_400n, nanos: 0 });

describe("a worker", { concurrency: 16 }, () => {
  test("joins with its card, does a task, reports, and leaves when it is told to", async (t) => {
    const fake = await new Fake((task) => {
      task.usage({ usd: 1.5, tokens: 9 });
      return `Hello ${String(task.inputs["name"])}`;
    }).start(t);
    assert.equal((await fake.registered.next()).card?.skills[0]?.id, "say.greet");
    const [stream, open] = await fake.opened();
    assert.deepEqual([open.sessionId, open.slots, open.heldLeaseIds], ["session", 1, []]);
    await stream.assigned("l1", { inputs: [{ name: "name", content: { case: "value", value: value("Ada") } }] });
    const { outcome, usage, lease, planId, taskId } = await stream.reported();
    assert.deepEqual([planId, taskId, lease?.token], ["plan", "task", 7n]);
    assert.deepEqual([usage?.tokens, usage?.cost?.units, usage?.cost?.nanos], [9n, 1n, 500_000_000]);
    assert.ok(outcome.case === "done");
    const [{ name, content } = assert.fail()] = outcome.value.outputs;
    assert.equal(name, "greeting");
    assert.equal(content.case === "value" && json(content.value), "Hello Ada");
    fake.worker.stop();
    assert.equal((await stream.hears("slots")).slots, 0);
    assert.equal(await fake.left.next(), "session");
    assert.equal(await inTime(fake.ended), undefined);
  });

  test("names what it holds on a new stream, and reports there", async (t) => {
    const begun = new Queue<[TaskContext, (result: unknown) => void]>();
    const fake = await new Fake(held(begun)).start(t);
    const [first] = await fake.opened();
    await first.assigned("l1");
    const [task, finish] = await begun.next();
    first.end(new ConnectError("broken", Code.Unavailable));
    const [second, open] = await fake.opened();
    assert.deepEqual(open.heldLeaseIds, ["l1"]);
    assert.equal(task.signal.aborted, false);
    second.assign("l1");
    assert.equal((await second.hears("acknowledge")).leaseId, "l1");
    finish("done");
    assert.equal((await second.reported()).outcome.case, "done");
    assert.equal(begun.size, 0);
    second.notice("l1", LeaseNoticeKind.LOST);
    await second.assigned("l2");
    assert.equal(task.signal.aborted, false, "a task that is done was not cancelled");
    (await begun.next())[1](undefined);
    await second.reported();
  });

  test("goes elsewhere when the server asks to, and ends the old stream", async (t) => {
    const fake = await new Fake(() => undefined).start(t);
    const [first] = await fake.opened();
    first.tell({ case: "move", value: {} });
    await fake.opened();
    assert.deepEqual(fake.log, []);
  });

  test("tells a report again until it is answered: by a call when the stream ends before the answer", async (t) => {
    const fake = await new Fake(() => "done").start(t);
    const [stream] = await fake.opened();
    let refused = 0;
    fake.refuse = (method) => {
      if (method === "work") return new ConnectError("away", Code.Unavailable);
      return method === "report" && ++refused < 3 ? new ConnectError("away", Code.Unavailable) : undefined;
    };
    await stream.assigned("l1");
    const said = await stream.hears("report");
    stream.end();
    for (let n = 0; n < 3; n++) assert.deepEqual((await fake.reports.next()).outcome, said.outcome);
    fake.refuse = () => undefined;
    const [, open] = await fake.opened();
    assert.deepEqual([open.heldLeaseIds, fake.reports.size], [[], 0]);
  });

  test("fails a task for good when its outputs are refused, and drops what is refused otherwise", async (t) => {
    const fake = await new Fake(() => "done").start(t);
    const [stream] = await fake.opened();
    await stream.assigned("l1");
    await stream.reported(refusal(Code.Internal, "INTERNAL"));
    await stream.reported(refusal(Code.InvalidArgument, "OUTPUT_MISMATCH"));
    const { outcome } = await stream.reported(refusal(Code.FailedPrecondition, "LEASE_LOST"));
    assert.ok(outcome.case === "failed" && outcome.value.permanent && outcome.value.error.includes("OUTPUT_MISMATCH"));
    await stream.assigned("l2");
    await stream.reported();
  });

  test("reports what a function throws, and tells the log of faults alone", async (t) => {
    const errors = [new TypeError("odd"), new TaskFailed("no", true)];
    const fake = await new Fake(() => {
      throw errors.shift() ?? assert.fail();
    }).start(t);
    const [stream] = await fake.opened();
    for (const [error, permanent] of [
      ["TypeError: odd", false],
      ["no", true],
    ] as const) {
      await stream.assigned(error);
      const { outcome } = await stream.reported();
      assert.deepEqual(outcome.case === "failed" && [outcome.value.error, outcome.value.permanent], [error, permanent]);
    }
    assert.deepEqual(fake.log, ["task task of plan plan failed"]);
  });

  test("stops a task that nobody wants, and says nothing more of it", async (t) => {
    const why = new Queue<string>();
    const fake = await new Fake(until(why)).start(t);
    const [stream] = await fake.opened();
    await stream.assigned("l1");
    stream.notice("l1", LeaseNoticeKind.CANCELLED);
    assert.equal(await why.next(), "the task is not wanted any more");
    assert.equal((await stream.hears("slots")).slots, 0);
    assert.equal((await stream.hears("slots")).slots, 1);
    await stream.assigned("l2");
    assert.deepEqual(fake.log, []);
  });

  test("tells a function that its plan is paused, and goes on", async (t) => {
    const begun = new Queue<[TaskContext, (result: unknown) => void]>();
    const fake = await new Fake(held(begun), { maxConcurrentTasks: 2 }).start(t);
    const [stream] = await fake.opened();
    await stream.assigned("l1");
    const [task, finish] = await begun.next();
    for (const [kind, paused] of [
      [LeaseNoticeKind.PAUSED, true],
      [LeaseNoticeKind.RESUMED, false],
    ] as const) {
      stream.notice("l1", kind);
      await stream.assigned("l1");
      assert.deepEqual([task.paused, task.signal.aborted], [paused, false]);
    }
    finish(undefined);
    await stream.reported();
  });

  test("stops a task whose time is over, and keeps its lease until the server says so", async (t) => {
    const why = new Queue<string>();
    const fake = await new Fake(until(why)).start(t);
    const [first] = await fake.opened();
    await first.assigned("l1", { timeLeft: { seconds: 0n, nanos: 50_000_000 } });
    assert.equal(await why.next(), "its time is over");
    first.end();
    const [second, open] = await fake.opened();
    assert.deepEqual(open.heldLeaseIds, ["l1"]);
    second.notice("l1", LeaseNoticeKind.LOST);
    second.end();
    const [, empty] = await fake.opened();
    assert.deepEqual(empty.heldLeaseIds, []);
    assert.equal(fake.reports.size, 0);
  });

  test("gives a task all the time there is, a month too", async (t) => {
    const begun = new Queue<[TaskContext, (result: unknown) => void]>();
    const fake = await new Fake(held(begun)).start(t);
    const [stream] = await fake.opened();
    await stream.assigned("l1", { timeLeft: A_MONTH });
    const [task, finish] = await begun.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(task.signal.aborted, false);
    finish("done");
    await stream.reported();
  });

  test("has no slot for another task while a function goes on that was let go, and hands back the surplus", async (t) => {
    const begun = new Queue<[TaskContext, (result: unknown) => void]>();
    const fake = await new Fake(held(begun)).start(t);
    const [stream] = await fake.opened();
    await stream.assigned("l1");
    const [, finish] = await begun.next();
    stream.assign("l2");
    for (const lease of ["l2", "l3"]) {
      const { outcome, lease: about } = await stream.reported();
      assert.equal(about?.leaseId, lease);
      assert.ok(outcome.case === "declined" && outcome.value.handBack);
      if (lease === "l3") break;
      stream.notice("l1", LeaseNoticeKind.LOST);
      assert.equal((await stream.hears("slots")).slots, 0);
      stream.assign("l3");
    }
    stream.end();
    const [second, open] = await fake.opened();
    assert.deepEqual([open.slots, open.heldLeaseIds], [0, []]);
    finish("too late");
    assert.equal((await second.hears("slots")).slots, 1);
    assert.equal(fake.reports.size, 0);
  });

  test("declines a skill it does not have, and fails a task whose inputs cannot be read", async (t) => {
    const fake = await new Fake(() => "done").start(t);
    const [stream] = await fake.opened();
    stream.assign("l1", { target: { skillId: "another" } });
    const declined = (await stream.reported()).outcome;
    assert.ok(declined.case === "declined" && !declined.value.handBack);
    const unread = create(ValueSchema, { kind: { case: "numberValue", value: NaN } });
    stream.assign("l2", { inputs: [{ name: "x", content: { case: "value", value: unread } }] });
    const failed = (await stream.reported()).outcome;
    assert.ok(failed.case === "failed" && failed.value.permanent && failed.value.error.includes("inputs"));
    await stream.assigned("l3", { target: { skillId: "" } });
    await stream.reported();
  });

  test("hands back what it holds when no sign of life is answered for as long as a lease lasts", async (t) => {
    const why = new Queue<string>();
    const fake = new Fake(until(why));
    [fake.interval, fake.lease] = [0.1, 0.7];
    fake.refuse = (method) => (method === "heartbeat" ? new ConnectError("away", Code.Unavailable) : undefined);
    await fake.start(t);
    const [stream] = await fake.opened();
    await stream.assigned("l1");
    assert.match(await why.next(), /no sign of life/);
    const { outcome } = await stream.reported();
    assert.ok(outcome.case === "declined" && outcome.value.handBack);
  });

  test("tells progress with a sign of life, and again when it was not answered", async (t) => {
    const begun = new Queue<[TaskContext, (result: unknown) => void]>();
    const fake = await new Fake(held(begun)).start(t);
    let beats = 0;
    fake.refuse = (method) =>
      method === "heartbeat" && ++beats === 1 ? new ConnectError("away", Code.Unavailable) : undefined;
    const [stream] = await fake.opened();
    await stream.assigned("l1");
    const [task, finish] = await begun.next();
    task.progress(NaN, "x".repeat(600));
    for (let n = 0; n < 2; n++) {
      const { load, progress } = await fake.beats.next();
      const [{ fraction, message, lease } = assert.fail()] = progress;
      assert.deepEqual([load, fraction, message.length, lease?.leaseId], [1, 0, 500, "l1"]);
    }
    finish("done");
    await stream.reported();
  });

  test("joins again when the server does not know it any more, and stops what it holds", async (t) => {
    const why = new Queue<string>();
    let gone: Method | undefined;
    const fake = new Fake(until(why));
    fake.interval = 0.1;
    fake.refuse = (method) => {
      if (method !== gone) return undefined;
      gone = undefined;
      return refusal(Code.NotFound, "SESSION_NOT_FOUND");
    };
    await fake.start(t);
    await fake.registered.next();
    for (const method of ["heartbeat", "work"] as const) {
      const [stream] = await fake.opened();
      await stream.assigned(method);
      gone = method;
      if (method === "work") stream.end();
      assert.equal(await why.next(), "the task is not wanted any more");
      await fake.registered.next();
    }
    const [, open] = await fake.opened();
    assert.deepEqual(open.heldLeaseIds, []);
    assert.equal(fake.reports.size, 0);
  });

  test("tries to join until it can, but ends with the error when it is refused", async (t) => {
    const answers = [new ConnectError("away", Code.Unavailable), refusal(Code.PermissionDenied, "AGENT_MISMATCH")];
    const fake = new Fake(() => undefined);
    fake.refuse = (method) => (method === "register" ? answers.shift() : undefined);
    await fake.start(t);
    const error = await inTime(fake.ended);
    assert.ok(error instanceof GenesisError && error.reason === "AGENT_MISMATCH");
    assert.deepEqual(fake.log, ["cannot join"]);
  });

  test("that stops while it joins just ends", async (t) => {
    const fake = new Fake(() => undefined);
    fake.refuse = () => new ConnectError("away", Code.Unavailable);
    await fake.start(t);
    await fake.registered.next();
    fake.worker.stop();
    assert.equal(await inTime(fake.ended), undefined);
  });

  test("that stops hands back what is not done after its grace, or at once when it is told twice", async (t) => {
    for (const [grace, times] of [
      [0.05, 1],
      [600, 2],
    ] as const) {
      const why = new Queue<string>();
      const fake = await new Fake(until(why), { grace }).start(t);
      const [stream] = await fake.opened();
      await stream.assigned("l1");
      for (let n = 0; n < times; n++) fake.worker.stop();
      assert.equal(await why.next(), "the worker stops");
      for (let n = 0; n < times; n++) assert.equal((await stream.hears("slots")).slots, 0);
      const { outcome } = await stream.reported();
      assert.ok(outcome.case === "declined" && outcome.value.handBack);
      await fake.left.next();
      assert.equal(await inTime(fake.ended), undefined);
    }
  });

  test("that stops finishes within its grace what it holds", async (t) => {
    const begun = new Queue<[TaskContext, (result: unknown) => void]>();
    const fake = await new Fake(held(begun)).start(t);
    const [stream] = await fake.opened();
    await stream.assigned("l1");
    const [task, finish] = await begun.next();
    fake.worker.stop();
    await stream.hears("slots");
    stream.assign("l2");
    const { outcome } = await stream.reported();
    assert.ok(outcome.case === "declined" && outcome.value.handBack);
    assert.equal(task.signal.aborted, false);
    finish("done");
    assert.equal((await stream.reported()).outcome.case, "done");
    assert.equal(await inTime(fake.ended), undefined);
  });

  test("that stops is held up neither by a function without end nor by a server that answers no report", async (t) => {
    const endless = await new Fake(() => new Promise(() => undefined), { grace: 0 }).start(t);
    const [stream] = await endless.opened();
    await stream.assigned("l1");
    endless.worker.stop();
    await stream.hears("slots");
    await stream.reported();
    assert.equal(await inTime(endless.ended), undefined);
    const mute = await new Fake(() => "done", { grace: 0 }).start(t);
    const [silent] = await mute.opened();
    await silent.assigned("l1");
    await silent.hears("report");
    mute.worker.stop();
    assert.equal(await inTime(mute.ended), undefined);
  });

  test("can run again, but not twice at once, nor without a skill", async (t) => {
    const fake = await new Fake(() => undefined).start(t);
    await fake.opened();
    await assert.rejects(fake.worker.run("127.0.0.1:1"), /runs already/);
    assert.throws(() => fake.worker.skill("say.greet", {}, () => 1), TypeError);
    fake.worker.stop();
    await inTime(fake.ended);
    await fake.left.next();
    await fake.start(t);
    await fake.opened();
    await assert.rejects(new Worker("empty").run("127.0.0.1:1"), /no skill/);
  });
});
