import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { agentSignature } from "../src/index.js";
import { Signer } from "../src/signing.js";

interface Vector {
  secret: string;
  method: string;
  tenant: string;
  agent: string;
  key: string;
  time: number;
  nonce: string;
  body_base64: string;
  signature: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../../tests/conformance/signing.json", import.meta.url), "utf8"),
) as Vector[];

test("signatures are those of every other client", () => {
  assert.ok(vectors.length > 1);
  for (const { secret, signature, body_base64, ...call } of vectors) {
    assert.equal(agentSignature(secret, { ...call, body: Buffer.from(body_base64, "base64") }), signature);
  }
});

test("no two headers are the same, and the secret is in none", () => {
  const signer = new Signer("k1:s3cret", "writer", "default", () => 1_800_000_000.9);
  const [one, two] = [signer.header("/s/M", new Uint8Array()), signer.header("/s/M", new Uint8Array())];
  assert.notEqual(one, two);
  assert.match(
    one,
    /^Genesis-HMAC-SHA256 tenant=default,agent=writer,key=k1,time=1800000000,nonce=\S+,signature=[0-9a-f]{64}$/,
  );
  assert.ok(!one.includes("s3cret"));
});

test("a key without a secret, or an agent that fits no header, is refused", () => {
  assert.throws(() => new Signer("k1", "writer", "default"), TypeError);
  assert.throws(() => new Signer("k1:s", "a b", "default"), TypeError);
  assert.throws(() => new Signer("k1:s", "a", "x,y"), TypeError);
});
