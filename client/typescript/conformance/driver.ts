// Does what a file of scenarios says, and tells what came of it, one line of JSON each (docs/clients.md has the form).
import { readFileSync } from "node:fs";
import {
  createRegistry,
  fromJson,
  toJson,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { file_genesis_admin_v1_flag_admin_service } from "../src/gen/genesis/admin/v1/flag_admin_service_pb.js";
import { file_genesis_admin_v1_policy_service } from "../src/gen/genesis/admin/v1/policy_service_pb.js";
import { file_genesis_v1_agent_service } from "../src/gen/genesis/v1/agent_service_pb.js";
import { file_genesis_v1_orchestrator_service } from "../src/gen/genesis/v1/orchestrator_service_pb.js";
import { connect, GenesisError, type GenesisClient } from "../src/index.js";

const REGISTRY = createRegistry(
  file_genesis_v1_orchestrator_service,
  file_genesis_v1_agent_service,
  file_genesis_admin_v1_policy_service,
  file_genesis_admin_v1_flag_admin_service,
);

interface Step {
  call?: string;
  health?: string;
  request?: JsonValue;
  exchange?: { send?: JsonValue; receive?: true; close?: true }[];
  metadata?: Record<string, string>;
  timeout_seconds?: number;
  cancel_after_seconds?: number;
  stop_after_messages?: number;
  save?: Record<string, string>;
}

interface Scenario {
  name: string;
  connect: {
    target: string;
    ca_file: string | null;
    token: string | null;
    agent_key: string | null;
    agent: string | null;
    timeout_seconds: number | null;
  };
  steps: Step[];
}

interface Result {
  answer?: JsonValue;
  messages?: JsonValue[];
}

type Calls = Record<string, (input: unknown, options: object) => unknown>;

function at(found: JsonValue | undefined, path: string): JsonValue | undefined {
  return path.split(".").reduce<JsonValue | undefined>((here, key) => (here as JsonObject | undefined)?.[key], found);
}

class Driver {
  readonly #client: GenesisClient;
  readonly #saved = new Map<string, JsonValue | undefined>();

  constructor(private readonly scenario: Scenario) {
    const { target, ca_file, token, agent_key, agent, timeout_seconds } = scenario.connect;
    this.#client = connect(target, {
      ...(ca_file === null ? {} : { rootCertificates: { file: ca_file } }),
      ...(token === null ? {} : { token }),
      ...(agent_key === null || agent === null ? {} : { agentKey: agent_key, agent }),
      ...(timeout_seconds === null ? {} : { timeoutSeconds: timeout_seconds }),
    });
  }

  async run(): Promise<object[]> {
    const told: object[] = [];
    try {
      for (const step of this.scenario.steps) told.push(await this.#timed(step));
    } finally {
      this.#client.close();
    }
    return told;
  }

  async #timed({ save = {}, ...step }: Step): Promise<object> {
    const start = performance.now();
    let told: Result & { status: string };
    try {
      told = { status: "OK", ...(await this.#step(this.#filled(step))) };
    } catch (error) {
      if (!(error instanceof GenesisError)) throw error;
      const { status, message, reason, metadata, violations, retryAfterSeconds } = error;
      told = {
        status,
        message,
        error: { reason, metadata, violations, retry_after_seconds: retryAfterSeconds ?? null },
      } as Result & {
        status: string;
      };
    }
    for (const [name, path] of Object.entries(save)) {
      this.#saved.set(name, at(path.startsWith("messages.") ? (told as unknown as JsonValue) : told.answer, path));
    }
    return { ...told, seconds: (performance.now() - start) / 1000 };
  }

  #filled<T>(given: T): T {
    if (typeof given === "string") {
      return given.replace(/\$\{(\w+)\}/g, (_, name: string) => String(this.#saved.get(name))) as T;
    }
    if (Array.isArray(given)) return given.map((one) => this.#filled(one)) as T;
    if (typeof given !== "object" || given === null) return given;
    return Object.fromEntries(Object.entries(given).map(([key, one]) => [key, this.#filled(one)])) as T;
  }

  async #step(step: Step): Promise<Result> {
    if (step.health !== undefined) return { answer: { status: await this.#client.health(step.health) } };
    const { method, calls } = this.#method(step.call ?? "");
    const stop = new AbortController();
    const options = {
      headers: step.metadata ?? {},
      signal: stop.signal,
      ...(step.timeout_seconds === undefined ? {} : { timeoutMs: step.timeout_seconds * 1000 }),
    };
    const call = (input: unknown): unknown => calls[method.localName]?.(input, options);
    const shown = (message: Message): JsonValue => toJson(method.output, message, { registry: REGISTRY });
    if (step.exchange !== undefined) return { messages: await exchanged(step.exchange, method, call, shown, stop) };
    const request = fromJson(method.input, step.request ?? {}, { registry: REGISTRY });
    if (method.methodKind === "server_streaming") {
      const messages: JsonValue[] = [];
      for await (const message of call(request) as AsyncIterable<Message>) {
        messages.push(shown(message));
        if (messages.length === step.stop_after_messages) break;
      }
      stop.abort();
      return { messages };
    }
    if (step.cancel_after_seconds !== undefined) setTimeout(() => stop.abort(), step.cancel_after_seconds * 1000);
    return { answer: shown((await call(request)) as Message) };
  }

  #method(name: string): { method: DescMethod; calls: Calls } {
    const [serviceName = "", methodName] = name.split("/");
    const method = REGISTRY.getService(serviceName)?.methods.find((one) => one.name === methodName);
    if (method === undefined) throw new Error(`no method ${name}`);
    const { orchestrator, agents, policy, flags } = this.#client;
    const by = {
      OrchestratorService: orchestrator,
      AgentService: agents,
      PolicyService: policy,
      FlagAdminService: flags,
    };
    return { method, calls: by[serviceName.split(".").pop() as keyof typeof by] as unknown as Calls };
  }
}

async function exchanged(
  moves: NonNullable<Step["exchange"]>,
  method: DescMethod,
  call: (input: unknown) => unknown,
  shown: (message: Message) => JsonValue,
  stop: AbortController,
): Promise<JsonValue[]> {
  const waiting: (Message | undefined)[] = [];
  let wake: () => void = () => undefined;
  const say = (message: Message | undefined): void => {
    waiting.push(message);
    wake();
  };
  async function* said(): AsyncIterable<Message> {
    for (;;) {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const message = waiting.shift();
      if (message === undefined) return;
      yield message;
    }
  }
  const heard: JsonValue[] = [];
  const answers = (call(said()) as AsyncIterable<Message>)[Symbol.asyncIterator]();
  let closed = false;
  for (const move of moves) {
    if (move.send !== undefined) {
      say(fromJson(method.input, move.send, { registry: REGISTRY }));
    } else if (move.receive === true) {
      const next = await answers.next();
      if (next.done === true) throw new Error("the stream ended");
      heard.push(shown(next.value));
    } else {
      say(undefined);
      closed = true;
      for (let next = await answers.next(); next.done !== true; next = await answers.next())
        heard.push(shown(next.value));
    }
  }
  if (!closed) stop.abort();
  say(undefined);
  return heard;
}

const { scenarios } = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as { scenarios: Scenario[] };
for (const scenario of scenarios) {
  let steps: object[] = [];
  let fault: string | null = null;
  try {
    steps = await new Driver(scenario).run();
  } catch (error) {
    fault = String(error);
  }
  console.log(JSON.stringify({ scenario: scenario.name, steps, fault }));
}
