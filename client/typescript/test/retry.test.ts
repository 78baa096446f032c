import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { DEFAULT_RETRY, GenesisError } from "../src/index.js";
import { Throttle, waitAfter } from "../src/retry.js";

const error = (code: Code): GenesisError => GenesisError.from(new ConnectError("away", code));

test("only what found no server is tried again, with growing waits, five times", () => {
  const waits = [1, 2, 3, 4, 5].map((made) => waitAfter(error(Code.Unavailable), made, DEFAULT_RETRY, null, () => 0.5));
  assert.deepEqual(
    waits.map((wait) => wait && Math.round(wait * 1000) / 1000),
    [0.1, 0.3, 0.9, 2, undefined],
  );
  for (const code of [Code.Internal, Code.NotFound, Code.DeadlineExceeded, Code.Canceled]) {
    assert.equal(waitAfter(error(code), 1, DEFAULT_RETRY, null), undefined);
  }
});

test("the server's push-back replaces the wait, and below zero forbids another try", () => {
  assert.equal(waitAfter(error(Code.Unavailable), 1, DEFAULT_RETRY, "1200"), 1.2);
  assert.equal(waitAfter(error(Code.Unavailable), 1, DEFAULT_RETRY, "-1"), undefined);
  assert.equal(waitAfter(error(Code.Unavailable), 1, DEFAULT_RETRY, "soon"), undefined);
});

test("a client whose calls fail stops trying again, and begins anew when they succeed", () => {
  const throttle = new Throttle();
  for (let n = 0; n < 5; n++) throttle.failed();
  assert.equal(throttle.open, false);
  for (let n = 0; n < 11; n++) throttle.succeeded();
  assert.equal(throttle.open, true);
});
