// A program against the types that openapi-typescript makes of the document: it appends, reads back in lines, pages and
// server-sent events, and is refused.
// Its argument is the URL of a node; QUIPU_TOKEN is a token that reads and appends.
import createClient from "openapi-fetch";
import type { components, paths } from "./build/openapi.js";

declare const process: { argv: string[]; env: Record<string, string | undefined> };

type Event = components["schemas"]["Event"];
type Entry = components["schemas"]["Entry"];
type Page = components["schemas"]["Page"];

function want(what: string, got: unknown, wanted: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(wanted)}`);
  }
}

const node = createClient<paths>({
  baseUrl: process.argv[2] ?? "",
  headers: { Authorization: `Bearer ${process.env["QUIPU_TOKEN"]}` },
});
const events: Event[] = [
  { kind: "order.paid", subject: "order-17", payload: { cents: 1250 } },
  { kind: "picture", contentType: "image/png", payloadBase64: "/w==" },
];

// A stream of lines is a text.
const appended = await node.POST("/v1/entries", {
  body: events.map((e) => JSON.stringify(e)).join("\n"),
  bodySerializer: (lines) => lines,
  headers: { "Content-Type": "application/x-ndjson" },
  parseAs: "text",
});
const places: string[] = (appended.data ?? "").trim().split("\n").map((line) => JSON.parse(line));
want("places", places.length, events.length);

for (const [i, event] of events.entries()) {
  const { data, error } = await node.GET("/v1/entries/{place}", { params: { path: { place: places[i] ?? "" } } });
  want("error", error?.code, undefined);
  want("payload", [data?.payload, data?.payloadBase64], [event.payload, event.payloadBase64]);
}

const read = await node.GET("/v1/entries", { params: { query: { kind: ["order.paid"], order: "causal" } }, parseAs: "text" });
const entries: Entry[] = (read.data ?? "").trim().split("\n").map((line) => JSON.parse(line));
want("kinds", entries.map((e) => e.kind), ["order.paid"]);

// One event is JSON both ways.
const one = await node.POST("/v1/entries", { body: { kind: "order.shipped", subject: "order-17" }, headers: { "Content-Type": "application/json" } });
want("status", one.response.status, 201);

// Pages come with the token of the next.
const kinds: string[] = [];
let page: string | undefined;
do {
  const query = { order: "arrival" as const, limit: 1, ...(page === undefined ? {} : { page }) };
  const { data } = await node.GET("/v1/entries", { params: { query }, headers: { Accept: "application/json" } });
  const told = data as Page; // one of the forms that the call has by Accept
  for (const e of told.entries) if ("kind" in e) kinds.push(e.kind);
  page = told.next;
} while (page !== undefined && kinds.length < 9);
want("paged kinds", kinds, ["order.paid", "picture", "order.shipped"]);

// follow yields server-sent events from behind the last that its reader has, as an EventSource does.
async function* follow(last: string): AsyncGenerator<{ id: string; entry: Entry }> {
  const { data } = await node.GET("/v1/tail", {
    params: { query: { offset: 0 }, header: last ? { "Last-Event-ID": last } : {} }, headers: { Accept: "text/event-stream" }, parseAs: "stream",
  });
  if (!data) throw new Error("no stream");
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of data) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const field = (name: string) => event.split("\n").find((line) => line.startsWith(name + ": "))?.slice(name.length + 2);
      const [id, text] = [field("id"), field("data")];
      if (id && text && !field("event")) yield { id, entry: JSON.parse(text) };
    }
  }
}
let last = "";
const followed: string[] = [];
while (followed.length < 3) {
  for await (const { id, entry } of follow(last)) {
    followed.push(entry.kind);
    last = id;
    break; // the connection is lost after each
  }
}
want("followed kinds", followed, kinds);

const nowhere = (places[0] ?? "").replace(/\/.*/, "/999");
const refused = await node.GET("/v1/entries/{place}", { params: { path: { place: nowhere } } });
want("refusal", [refused.response.status, refused.error?.code], [404, "not-found"]);

const unsaid = await node.POST("/v1/entries", { body: { knd: "x" } as unknown as Event, headers: { "Content-Type": "application/json" } });
want("refusal", [unsaid.response.status, unsaid.error?.code], [400, "invalid"]);
