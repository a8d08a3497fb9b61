import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import { findClaims, findGateways, findKeyRecords } from "../../lib/dns/ipsec_records.ts";
import type { Question, Response } from "../../lib/dns/message.ts";
import { DEFAULT_RESOLVER, Resolver, type ResolverOptions } from "../../lib/dns/resolver.ts";
import { DnsFailure } from "../../lib/dns/transport.ts";
import type { DnsServer } from "../../lib/text/dns_server.ts";
import { formatIdentity, parseIdentity } from "../../lib/text/identity.ts";
import { parseAddress } from "../../lib/text/address.ts";
import { type Reply, response, type Rr, soa } from "./_zone.ts";

type Answerer = (question: Question, server: DnsServer) => Reply | Error | Promise<Reply | Error>;

const SERVERS: DnsServer[] = ["192.0.2.53", "192.0.2.54"].map((address) => ({ kind: "udp", address, port: 53 }));

class Bench {
  nowMs = 0;
  readonly asked: string[] = [];
  readonly resolver: Resolver;

  constructor(answer: Answerer, options: Partial<ResolverOptions> = {}) {
    this.resolver = new Resolver({ ...DEFAULT_RESOLVER, servers: SERVERS, trustAd: true, ...options }, {
      now: () => this.nowMs,
      exchange: async (server, question): Promise<Response> => {
        this.asked.push(`${question.name} ${question.type}${server === SERVERS[0] ? "" : " again"}`);
        const found = await answer(question, server);
        if (found instanceof Error) throw found;
        return response(question, found);
      },
    });
  }
}

const txt = (name: string, ...strings: string[]): Rr => ({ type: "TXT", name, ttl: 60, data: strings });

Deno.test("Resolver.lookup() asks once, keeps the answer as long as it holds, then asks again", async () => {
  const bench = new Bench(({ name }) => ({ answers: [txt(name, "x")], ad: true }));
  const both = await Promise.all([
    bench.resolver.lookup("a.example", "TXT"),
    bench.resolver.lookup("A.example.", "TXT"),
  ]);
  ok(both.every((one) => one.ok && one.authenticated));
  bench.nowMs = 59_000;
  await bench.resolver.lookup("a.example", "TXT");
  equal(bench.asked.length, 1);
  bench.nowMs = 60_001;
  await bench.resolver.lookup("a.example", "TXT");
  deepEqual(bench.asked, ["a.example. TXT", "a.example. TXT"]);
});

const MISSING: [name: string, reply: Reply, kind: string, why: string, ttl: number][] = [
  [
    "no such name",
    { rcode: 3, authorities: [soa("example", 600, 60)] },
    "name",
    "no host a.example. for TXT record",
    60,
  ],
  ["no such record", { authorities: [soa("example", 60, 600)] }, "data", "no TXT record for a.example.", 60],
  ["an answer without SOA", {}, "data", "no TXT record for a.example.", 300],
];
for (const [name, reply, kind, why, ttl] of MISSING) {
  Deno.test(`Resolver.lookup() keeps ${name} for ${ttl} s`, async () => {
    const bench = new Bench(() => reply);
    const answer = await bench.resolver.lookup("a.example", "TXT");
    deepEqual([answer.ok, !answer.ok && answer.kind, !answer.ok && answer.why], [false, kind, why]);
    bench.nowMs = ttl * 1000 - 1;
    await bench.resolver.lookup("a.example", "TXT");
    equal(bench.asked.length, 1);
    bench.nowMs = ttl * 1000;
    await bench.resolver.lookup("a.example", "TXT");
    equal(bench.asked.length, 2);
  });
}

Deno.test("Resolver.lookup() goes from a silent server to the next, and says why where none answers", async () => {
  const second = new Bench(({ name }, server) =>
    server === SERVERS[0] ? new DnsFailure("timed out") : { answers: [txt(name, "x")] }
  );
  ok((await second.resolver.lookup("a.example", "TXT")).ok);
  deepEqual(second.asked, ["a.example. TXT", "a.example. TXT again"]);
  const none = new Bench(() => new DnsFailure("timed out"));
  const answer = await none.resolver.lookup("a.example", "TXT");
  deepEqual(
    !answer.ok && answer.why,
    "failure querying DNS for TXT of a.example.: no usable answer from 192.0.2.53 (timed out), 192.0.2.54 (timed out)",
  );
  equal(none.asked.length, 4);
  const refusing = new Bench((_, server) => server === SERVERS[0] ? { rcode: 5 } : new DnsFailure("timed out"));
  const refused = await refusing.resolver.lookup("a.example", "TXT");
  deepEqual(
    !refused.ok && refused.why,
    "failure querying DNS for TXT of a.example.: no usable answer from 192.0.2.53 (query refused), 192.0.2.54 (timed out)",
  );
});

Deno.test("Resolver.lookup() asks for the rest of an alias itself, and believes DNSSEC only where all is proved", async () => {
  const bench = new Bench(({ name, type }) =>
    name === "a.example."
      ? { answers: [{ type: "CNAME", name, ttl: 60, data: "b.example" }], ad: true }
      : { answers: [type === "TXT" ? txt(name, "x") : txt(name)], ad: false }
  );
  const answer = await bench.resolver.lookup("a.example", "TXT");
  deepEqual([answer.ok, answer.authenticated], [true, false]);
  deepEqual(bench.asked, ["a.example. TXT", "b.example TXT"]);
  const circle = new Bench(({ name }) => ({
    answers: [{ type: "CNAME", name, ttl: 1, data: `x${name}`.slice(0, 60) }],
  }));
  ok(!(await circle.resolver.lookup("a.example", "TXT")).ok);
  ok(circle.asked.length <= 9, `${circle.asked.length} questions`);
});

Deno.test("Resolver.lookup() does not believe AD from a server that is not trusted", async () => {
  const bench = new Bench(({ name }) => ({ answers: [txt(name, "x")], ad: true }), { trustAd: false });
  equal((await bench.resolver.lookup("a.example", "TXT")).authenticated, false);
});

Deno.test("Resolver.lookup() asks a limited number of questions at once, and all in the end", async () => {
  let atOnce = 0, most = 0;
  const bench = new Bench(async ({ name }) => {
    most = Math.max(most, ++atOnce);
    await new Promise((resolve) => setTimeout(resolve, 1));
    atOnce--;
    return { answers: [txt(name, "x")] };
  }, { mostAtOnce: 8 });
  const names = Array.from({ length: 100 }, (_, i) => `n${i}.example`);
  const answers = await Promise.all(names.map((name) => bench.resolver.lookup(name, "TXT")));
  ok(answers.every((one) => one.ok));
  equal(most, 8);
});

Deno.test("Resolver.lookup() fails at once where too many questions wait", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const bench = new Bench(async ({ name }) => {
    await promise;
    return { answers: [txt(name, "x")] };
  }, { mostAtOnce: 2, mostWaiting: 3 });
  const answers = Array.from({ length: 8 }, (_, i) => bench.resolver.lookup(`n${i}.example`, "TXT"));
  const late = await answers[7];
  equal(
    !late.ok && late.why,
    "failure querying DNS for TXT of n7.example.: 3 questions wait already",
  );
  resolve();
  equal((await Promise.all(answers)).filter((one) => one.ok).length, 5);
});

Deno.test("Resolver.lookup() does not keep what is far too long", async () => {
  const bench = new Bench(({ name }) => ({ answers: Array.from({ length: 40 }, () => txt(name, "x".repeat(250))) }));
  for (let i = 0; i < 2; i++) ok((await bench.resolver.lookup("a.example", "TXT")).ok);
  equal(bench.asked.length, 2);
});

Deno.test("Resolver.lookup() refuses what is no name without asking anybody", async () => {
  const bench = new Bench(() => ({}));
  const answer = await bench.resolver.lookup("a..b", "TXT");
  ok(!answer.ok && answer.kind === "failure");
  equal(bench.asked.length, 0);
});

const MODULUS = new Uint8Array(64).fill(0xc1);
const KEY = Uint8Array.from([1, 3, ...MODULUS]);

function identity(text: string) {
  const id = parseIdentity(text);
  if (!id.ok) throw new Error(id.error);
  return id.value;
}

function address(text: string) {
  const parsed = parseAddress(text, 0);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

Deno.test("findGateways() takes TXT and IPSECKEY by precedence, and passes over gateways that are names", async () => {
  const bench = new Bench(({ name, type }) => ({
    answers: type === "TXT"
      ? [txt(name, `X-IPsec-Server(20)=192.0.2.1 ${KEY.toBase64()}`), txt(name, "X-IPsec-Server(1)=@gw.example")]
      : [{ type: "IPSECKEY", name, ttl: 60, data: Uint8Array.from([10, 0, 2, ...KEY]) }],
  }));
  const found = await findGateways(address("198.51.100.7"), bench.resolver);
  ok(found.ok);
  deepEqual(found.found.map((one) => formatIdentity(one.gateway)), ["198.51.100.7", "192.0.2.1"]);
});

Deno.test("findClaims() takes the records that name the gateway", async () => {
  const bench = new Bench(({ name, type }) =>
    type === "TXT"
      ? { answers: [txt(name, "X-IPsec-Server(10)=@gw.example."), txt(name, `X-IPsec-Server(10)=192.0.2.9`)] }
      : { rcode: 3 }
  );
  const client = identity("198.51.100.7");
  const found = await findClaims(client, identity("@GW.example"), bench.resolver);
  ok(found.ok && found.found.length === 1);
  const other = await findClaims(client, identity("@other.example"), bench.resolver);
  deepEqual(
    !other.ok && other.why,
    "failure processing TXT record of DNS answer for 7.100.51.198.in-addr.arpa.: no suitable TXT record found in DNS",
  );
  const none = await findClaims(identity("user@example.com"), client, bench.resolver);
  deepEqual(!none.ok && none.why, "can only query DNS for key for ID that is a FQDN, IPV4_ADDR, or IPV6_ADDR");
});

Deno.test("findGateways() says what is wrong with a malformed record, and what is missing", async () => {
  const broken = new Bench(({ name, type }) =>
    type === "TXT" ? { answers: [txt(name, "X-IPsec-Server(10)=nobody")] } : { rcode: 3 }
  );
  const found = await findGateways(address("192.0.2.7"), broken.resolver);
  ok(!found.ok && !found.isMissing);
  ok(
    found.why.startsWith(
      "failure processing TXT record of DNS answer for 7.2.0.192.in-addr.arpa.: malformed IP address",
    ),
  );
  const missing = await findGateways(address("192.0.2.7"), new Bench(() => ({ rcode: 3 })).resolver);
  deepEqual(!missing.ok && missing.why, "no host 7.2.0.192.in-addr.arpa. for TXT record");
});

Deno.test("findKeyRecords() reads the keys of old peers", async () => {
  const bench = new Bench(({ name }) => ({
    answers: [{ type: "KEY", name, ttl: 60, data: Uint8Array.from([0x42, 0, 4, 1, ...KEY]) }],
  }));
  const found = await findKeyRecords(identity("@east.example.com"), bench.resolver);
  ok(found.ok);
  deepEqual(found.found[0].modulus, MODULUS);
  deepEqual(bench.asked, ["east.example.com. KEY"]);
});
