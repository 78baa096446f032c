import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Client } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { clientOf } from "./client.js";
import { FlagAdminService } from "./gen/genesis/admin/v1/flag_admin_service_pb.js";
import { PolicyService } from "./gen/genesis/admin/v1/policy_service_pb.js";
import { AgentService } from "./gen/genesis/v1/agent_service_pb.js";
import { OrchestratorService } from "./gen/genesis/v1/orchestrator_service_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "./gen/grpc/health/v1/health_pb.js";
import { DEFAULT_RETRY, type Retry } from "./retry.js";
import { Signer } from "./signing.js";
import { Sessions } from "./sessions.js";
import { GenesisTransport } from "./transport.js";

export const VERSION = "0.1.0";

const LONGEST_MESSAGE = 64 * 1024 * 1024;

/** How to talk to a server. */
export interface ConnectOptions {
  /** Whether to use TLS; when left out, it is used when a certificate is given. */
  tls?: boolean;
  /** Whom to trust: PEM, or `{ file }`. When left out, the roots of Node.js. */
  rootCertificates?: Pem;
  /** Certificate chain of this client, for mutual TLS. */
  clientCertificate?: Pem;
  /** Private key of the client's certificate. */
  clientKey?: Pem;
  /** Name to check the server's certificate against, when it differs from the address. */
  serverName?: string;
  /** A bearer token, or a function that gives a fresh one for each call. In plain text it is sent to this machine only. */
  token?: string | (() => string | Promise<string>);
  /** Send the token in plain text to another machine all the same. */
  insecureToken?: boolean;
  /** An agent's key, `key-id:secret`: every call is signed with it, instead of a token. */
  agentKey?: string;
  /** With `agentKey`: id of the agent the key belongs to. */
  agent?: string;
  /** With `agentKey`: the agent's tenant; "default" when left out. */
  tenant?: string;
  /** Deadline of calls with one answer, in seconds over all tries; 30 when left out. Streams have none but their own. */
  timeoutSeconds?: number;
  /** When to repeat a call that found no server; null: never. */
  retry?: Retry | null;
  /** Headers of every call. */
  headers?: Readonly<Record<string, string>>;
}

/** PEM text, or the file that holds it. */
export type Pem = string | Uint8Array | { readonly file: string };

/** A connected client: the contract's services, each with its methods. Made by `connect`. */
export interface GenesisClient {
  readonly orchestrator: Client<typeof OrchestratorService>;
  readonly agents: Client<typeof AgentService>;
  readonly policy: Client<typeof PolicyService>;
  readonly flags: Client<typeof FlagAdminService>;
  /** What grpc.health.v1 says of a service, "" for the whole server: "SERVING", "NOT_SERVING" … */
  health(service?: string, timeoutSeconds?: number): Promise<string>;
  /** Ends the connection; calls under way are cancelled. */
  close(): void;
}

/**
 * A client for the server at `target`, `host:port`, also `[::1]:50051` and `dns:///host:port`. Nothing is sent before the first call.
 *
 * Throws a TypeError when the target is none, the options contradict each other, or the token would travel in plain text to another
 * machine; and Node.js' own error when a certificate or key cannot be read.
 */
export function connect(target: string, options: ConnectOptions = {}): GenesisClient {
  const { rootCertificates, clientCertificate, clientKey, serverName } = options;
  const secure = options.tls ?? [rootCertificates, clientCertificate, serverName].some((one) => one !== undefined);
  check(target, options, secure);
  const security = secure && {
    secureContext: createSecureContext({
      minVersion: "TLSv1.2",
      ...(rootCertificates === undefined ? {} : { ca: pem(rootCertificates) }),
      ...(clientCertificate === undefined ? {} : { cert: pem(clientCertificate) }),
      ...(clientKey === undefined ? {} : { key: pem(clientKey) }),
    }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const sessions = new Sessions(
    addressOf(target, secure),
    { pingIntervalMs: 60_000, pingTimeoutMs: 20_000 },
    security || {},
  );
  const { token, agentKey } = options;
  const transport = new GenesisTransport(
    createGrpcTransport({
      baseUrl: sessions.authority,
      sessionManager: sessions,
      readMaxBytes: LONGEST_MESSAGE,
      writeMaxBytes: LONGEST_MESSAGE,
    }),
    {
      timeoutSeconds: options.timeoutSeconds ?? 30,
      retry: options.retry === null ? undefined : (options.retry ?? DEFAULT_RETRY),
      signer:
        agentKey === undefined ? undefined : new Signer(agentKey, options.agent ?? "", options.tenant ?? "default"),
      token: typeof token === "string" ? () => token : token,
      headers: { "user-agent": `genesis-typescript/${VERSION}`, ...options.headers },
    },
  );
  const probes = clientOf(Health, transport);
  return {
    orchestrator: clientOf(OrchestratorService, transport),
    agents: clientOf(AgentService, transport),
    policy: clientOf(PolicyService, transport),
    flags: clientOf(FlagAdminService, transport),
    async health(service = "", timeoutSeconds = 5) {
      const { status } = await probes.check({ service }, { timeoutMs: timeoutSeconds * 1000 });
      return Serving[status] ?? "UNKNOWN";
    },
    close() {
      transport.close();
      sessions.abort();
    },
  };
}

function check(target: string, options: ConnectOptions, secure: boolean): void {
  if (target.trim() === "") throw new TypeError("the target is empty: name a server, for example 127.0.0.1:50051");
  if ((options.clientCertificate === undefined) !== (options.clientKey === undefined)) {
    throw new TypeError("a client certificate needs its key: give both or neither");
  }
  if (
    options.tls === false &&
    (options.rootCertificates ?? options.clientCertificate ?? options.serverName) !== undefined
  ) {
    throw new TypeError("certificates and serverName need TLS: leave tls out, or set it to true");
  }
  if ((options.agentKey === undefined) !== (options.agent === undefined)) {
    throw new TypeError("agentKey needs the agent it belongs to: give both or neither");
  }
  if (options.agentKey !== undefined && options.token !== undefined) {
    throw new TypeError("a call has a token or is signed with an agentKey: give one of the two");
  }
  if (options.token !== undefined && !secure && options.insecureToken !== true && !isLoopback(target)) {
    throw new TypeError(
      `the token would travel to ${target} in plain text: use TLS, or set insecureToken in a private network`,
    );
  }
}

/** The address of a target as a URL. */
function addressOf(target: string, secure: boolean): string {
  const address = `${secure ? "https" : "http"}://${hostAndPort(target)}`;
  if (!URL.canParse(address) || !/^([^/?#@:[\]]+|\[[^/?#@[\]]+\])(:\d+)?$/.test(hostAndPort(target))) {
    throw new TypeError(`${target} is no target: give host:port, for example 127.0.0.1:50051`);
  }
  return address;
}

/** Whether a target is on this machine. */
function isLoopback(target: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(hostAndPort(target));
}

function hostAndPort(target: string): string {
  return target.trim().replace(/^dns:(\/\/\/)?(?=.)/, "");
}

function pem(given: Pem): Buffer {
  const found = typeof given === "object" && "file" in given ? readFileSync(given.file) : Buffer.from(given);
  if (!found.includes("-----BEGIN ")) throw new TypeError("there is no certificate or key: give PEM, or { file }");
  return found;
}
