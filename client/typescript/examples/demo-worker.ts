// A worker of `make demo`: writes documents and reports as files, and hands them on by address and hash.
//
// `node dist/examples/demo-worker.js FOLDER AGENT`; its order is a line of JSON on standard input: the server's `address` and its `card`. It
// ends when standard input does, which is when the demo is gone.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fromJsonString } from "@bufbuild/protobuf";
import { AgentCardSchema } from "../src/gen/genesis/v1/catalogue_pb.js";
import { Reference, TaskFailed, Worker, type TaskContext } from "../src/index.js";

const STEP_MS = 100;
const GRACE = 2;
const folder = process.argv[2] ?? ".";

function textOf(name: string, input: unknown): string {
  if (!(input instanceof Reference)) return String(input);
  const data = readFileSync(fileURLToPath(input.uri));
  if (sha256(data) !== input.sha256) throw new TaskFailed(`${name} was changed since it was made`, true);
  return data.toString("utf8");
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

async function perform(task: TaskContext, isReport: boolean): Promise<Record<string, Reference>> {
  for (const [done, step] of ["reading", "working", "writing"].entries()) {
    task.progress(done / 3, step);
    await sleep(STEP_MS);
  }
  const expected = task.assignment.expected?.cost;
  task.usage({ usd: 0.9 * (Number(expected?.units ?? 0) + (expected?.nanos ?? 0) / 1e9) });
  const texts = Object.entries(task.inputs).map(([name, input]) => [name, textOf(name, input)] as const);
  const lines = texts.map(([name, text]) =>
    isReport ? `## ${name}\n\n${text}` : `- ${name}: ${text.split("\n").length} lines`,
  );
  const outputs = (task.assignment.task?.outputs ?? []).map(({ name }): [string, Reference] => {
    const file = join(folder, `${name.replace(/[^\w.-]+/g, "-")}.md`);
    const text = [`# ${name}`, `For: ${task.goal}`, "Written in TypeScript, from:", ...lines, ""].join("\n\n");
    writeFileSync(file, text);
    return [name, new Reference(pathToFileURL(file).href, sha256(text), "text/markdown")];
  });
  return Object.fromEntries(outputs);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const order = await lines.next();
if (order.done !== true) {
  const { address, card } = JSON.parse(order.value) as { address: string; card: object };
  const known = fromJsonString(AgentCardSchema, JSON.stringify(card));
  const worker = new Worker(known, { grace: GRACE });
  for (const { id, tags } of known.skills) worker.skill(id, {}, (task) => perform(task, tags[0] === "report"));
  process.stdin.once("end", () => worker.stop());
  await worker.run(address);
}
process.exit();
