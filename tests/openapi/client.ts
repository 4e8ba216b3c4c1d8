// Uses a client that openapi-typescript and openapi-fetch make from /openapi.json: submits, polls, reads the feed, and tells errors apart by their types.
// The compiler is half of the test: each @ts-expect-error below fails the build where a type is missing, and so is any.
// Usage: node artifacts/client.js URL KEY
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./artifacts/api.js";

type Result = components["schemas"]["Result"];

const [baseUrl, key] = process.argv.slice(2);
assert(baseUrl && key, "usage: node artifacts/client.js URL KEY");
const client = createClient<paths>({ baseUrl, headers: { "x-functions-key": key } });
const user = 1 + Math.floor(Math.random() * 2 ** 40);

async function submit(amount: number | string): Promise<string> {
  const { data, error, response } = await client.POST("/api/transactions", {
    params: { header: { "Idempotency-Key": `generated-${user}-${amount}` } },
    body: { user_id: user, category_id: 2310, amount },
  });
  assert(data, `${response.status}: ${error?.detail}`);
  assert.equal(response.status, 202);
  assert(data.status === "pending");

  // Only a pending answer has this member.
  assert.match(data.status_url, /\/api\/transactions\//);
  return data.id;
}

async function poll(id: string): Promise<Exclude<Result, { status: "pending" }>> {
  for (let tries = 0; tries < 6; tries++) {
    const { data, error } = await client.GET("/api/transactions/{id}", { params: { path: { id }, query: { wait: 10 } } });
    assert(data, error?.detail);
    if (data.status !== "pending") {
      return data;
    }
  }

  throw new Error(`${id} is still pending`);
}

async function readFeed(): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | undefined; ;) {
    const { data, error } = await client.GET("/api/results", { params: { query: after === undefined ? { limit: 2 } : { after, limit: 2 } } });
    assert(data, error?.detail);
    ids.push(...data.results.map(result => result.id));
    after = data.next;
    if (data.results.length === 0) {
      return ids;
    }
  }
}

const ids = [await submit(2500), await submit("6000.00"), await submit(-1.5)];
for (const id of ids) {
  const result = await poll(id);
  assert(result.status === "scored");

  // Without a baseline both are null, and the types say that they may be.
  const z: number | null = result.z_score;
  assert.equal(z, null);
  assert.equal(result.baseline, null);
  assert.equal(result.reason, "no_baseline");

  // @ts-expect-error A scored result has no such member.
  assert.equal(result.error, undefined);
}

const seen = await readFeed();
assert.deepEqual(seen.filter(id => ids.includes(id)).sort(), [...ids].sort());

const invalid = await client.POST("/api/transactions", { body: { user_id: user, category_id: 2310, amount: "1.00001" } });
assert(invalid.error && invalid.error.status === 400);
assert.deepEqual(invalid.error.errors, { amount: ["must have at most four decimals"] });

// @ts-expect-error Problems are typed, so that this member is known not to be there.
assert.equal(invalid.error.amount, undefined);

const unknown = await client.GET("/api/transactions/{id}", { params: { path: { id: "never-issued" } } });
assert(unknown.error && unknown.error.status === 404);
assert.equal(unknown.error.type, "urn:finance-ingest:problem:not-found");

// @ts-expect-error The description knows no such parameter, and the server refuses it.
const misspelt = await client.GET("/api/anomalies", { params: { query: { userid: user } } });
assert(misspelt.error && misspelt.error.status === 400);
assert.deepEqual(Object.keys(misspelt.error.errors ?? {}), ["userid"]);

const stranger = createClient<paths>({ baseUrl, headers: { "x-functions-key": "wrong" } });
const refused = await stranger.GET("/api/results");
assert(refused.error && refused.error.status === 401);
assert.equal(refused.error.type, "urn:finance-ingest:problem:key");

console.log(`submitted, polled and read ${ids.length} transactions out of ${seen.length} in the feed; 4 errors were told apart`);
