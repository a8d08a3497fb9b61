import { deepStrictEqual as deepEqual, equal, notEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { decode } from "@leichtgewicht/dns-packet";
import { decodeResponse, encodeQuestion, type Question, refuseName } from "../../lib/dns/message.ts";
import { parseResolvConf } from "../../lib/dns/resolv_conf.ts";
import { reverseName } from "../../lib/dns/reverse_name.ts";
import { parseAddress } from "../../lib/text/address.ts";
import { type Reply, reply, response, type Rr, soa } from "./_zone.ts";

const QUESTION: Question = { name: "1.2.0.192.in-addr.arpa.", type: "TXT" };
const txt = (name: string, data: string, ttl = 60): Rr => ({ type: "TXT", name, ttl, data: [data] });
const cname = (name: string, data: string, ttl = 60): Rr => ({ type: "CNAME", name, ttl, data });

Deno.test("encodeQuestion() asks for recursion and for the state of DNSSEC, with room for 1232 bytes", () => {
  const bytes = encodeQuestion(0x1234, QUESTION, true);
  equal(bytes.toHex().slice(0, 24), "123401200001000000000001");
  // the OPT record (RFC 6891 §6.1.2): root, 41, size, and nothing more
  ok(bytes.toHex().endsWith("00002904d0000000000000"), bytes.toHex());
  equal(decode(encodeQuestion(1, QUESTION, false)).additionals?.length, 0);
});

const CHAINS: [name: string, reply: Reply, end: string, count: number, ttl: number | undefined][] = [
  ["a record", { answers: [txt(QUESTION.name, "x", 30)] }, QUESTION.name, 1, 30],
  [
    "several records, least TTL",
    {
      answers: [txt(QUESTION.name, "x", 30), txt(QUESTION.name, "y", 20)],
    },
    QUESTION.name,
    2,
    20,
  ],
  [
    "an alias of RFC 2317",
    {
      answers: [cname(QUESTION.name, "1.0-127.2.0.192.in-addr.arpa", 10), txt("1.0-127.2.0.192.IN-ADDR.arpa", "x")],
    },
    "1.0-127.2.0.192.in-addr.arpa",
    1,
    10,
  ],
  [
    "an alias whose records are elsewhere",
    { answers: [cname(QUESTION.name, "elsewhere.example")] },
    "elsewhere.example",
    0,
    undefined,
  ],
  ["records of other names", { answers: [txt("other.example", "x")] }, QUESTION.name, 0, undefined],
  ["no record, with an SOA", { authorities: [soa("in-addr.arpa", 900, 120)] }, QUESTION.name, 0, 120],
  ["a TTL beyond belief", { answers: [txt(QUESTION.name, "x", 2 ** 31)] }, QUESTION.name, 1, 86400],
];
for (const [name, what, end, count, ttl] of CHAINS) {
  Deno.test(`decodeResponse() follows ${name}`, () => {
    const { canonicalName, records, ttlSeconds } = response(QUESTION, what);
    deepEqual([canonicalName.replace(/\.$/, ""), records.length, ttlSeconds], [end.replace(/\.$/, ""), count, ttl]);
  });
}

Deno.test("decodeResponse() refuses aliases in a circle", () => {
  const answers = [cname(QUESTION.name, "a.example"), cname("a.example", QUESTION.name)];
  equal(decodeResponse(reply(7, QUESTION, { answers }), 7, QUESTION), "too many aliases");
});

Deno.test("decodeResponse() tells what DNSSEC says, truncation and errors", () => {
  equal(response(QUESTION, { ad: true }).authenticated, true);
  equal(response(QUESTION, {}).authenticated, false);
  equal(response(QUESTION, { tc: true }).isTruncated, true);
  equal(response(QUESTION, { rcode: 3 }).rcode, 3);
});

const FOREIGN: [name: string, bytes: Uint8Array, why: string][] = [
  ["another number", reply(8, QUESTION, {}), "answer to another question"],
  ["another name", reply(7, { ...QUESTION, name: "x.example" }, {}), "answer to another question"],
  ["another type", reply(7, { ...QUESTION, type: "KEY" }, {}), "unexpected QTYPE in Question Section"],
  ["a question", encodeQuestion(7, QUESTION, false), "not a response?!?"],
  ["nothing", new Uint8Array(), "malformed answer"],
];
for (const [name, bytes, why] of FOREIGN) {
  Deno.test(`decodeResponse() refuses ${name}`, () => equal(decodeResponse(bytes, 7, QUESTION), why));
}

Deno.test("decodeResponse() gives an answer or a reason for any bytes, and for any damage", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeResponse(bytes, 7, QUESTION)));
  const whole = reply(7, QUESTION, { answers: [cname(QUESTION.name, "a.example"), txt("a.example", "x")] });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, byte, isCut) => {
      const damaged = isCut ? whole.slice(0, at) : Uint8Array.from(whole).fill(byte, at, at + 1);
      const decoded = decodeResponse(damaged, 7, QUESTION);
      notEqual(decoded, undefined);
    }),
    { numRuns: 2000 },
  );
});

const NAMES: [name: string, isGood: boolean][] = [
  ["example.com", true],
  ["example.com.", true],
  ["1.0/25.2.0.192.in-addr.arpa.", true],
  ["", false],
  [".", false],
  ["a..b", false],
  [`${"a".repeat(64)}.com`, false],
  ["a b.com", false],
  ["bücher.example", false],
  [Array(64).fill("abc").join("."), false],
];
for (const [name, isGood] of NAMES) {
  Deno.test(`refuseName() ${isGood ? "takes" : "refuses"} ${JSON.stringify(name).slice(0, 50)}`, () => {
    equal(refuseName(name) === undefined, isGood);
  });
}

Deno.test("reverseName() writes both families", () => {
  const name = (text: string) => {
    const address = parseAddress(text, 0);
    ok(address.ok);
    return reverseName(address.value);
  };
  equal(name("192.0.2.11"), "11.2.0.192.in-addr.arpa.");
  // the example of RFC 3596 §2.5
  equal(
    name("4321:0:1:2:3:4:567:89ab"),
    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.",
  );
});

Deno.test("parseResolvConf() reads servers and options, and passes over the rest", () => {
  const text = `# made by hand
; and this
search example.com
nameserver 192.0.2.53
nameserver fe80::1%eth0
nameserver not-an-address
nameserver 2001:db8::53   # trailing
nameserver 192.0.2.54
options timeout:2 attempts:9 rotate trust-ad
`;
  deepEqual(parseResolvConf(text), {
    servers: ["192.0.2.53", "fe80::1%eth0", "2001:db8::53"],
    timeoutSeconds: 2,
    attempts: 5,
    trustAd: true,
  });
  deepEqual(parseResolvConf("").servers, ["127.0.0.1"], "as the C library, where nothing is said");
});
