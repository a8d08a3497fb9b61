/** Opportunism and a DNS or a peer that does not answer: what becomes of the packet that is held. */
import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { encodeRsaPublicKey, type RsaPrivateKey } from "../../lib/crypto/rsa.ts";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";
import type { SecretEntry } from "../../lib/config/secrets.ts";
import type { IpsecLookup } from "../../lib/dns/ipsec_records.ts";
import type { DnsAnswer } from "../../lib/dns/record.ts";
import { DEFAULT_ESP_SUITES, DEFAULT_IKE_SUITES } from "../../lib/ike/suite_text.ts";
import { flowOf } from "../../lib/pluto/acquire.ts";
import { Opportunistic } from "../../lib/pluto/opportunistic.ts";
import type { PlutoDeps } from "../../lib/pluto/parts.ts";
import type { FailureName } from "../../lib/pluto/policy.ts";
import { address, description, type House, type HouseOptions, randomBytes, Wire } from "./_fakes.ts";

const AT = { west: "192.0.2.1", east: "198.51.100.2" } as const;
const KEYS = { west: newKey(), east: newKey() };
const ACQUIRE = { from: address(AT.west), to: address(AT.east), protocol: 0, fromPort: 0, toPort: 0 };

function newKey(): RsaPrivateKey {
  return generateRsaKey({ bits: 1024, rounds: 2, seed: randomBytes, random: randomBytes });
}

/** Whom east speaks for as well. */
const BEHIND = "198.51.100.7";
const GATEWAYS: readonly (readonly [client: string, gateway: keyof typeof AT])[] = [
  [AT.west, "west"],
  [AT.east, "east"],
  [BEHIND, "east"],
];

/** Reverse maps with a TXT record for each host. */
function lookup(name: string, type: string): Promise<DnsAnswer> {
  return answer(name, type, KEYS);
}

function answer(name: string, type: string, keys: typeof KEYS): Promise<DnsAnswer> {
  const found = GATEWAYS.find(([client]) => name === `${client.split(".").reverse().join(".")}.in-addr.arpa.`);
  const asked = found?.[1];
  if (type !== "TXT" || !asked) {
    const why = `no ${type} record for ${name}`;
    return Promise.resolve({ ok: false, kind: "data", why, authenticated: false, ttlSeconds: 1 });
  }
  const text = `X-IPsec-Server(10)=${AT[asked]} ${encodeRsaPublicKey(keys[asked].publicKey).toBase64()}`;
  const records = [{ ttlSeconds: 1, data: [new TextEncoder().encode(text)] }];
  return Promise.resolve({ ok: true, records, authenticated: false, canonicalName: name, ttlSeconds: 1 });
}

type Lookup = typeof lookup;

function options(
  host: keyof typeof AT,
  waitSeconds: number,
  dns: IpsecLookup,
  deps: Partial<PlutoDeps> = {},
): Partial<HouseOptions> {
  const secret: SecretEntry = {
    at: { file: "ipsec.secrets", line: 1 },
    ids: [],
    idCount: 0,
    key: { kind: "RSA", key: KEYS[host], origin: "" },
  };
  return {
    secrets: [secret],
    deps: {
      makeOpportunism: (parts) =>
        new Opportunistic(parts, { dns, dnssec: "ignore", waitSeconds, nameServers: () => [] }),
      lookupKeys: (id) => Promise.resolve({ keys: id.kind === "address" ? [KEYS.west.publicKey] : [] }),
      ...deps,
    },
  };
}

const cut = (wire: Wire) => void (wire.isCut = true);

/** Both encrypt to everybody; a packet of west's for east is held, and what is sent from now on does not arrive. */
async function held(
  failure: FailureName,
  waitSeconds = 8,
  disturb = cut,
  dns: IpsecLookup = { lookup },
  depsOfEast: Partial<PlutoDeps> = {},
) {
  const wire = new Wire(options("west", waitSeconds, dns), options("east", waitSeconds, { lookup }, depsOfEast));
  const oe = description({
    psk: false,
    rsasig: true,
    dontRekey: true,
    failure,
    left: { client: undefined, id: "%myid" },
    right: { host: "%opportunistic", client: undefined, nextHop: undefined, id: undefined },
  });
  await wire.west.add("oe", oe);
  await wire.east.add("oe", { ...oe, left: { ...oe.left, host: AT.east, nextHop: "198.51.100.254" } });
  for (const house of [wire.west, wire.east]) await house.whack({ name: "oe", route: true });
  disturb(wire);
  await trap(wire);
  return wire;
}

async function trap({ west, clock }: Wire, to: string = AT.east): Promise<void> {
  const acquire = { ...ACQUIRE, to: address(to) };
  west.kernel.trapped(flowOf(acquire));
  west.pluto.acquire(acquire);
  await clock.pass(0);
}

function target({ kernel }: House, to: string = AT.east): string | undefined {
  return kernel.eroutesByFlow.get(`${AT.west}/32:0 -0-> ${to}/32:0`)?.target;
}

Deno.test("private-or-clear: after eight seconds of silence traffic is in the clear, and the reason is shown", async () => {
  const wire = await held("pass");
  await wire.seconds(7);
  equal(target(wire.west), "%hold");
  await wire.seconds(2);
  equal(target(wire.west), "%pass");
  match(wire.west.pluto.status().at(-1)!, /=> %pass \d+,\d+ {4}no answer from 198\.51\.100\.2 for 8 seconds$/);
});

const OLD_SUITES = DEFAULT_ESP_SUITES(true).filter(({ cipher }) => cipher === "3des");
const WRONG = { ...KEYS, east: newKey() };
const wrongly = { lookup: (name: string, type: string) => answer(name, type, WRONG) };
const REASON =
  /no SA with 198\.51\.100\.2( within 8 seconds)?: Signature check \(on 198\.51\.100\.2\) failed \(wrong key\?\); tried \*[\w+/]+$/;

for (const [failure, seconds] of [["pass", 9], ["drop", 71]] as const) {
  Deno.test(`%${failure} for a peer whose signature is wrong: the reason is that of the log, and not silence`, async () => {
    const wire = await held(failure, 8, () => {}, wrongly);
    await wire.seconds(seconds);
    equal(target(wire.west), `%${failure}`);
    match(wire.west.pluto.status().at(-1)!, REASON);
    ok(wire.west.log.some((line) => line.includes("Signature check")), "the log has it");
  });
}

Deno.test("private-or-clear: a peer that answers late gets the traffic", async () => {
  const wire = await held("pass");
  await wire.seconds(9);
  wire.isCut = false;
  await wire.seconds(3);
  match(target(wire.west)!, /^#\d+$/);
  equal(wire.west.pluto.status().filter((line) => line.includes("%pass")), []);
  await wire.seconds(301);
  match(target(wire.west)!, /^#\d+$/);
});

Deno.test("private-or-clear: an answer begins the eight seconds anew", async () => {
  const wire = await held("pass", 8, ({ west, east, clock }) => {
    const slow = east.send, lossy = west.send;
    let sent = 0;
    east.send = (path, datagram) => void clock.after(6000, () => slow(path, datagram));
    west.send = (path, datagram) => {
      if (++sent === 1) lossy(path, datagram);
    };
  });
  await wire.seconds(13);
  equal(target(wire.west), "%hold");
  await wire.seconds(2);
  equal(target(wire.west), "%pass");
});

Deno.test("private-or-clear: the DNS is waited for as long, and no longer", async () => {
  const wire = await held("pass", 8, cut, {
    lookup: () => new Promise(() => {}),
    servers: [{ kind: "udp", address: "192.0.2.53", port: 53 }],
  });
  await wire.seconds(7);
  equal(target(wire.west), "%hold");
  await wire.seconds(2);
  equal(target(wire.west), "%pass");
  match(
    wire.west.pluto.status().at(-1)!,
    /=> %pass \d+,\d+ {4}no answer from the DNS \(192\.0\.2\.53\) within 8 seconds: TXT of 2\.100\.51\.198\.in-addr\.arpa\.$/,
  );
});

Deno.test("private: the DNS is waited for until it answers", async () => {
  const answered = Promise.withResolvers<void>();
  const slowly: Lookup = async (name, type) => {
    await answered.promise;
    return await lookup(name, type);
  };
  const wire = await held("drop", 8, () => {}, { lookup: slowly });
  await wire.seconds(30);
  equal(target(wire.west), "%hold");
  answered.resolve();
  await wire.seconds(2);
  match(target(wire.west)!, /^#\d+$/);
});

Deno.test("private: traffic is held for the whole attempt, and refused after it", async () => {
  const wire = await held("drop");
  await wire.seconds(69);
  equal(target(wire.west), "%hold");
  await wire.seconds(3);
  equal(target(wire.west), "%drop");
});

Deno.test("all that waits for one gateway shares its silence", async () => {
  for (const [failure, seconds] of [["pass", 8], ["drop", 70]] as const) {
    const wire = await held(failure);
    await trap(wire, BEHIND);
    await wire.seconds(seconds - 1);
    for (const to of [AT.east, BEHIND]) equal(target(wire.west, to), "%hold", `${failure}, ${to}`);
    await wire.seconds(2);
    for (const to of [AT.east, BEHIND]) equal(target(wire.west, to), `%${failure}`, `${failure}, ${to}`);
  }
});

Deno.test("oewait=0: private-or-clear is as patient", async () => {
  const wire = await held("pass", 0);
  await wire.seconds(69);
  equal(target(wire.west), "%hold");
  await wire.seconds(3);
  equal(target(wire.west), "%pass");
});

Deno.test("after five minutes in the clear it is tried again, with the same patience, and succeeds once the peer is back", async () => {
  const wire = await held("pass");
  await wire.seconds(8 + 301);
  equal(target(wire.west), undefined, "the trap has it again");
  await trap(wire);
  await wire.seconds(7);
  equal(target(wire.west), "%hold");
  await wire.seconds(2);
  equal(target(wire.west), "%pass");
  await wire.seconds(301);
  wire.isCut = false;
  await trap(wire);
  await wire.seconds(2);
  match(target(wire.west)!, /^#\d+$/);
});

Deno.test("whack that asks for what is under way waits for its outcome", async () => {
  const wire = await held("pass");
  const { west } = wire;
  const whack = await west.whack({ oppo: { here: AT.west, there: AT.east } });
  equal(whack.isClosed, false);
  const second = await west.whack({ oppo: { here: AT.west, there: AT.east } });
  equal(second.isClosed, true, "one waits at a time");
  wire.isCut = false;
  await wire.seconds(12);
  match(whack.lines.at(-1)!, /^004 .*STATE_QUICK_I2: sent QI2, IPsec SA established/);
  equal(whack.isClosed, true);
  equal([...west.pluto.parts.engine.states.values()].filter(({ kind }) => kind === "ipsec").length, 1);
});

const REFUSALS: [
  what: string,
  depsOfEast: Partial<PlutoDeps>,
  failure: "pass" | "drop",
  seconds: number,
  why: RegExp,
][] = [
  [
    "our signature",
    { lookupKeys: () => Promise.resolve({ keys: [WRONG.east.publicKey] }) },
    "pass",
    9,
    / within 8 seconds: ignoring informational payload, type INVALID_KEY_INFORMATION$/,
  ],
  [
    "what we propose for phase 2",
    { readSuites: () => ({ ok: true, value: { ike: DEFAULT_IKE_SUITES(false), ipsec: OLD_SUITES } }) },
    "drop",
    31,
    /: received informational payload, type NO_PROPOSAL_CHOSEN: /,
  ],
];
for (const [what, depsOfEast, failure, seconds, why] of REFUSALS) {
  Deno.test(`a peer that refuses ${what}: that is the reason, and not silence`, async () => {
    const wire = await held(failure, 8, () => {}, { lookup }, depsOfEast);
    await wire.seconds(seconds);
    match(
      wire.west.pluto.status().at(-1)!,
      new RegExp(`=> %${failure} .* {4}no SA with 198\\.51\\.100\\.2${why.source}`),
    );
  });
}
