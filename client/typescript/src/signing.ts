import { createHash, createHmac, randomBytes } from "node:crypto";

/** What is signed of a call. */
export interface SignedCall {
  /** Full name of the method, for example `/genesis.v1.AgentService/Register`. */
  readonly method: string;
  readonly tenant: string;
  /** The agent's id. */
  readonly agent: string;
  /** Id of the key. */
  readonly key: string;
  /** Seconds since 1970 (UTC); the server takes those within a minute of its own. */
  readonly time: number;
  /** At least 16 random bytes in URL-safe base64, good for one request. */
  readonly nonce: string;
  /** The request's bytes on the wire; none for a stream of requests. */
  readonly body: Uint8Array;
}

/** The signature of one request, in lower-case hexadecimal: HMAC-SHA256 over a text of eight lines. */
export function agentSignature(secret: string, call: SignedCall): string {
  const digest = createHash("sha256").update(call.body).digest("hex");
  const { method, tenant, agent, key, time, nonce } = call;
  const text = ["genesis-hmac-sha256", method, tenant, agent, key, String(time), nonce, digest].join("\n");
  return createHmac("sha256", Buffer.from(secret, "utf8")).update(text, "utf8").digest("hex");
}

/** Signs the calls of one agent with one key. */
export class Signer {
  readonly #secret: string;
  readonly #key: string;

  /** Throws a TypeError when a part would not fit into a header. */
  constructor(
    agentKey: string,
    private readonly agent: string,
    private readonly tenant: string,
    private readonly now: () => number = () => Date.now() / 1000,
  ) {
    const colon = agentKey.indexOf(":");
    this.#key = agentKey.slice(0, Math.max(colon, 0));
    this.#secret = agentKey.slice(colon + 1);
    if (this.#secret === "") throw new TypeError("give agentKey as key-id:secret");
    for (const part of [this.#key, agent, tenant]) {
      if (!/^[!#-+\--<>-~]+$/.test(part)) {
        throw new TypeError("agent, tenant and key id are words without blanks, commas, quotes and equals signs");
      }
    }
  }

  /** The `authorization` header of one call; every try needs one of its own. */
  header(method: string, body: Uint8Array): string {
    const { agent, tenant } = this;
    const call = { method, tenant, agent, key: this.#key, time: Math.floor(this.now()), body };
    const nonce = randomBytes(18).toString("base64url");
    const signature = agentSignature(this.#secret, { ...call, nonce });
    return `Genesis-HMAC-SHA256 tenant=${tenant},agent=${agent},key=${call.key},time=${call.time},nonce=${nonce},signature=${signature}`;
  }
}
