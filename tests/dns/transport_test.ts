/** The three ways to a server, against servers of the test's own, some of which lie. */
import { deepStrictEqual as deepEqual, equal, ok, rejects } from "node:assert/strict";
import dgram from "node:dgram";
import { decode } from "@leichtgewicht/dns-packet";
import type { Question } from "../../lib/dns/message.ts";
import { exchange } from "../../lib/dns/transport.ts";
import type { DnsServer } from "../../lib/text/dns_server.ts";
import { type Reply, reply, type Rr } from "./_zone.ts";

const QUESTION: Question = { name: "a.example.", type: "TXT" };
const TIMEOUT_MS = 10_000;
const txt = (...strings: string[]): Rr => ({ type: "TXT", name: QUESTION.name, ttl: 60, data: strings });

interface Asked {
  readonly id: number;
  readonly hasEdns: boolean;
  readonly send: (bytes: Uint8Array, from?: dgram.Socket) => void;
}

/** A server on UDP port `port`, 0 for any free one. */
async function udpServer(serve: (asked: Asked) => void, port = 0): Promise<{ port: number } & Disposable> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (bytes: Uint8Array, from: { address: string; port: number }) => {
    const { id, additionals } = decode(bytes);
    serve({
      id: id!,
      hasEdns: (additionals?.length ?? 0) > 0,
      send: (answer, by = socket) => by.send(answer, from.port, from.address),
    });
  });
  await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", () => resolve()));
  return { port: socket.address().port, [Symbol.dispose]: () => void socket.close() };
}

const local = (port: number): DnsServer => ({ kind: "udp", address: "127.0.0.1", port });
const strings = (records: readonly { data: unknown }[]) =>
  records.map(({ data }) => (data as Uint8Array[]).map((one) => new TextDecoder().decode(one)));

Deno.test("exchange() takes the answer over UDP", async () => {
  using server = await udpServer(({ id, send }) =>
    send(reply(id, QUESTION, { answers: [txt("one", "two")], ad: true }))
  );
  const { records, authenticated } = await exchange(local(server.port), QUESTION, TIMEOUT_MS);
  deepEqual([strings(records), authenticated], [[["one", "two"]], true]);
});

Deno.test("exchange() waits for the true answer behind forged ones", async () => {
  const other = dgram.createSocket("udp4");
  using server = await udpServer(({ id, send }) => {
    const forged = { answers: [txt("forged")] };
    send(reply(id ^ 1, QUESTION, forged));
    send(reply(id, { ...QUESTION, name: "b.example." }, forged));
    send(new Uint8Array(3));
    send(reply(id, QUESTION, forged), other); // from another port
    setTimeout(() => send(reply(id, QUESTION, { answers: [txt("true")] })), 20);
  });
  deepEqual(strings((await exchange(local(server.port), QUESTION, TIMEOUT_MS)).records), [["true"]]);
  other.close();
});

Deno.test("exchange() asks by a number that the last one does not tell", async () => {
  const seen: number[] = [];
  using server = await udpServer(({ id, send }) => {
    seen.push(id);
    send(reply(id, QUESTION, {}));
  });
  for (let i = 0; i < 16; i++) await exchange(local(server.port), QUESTION, TIMEOUT_MS);
  const steps = new Set(seen.slice(1).map((id, i) => (id - seen[i]) & 0xffff));
  ok(steps.size > 8, `numbers of questions: ${seen}`);
});

Deno.test("exchange() asks once more without EDNS where a server does not know it", async () => {
  const edns: boolean[] = [];
  using server = await udpServer(({ id, hasEdns, send }) => {
    edns.push(hasEdns);
    send(reply(id, QUESTION, hasEdns ? { rcode: 1 } : { answers: [txt("x")] }));
  });
  equal((await exchange(local(server.port), QUESTION, TIMEOUT_MS)).records.length, 1);
  deepEqual(edns, [true, false]);
});

async function withTcp(serve: (id: number) => Uint8Array, use: (server: DnsServer) => Promise<void>): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  using _udp = await udpServer(({ id, send }) => send(reply(id, QUESTION, { tc: true })), port);
  const served = (async () => {
    using connection = await listener.accept();
    const asked = new Uint8Array(512);
    const length = await connection.read(asked) ?? 0;
    const answer = serve(decode(asked.subarray(2, length)).id!);
    // in two pieces, as a network may bring it
    await connection.write(answer.subarray(0, 5));
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (answer.length > 5) await connection.write(answer.subarray(5));
  })();
  await use(local(port));
  await served;
}

const framed = (bytes: Uint8Array) => Uint8Array.from([bytes.length >> 8, bytes.length & 255, ...bytes]);

Deno.test("exchange() goes to TCP with what does not fit into a datagram", async () => {
  const long = Array.from({ length: 20 }, () => "x".repeat(250));
  const answer: Reply = { answers: [txt(...long)] };
  await withTcp((id) => framed(reply(id, QUESTION, answer)), async (server) => {
    deepEqual(strings((await exchange(server, QUESTION, TIMEOUT_MS)).records), [long]);
  });
});

Deno.test("exchange() says that a TCP server broke off", async () => {
  await withTcp((id) => framed(reply(id, QUESTION, {})).slice(0, 9), async (server) => {
    await rejects(
      exchange(server, QUESTION, TIMEOUT_MS),
      /DnsFailure: connection closed before the answer was complete/,
    );
  });
});

Deno.test("exchange() says that nobody answers, and what was wrong with what came", async () => {
  using silent = await udpServer(() => {});
  await rejects(exchange(local(silent.port), QUESTION, 30), /DnsFailure: timed out/);
  using wrong = await udpServer(({ id, send }) => send(reply(id, { ...QUESTION, type: "KEY" }, {})));
  await rejects(exchange(local(wrong.port), QUESTION, 100), /DnsFailure: unexpected QTYPE in Question Section/);
});

async function withHttp(
  handle: (request: Request) => Response | Promise<Response>,
  use: (server: DnsServer) => Promise<void>,
) {
  const { promise: port, resolve } = Promise.withResolvers<number>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: (at) => resolve(at.port) }, handle);
  try {
    await use({ kind: "https", url: `http://127.0.0.1:${await port}/dns-query` });
  } finally {
    await server.shutdown();
  }
}

const DNS_MESSAGE = { headers: { "content-type": "application/dns-message" } };

Deno.test("exchange() asks over HTTPS as RFC 8484 says", async () => {
  await withHttp(async (request) => {
    equal(request.method, "POST");
    equal(request.headers.get("content-type"), "application/dns-message");
    const { id } = decode(new Uint8Array(await request.arrayBuffer()));
    equal(id, 0);
    return new Response(Uint8Array.from(reply(0, QUESTION, { answers: [txt("x")], ad: true })), DNS_MESSAGE);
  }, async (server) => equal((await exchange(server, QUESTION, TIMEOUT_MS)).authenticated, true));
});

const BAD_HTTP: [name: string, handle: () => Response, why: RegExp][] = [
  ["an error", () => new Response("no", { status: 404 }), /DnsFailure: the server answers 404/],
  ["a page", () => new Response("<html>", { headers: { "content-type": "text/html" } }), /answers 200 text\/html/],
  ["nonsense", () => new Response("nonsense", DNS_MESSAGE), /DnsFailure: /],
  ["too much", () => new Response(new Uint8Array(70_000), DNS_MESSAGE), /DnsFailure: answer is too long/],
];
for (const [name, handle, why] of BAD_HTTP) {
  Deno.test(`exchange() refuses ${name} over HTTPS`, async () => {
    await withHttp(handle, (server) => rejects(exchange(server, QUESTION, TIMEOUT_MS), why));
  });
}
