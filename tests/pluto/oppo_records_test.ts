/** The DNS steps of opportunism, with every outcome of pluto.md §19.3 and §19.5. */
import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import type { DnsAnswer, RecordType } from "../../lib/dns/record.ts";
import { type DnssecPolicy, OppoRecords } from "../../lib/pluto/oppo_records.ts";
import { formatAddress, parseAddress } from "../../lib/text/address.ts";
import { formatIdentity, parseIdentity } from "../../lib/text/identity.ts";

const key = (fill: number) => ({ exponent: Uint8Array.of(3), modulus: new Uint8Array(64).fill(fill) });
const bytesOf = ({ exponent, modulus }: ReturnType<typeof key>) => Uint8Array.from([1, ...exponent, ...modulus]);
const OWN = key(0xc1), OTHER = key(0xc3);
const X = (gateway: string, of?: ReturnType<typeof key>) =>
  `X-IPsec-Server(10)=${gateway}${of ? ` ${bytesOf(of).toBase64()}` : ""}`;

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

/** `192.0.2.1` stands for its name in the reverse map. */
function nameOf(text: string): string {
  return /^[\d.]+$/.test(text) ? `${text.split(".").reverse().join(".")}.in-addr.arpa.` : `${text}.`;
}

interface World {
  /** TXT records; an Error: nobody answers. */
  readonly txt?: Readonly<Record<string, string | readonly string[] | Error>>;
  readonly keys?: Readonly<Record<string, ReturnType<typeof key>>>;
  readonly dnssec?: DnssecPolicy;
  readonly authenticated?: boolean;
}

class Bench {
  readonly notes: string[] = [];
  readonly records: OppoRecords;

  constructor({ txt = {}, keys = {}, dnssec = "prefer", authenticated = true }: World) {
    const texts = new Map(Object.entries(txt).map(([name, value]) => [nameOf(name), value]));
    const keyRecords = new Map(Object.entries(keys).map(([name, value]) => [nameOf(name), value]));
    const lookup = (name: string, type: RecordType): Promise<DnsAnswer> => {
      const text = texts.get(name), old = keyRecords.get(name);
      const found = (data: (Uint8Array | Uint8Array[])[]): DnsAnswer => ({
        ok: true,
        records: data.map((one) => ({ ttlSeconds: 1, data: one })),
        authenticated,
        canonicalName: name,
        ttlSeconds: 1,
      });
      const missing = (kind: "data" | "failure", why: string): DnsAnswer => ({
        ok: false,
        kind,
        why,
        authenticated,
        ttlSeconds: 1,
      });
      if (type === "TXT" && text instanceof Error) return Promise.resolve(missing("failure", text.message));
      if (type === "TXT" && text !== undefined) {
        return Promise.resolve(found([text].flat().map((one) => [new TextEncoder().encode(one as string)])));
      }
      if (type === "KEY" && old) return Promise.resolve(found([Uint8Array.from([0x42, 0, 4, 1, ...bytesOf(old)])]));
      return Promise.resolve(missing("data", `no ${type} record for ${name}`));
    };
    this.records = new OppoRecords({ dns: { lookup }, dnssec, note: (text) => void this.notes.push(text) });
  }
}

const MY_ID: [name: string, world: World, outcome: string, notes: string[]][] = [
  ["by our address", { txt: { "192.0.2.1": X("192.0.2.1", OWN) } }, "192.0.2.1", [
    "using our IP (192.0.2.1:TXT) as identity!",
  ]],
  ["by our host name", { txt: { "west.example": X("@west.example", OWN) } }, "@west.example", [
    "can not use our IP (192.0.2.1:TXT) as identity: TXT record for IP address as %myid: no TXT record for 1.2.0.192.in-addr.arpa.",
    "using our hostname (@west.example:TXT) as identity!",
  ]],
  [
    "by an old KEY record",
    { keys: { "west.example": OWN }, txt: { "192.0.2.1": X("192.0.2.1", OTHER), "west.example": X("@other.example") } },
    "@west.example",
    [
      "can not use our IP (192.0.2.1:TXT) as identity: all our TXT RRs have the wrong public key",
      "can not use our hostname (@west.example:TXT) as identity: no TXT RR found for us",
      "can not use our IP (192.0.2.1:KEY) as identity: KEY record for IP address as %myid (no good TXT): no KEY record for 1.2.0.192.in-addr.arpa.",
      "using our hostname (@west.example:KEY) as identity!",
    ],
  ],
];
for (const [name, world, outcome, notes] of MY_ID) {
  Deno.test(`findMyId() finds us ${name}`, async () => {
    const bench = new Bench(world);
    const found = await bench.records.findMyId(identity("192.0.2.1"), identity("@west.example"), OWN);
    deepEqual("id" in found && formatIdentity(found.id), outcome);
    deepEqual(bench.notes, notes);
  });
}

Deno.test("findMyId() gives up with the reason of its last step", async () => {
  const bench = new Bench({ keys: { "west.example": OTHER } });
  const found = await bench.records.findMyId(identity("192.0.2.1"), identity("@west.example"), OWN);
  deepEqual(found, { why: "all our KEY RRs have the wrong public key" });
});

Deno.test("findMyId() names what was not answered, before what is missing", async () => {
  const silent = new Error("no answer");
  const worlds: [World["txt"], why: string][] = [
    [{ "192.0.2.1": silent }, "TXT record for IP address as %myid: no answer"],
    [{ "west.example": silent }, "TXT record for hostname as %myid: no answer"],
    [{ "192.0.2.1": X("192.0.2.1", OTHER), "west.example": silent }, "TXT record for hostname as %myid: no answer"],
  ];
  for (const [txt, why] of worlds) {
    const bench = new Bench({ txt });
    deepEqual(await bench.records.findMyId(identity("192.0.2.1"), identity("@west.example"), OWN), { why });
  }
});

const US: [name: string, world: World, client: string | undefined, why: string | undefined][] = [
  ["with our key at our client", { txt: { "10.1.0.5": X("@west.example", OWN) } }, "10.1.0.5", undefined],
  [
    "with no key at our client, and our key at ours",
    { txt: { "10.1.0.5": X("@west.example"), "west.example": X("@west.example", OWN) } },
    "10.1.0.5",
    undefined,
  ],
  ["as the client itself", { txt: { "west.example": X("@west.example", OWN) } }, undefined, undefined],
  ["by an old KEY record", { keys: { "west.example": OWN } }, undefined, undefined],
  [
    "not, where our client has nothing",
    {},
    "10.1.0.5",
    "our client's TXT record: no TXT record for 5.0.1.10.in-addr.arpa.",
  ],
  [
    "not, where our client names another",
    { txt: { "10.1.0.5": X("192.0.2.9", OWN) } },
    "10.1.0.5",
    "no TXT RR for our client delegates us",
  ],
  [
    "not, where our client has another key",
    { txt: { "10.1.0.5": X("@west.example", OTHER) } },
    "10.1.0.5",
    "TXT RR for our client has wrong key",
  ],
  [
    "not, where nobody answers",
    { txt: { "west.example": new Error("no answer") } },
    undefined,
    "our TXT record: no answer",
  ],
  ["not, without any record", {}, undefined, "our KEY record: no KEY record for west.example."],
  [
    "not, by a wrong old key",
    { keys: { "west.example": OTHER }, txt: { "west.example": X("@west.example", OTHER) } },
    undefined,
    "all our KEY RRs have the wrong public key (and no good TXT RR)",
  ],
  [
    "not, where DNSSEC is wanted and proves nothing",
    { txt: { "10.1.0.5": X("@west.example", OWN) }, dnssec: "require", authenticated: false },
    "10.1.0.5",
    "our client's TXT record: it is not proved by DNSSEC, which dnssec=require wants",
  ],
];
for (const [name, world, client, why] of US) {
  Deno.test(`confirmUs() lets us speak ${name}`, async () => {
    const { records } = new Bench(world);
    equal(
      await records.confirmUs(identity("@west.example"), client === undefined ? undefined : address(client), OWN),
      why,
    );
  });
}

const GATEWAYS: [name: string, world: World, outcome: string][] = [
  ["that the record names", { txt: { "198.51.100.7": X("198.51.100.2", OTHER) } }, "198.51.100.2"],
  [
    "that comes first",
    { txt: { "198.51.100.7": ["X-IPsec-Server(20)=198.51.100.3", X("198.51.100.2", OTHER)] } },
    "198.51.100.2",
  ],
  ["not, without a record", {}, "target's TXT record: no TXT record for 7.100.51.198.in-addr.arpa."],
  ["not, where nobody answers", { txt: { "198.51.100.7": new Error("timed out") } }, "target's TXT record: timed out"],
  [
    "not, without its key",
    { txt: { "198.51.100.7": X("198.51.100.2") } },
    "target's TXT record: the best record has no key",
  ],
  [
    "not, where the record is broken",
    { txt: { "198.51.100.7": "X-IPsec-Server(10)=198.51.100.2 AQ==" } },
    "target's TXT record: failure processing TXT record of DNS answer for 7.100.51.198.in-addr.arpa.: invalid key data: RSA public key blob too short",
  ],
];
for (const [name, world, outcome] of GATEWAYS) {
  Deno.test(`findGateway() finds the gateway ${name}`, async () => {
    const found = await new Bench(world).records.findGateway(address("198.51.100.7"));
    equal("why" in found ? found.why : formatAddress(found.address), outcome);
  });
}

const CLIENTS: [name: string, world: World, why: string | undefined][] = [
  ["with our key", { txt: { "10.1.0.5": X("@west.example", OWN) } }, undefined],
  ["without a key, which is in our own record", {
    txt: { "10.1.0.5": X("@west.example"), "west.example": X("@west.example", OWN) },
  }, undefined],
  ["without a key, which is in an old record", {
    txt: { "10.1.0.5": X("@west.example") },
    keys: { "west.example": OWN },
  }, undefined],
  ["not at all", {}, "our client's TXT record: no TXT record for 5.0.1.10.in-addr.arpa."],
  ["to another", { txt: { "10.1.0.5": X("192.0.2.9") } }, "our client does not delegate us as its Security Gateway"],
  [
    "with another key",
    { txt: { "10.1.0.5": X("@west.example", OTHER) } },
    "our client delegates us as its Security Gateway but with the wrong public key",
  ],
  [
    "perhaps, but nobody answers where our key should be",
    { txt: { "10.1.0.5": X("@west.example"), "west.example": new Error("timed out") } },
    "our TXT or KEY record: timed out",
  ],
  [
    "without a key anywhere",
    { txt: { "10.1.0.5": X("@west.example") } },
    "our client delegation depends on our missing TXT or KEY record",
  ],
  [
    "with a wrong key in our records",
    { txt: { "10.1.0.5": X("@west.example") }, keys: { "west.example": OTHER } },
    "our client delegation depends on our TXT or KEY record, but it has the wrong public key",
  ],
];
for (const [name, world, why] of CLIENTS) {
  Deno.test(`confirmOurClient() sees that our client delegates to us ${name}`, async () => {
    equal(await new Bench(world).records.confirmOurClient(identity("@west.example"), address("10.1.0.5"), OWN), why);
  });
}

const PEERS: [name: string, world: World, why: string | undefined][] = [
  ["with the key that was used", { txt: { "10.2.0.5": X("192.0.2.2", OTHER) } }, undefined],
  ["without a key", { txt: { "10.2.0.5": X("192.0.2.2") } }, undefined],
  ["not at all", {}, "peer's client does not delegate to peer"],
  ["with another key", { txt: { "10.2.0.5": X("192.0.2.2", OWN) } }, "peer and its client disagree about public key"],
  ["perhaps, but nobody answers", { txt: { "10.2.0.5": new Error("timed out") } }, "timed out"],
];
for (const [name, world, why] of PEERS) {
  Deno.test(`confirmPeersClient() sees that the peer's client delegates ${name}`, async () => {
    const { records } = new Bench(world);
    equal(await records.confirmPeersClient(address("10.2.0.5"), identity("192.0.2.2"), OTHER), why);
  });
}

Deno.test("confirmOurClient() asks nothing where the host is its own client", async () => {
  ok(await new Bench({}).records.confirmOurClient(identity("@west.example"), undefined, OWN) === undefined);
});
