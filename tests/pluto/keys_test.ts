/** Which secret, which key (pluto.md §7.2, §7.3, §12.3); virtual networks; what an established peer says of earlier SAs. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { IkeState } from "../../lib/ike/state.ts";
import type { RsaPublicKey } from "../../lib/crypto/rsa.ts";
import type { Secret } from "../../lib/crypto/secret.ts";
import { Keys, type KeysDeps } from "../../lib/pluto/keys.ts";
import { expiryRemark, formatTime, publicKeyLines } from "../../lib/pluto/listings.ts";
import { forgottenStates, leftBehind } from "../../lib/pluto/unique_ids.ts";
import { parsePrivateNets, parseVirtualClient, whyNotVirtual } from "../../lib/pluto/virtual_ip.ts";
import { parseIdentity } from "../../lib/text/identity.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";
import { known, make } from "./_connections.ts";
import { address, psk } from "./_fakes.ts";

const ANY = { host: "%any", client: undefined, nextHop: undefined } as const;
const NOW = 1_075_636_800;

function keys(more: Partial<KeysDeps> = {}) {
  const warnings: string[] = [];
  return { keys: new Keys({ wallClock: () => NOW, warn: (text) => void warnings.push(text), ...more }), warnings };
}

function id(text: string) {
  const parsed = parseIdentity(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const key = (last: number): RsaPublicKey => ({
  exponent: Uint8Array.of(3),
  modulus: Uint8Array.from({ length: 64 }, (_, i) => i === 63 ? last : 0xc0),
});

const secretText = (one: ReturnType<Keys["presharedKey"]>) => one && new TextDecoder().decode(one.reveal());

const FILE = [psk("default"), psk("pair", "@west", "@east"), psk("mine", "@west"), psk("road", "@west", "%any")];
const SECRETS: [
  what: string,
  entries: typeof FILE,
  make: () => ReturnType<typeof make>,
  peer: string | undefined,
  secret?: string,
][] = [
  ["the two identities", FILE, () => make(), undefined, "pair"],
  ["ours alone, where nothing is for the two", FILE.slice(2), () => make(), undefined, "mine"],
  ["everybody's", FILE.slice(0, 1), () => make(), undefined, "default"],
  ["none", FILE.slice(1, 2), () => make("c", { right: { id: "@other" } }), undefined, undefined],
  [
    "a road warrior's, whose name is not known yet",
    FILE.toReversed(),
    () => make("road", { right: { ...ANY, id: "@laptop" } }).instantiate(address("203.0.113.9")),
    undefined,
    "road",
  ],
  [
    "of who says its name at once, as in Aggressive Mode",
    [psk("laptop", "@west", "@laptop"), ...FILE],
    () => make("road", { right: { ...ANY, id: "@laptop" } }).instantiate(address("203.0.113.9")),
    "@laptop",
    "laptop",
  ],
];
for (const [what, entries, connection, peer, secret] of SECRETS) {
  Deno.test(`presharedKey(): ${what}`, () => {
    const { keys: all } = keys();
    all.setSecrets(entries);
    equal(secretText(all.presharedKey(connection(), peer === undefined ? undefined : id(peer))), secret);
  });
}

Deno.test("presharedKey() warns of a rival", () => {
  const { keys: all, warnings } = keys();
  all.setSecrets([psk("one", "@west", "@east"), psk("two", "@west", "@east")]);
  equal(secretText(all.presharedKey(make())), "one");
  equal(warnings, ["multiple ipsec.secrets entries with distinct secrets match endpoints: first secret used"]);
});

Deno.test("peerKeys(): those of the record that named the gateway first, then the loaded ones", async () => {
  const { keys: all } = keys();
  const connection = make();
  connection.gatewayKeys = [key(1)];
  all.add(id("@east"), key(2));
  all.add(id("@other"), key(3));
  equal((await all.peerKeys(connection, id("@EAST"))).keys, [key(1), key(2)]);
});

Deno.test("peerKeys() asks the DNS only where nothing is loaded, and the connection says so", async () => {
  const asked: string[] = [];
  const lookupKeys: KeysDeps["lookupKeys"] = (_id, type) => {
    asked.push(type);
    return Promise.resolve(type === "TXT" ? { why: "no TXT record for east" } : { keys: [key(9)] });
  };
  const { keys: all } = keys({ lookupKeys });
  equal(await all.peerKeys(make(), id("@east")), { keys: [] });
  const onDemand = make("c", { right: { dnsKeyOnDemand: true } });
  equal(await all.peerKeys(onDemand, id("@east")), { keys: [key(9)] });
  equal(asked, ["TXT", "KEY"]);
  equal(all.known, [], "what the DNS says is not kept");
  all.add(id("@east"), key(2));
  equal(await all.peerKeys(onDemand, id("@east")), { keys: [key(2)] });
  equal(asked.length, 2);
});

Deno.test("peerKeys() without an answer says why", async () => {
  const { keys: all } = keys();
  const onDemand = make("c", { right: { dnsKeyOnDemand: true } });
  equal(await all.peerKeys(onDemand, id("@east")), { keys: [], why: "no DNS resolver is configured" });
});

Deno.test("peerKeys() drops a key that has expired", async () => {
  const { keys: all, warnings } = keys();
  all.add(id("@east"), key(2), { until: NOW - 1 });
  equal(await all.peerKeys(make(), id("@east")), { keys: [] });
  equal(warnings, ["cached RSA public key has expired and has been deleted"]);
});

Deno.test("publicKeyLines() names an issuer, and warns of the end", () => {
  const known = [{ id: id("@east"), key: key(1), installedAt: NOW, until: NOW + 3 * 3600, issuer: "C=CA, CN=Root" }];
  const lines = publicKeyLines(known, { utc: true, now: NOW });
  equal(lines[3].endsWith("until Feb 01 15:00:00 UTC 2004 warning (expires in 3 hours)"), true, lines[3]);
  equal(lines.slice(4), ["       ID_FQDN '@east'", "       Issuer 'C=CA, CN=Root'"]);
});

const REMARKS: [left: number | undefined, remark: string][] = [
  [undefined, "ok (expires never)"],
  [8 * 86400, "ok"],
  [3 * 86400, "warning (expires in 3 days)"],
  [86401, "warning (expires in 1 day)"],
  [2, "warning (expires in 2 seconds)"],
  [-1, "fatal (expired)"],
];
for (const [left, remark] of REMARKS) {
  Deno.test(`expiryRemark(): ${remark}`, () =>
    equal(expiryRemark(left === undefined ? undefined : NOW + left, NOW), remark));
}

Deno.test("formatTime() without UTC has no zone", () => {
  ok(/^[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4}$/.test(formatTime(NOW, false)));
  equal(formatTime(undefined, false), "--- -- --:--:-- ----");
});

const nets = (text: string) => {
  const parsed = parsePrivateNets(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};
const VIRTUAL: [client: string, wanted: string, why: string | undefined][] = [
  ["vhost:%no,%priv", "203.0.113.9/32", undefined],
  ["vhost:%priv", "203.0.113.9/32", "it is not among the networks of virtual_private="],
  ["vhost:%priv", "10.2.0.7/32", undefined],
  ["vhost:%priv", "10.1.0.7/32", "it is not among the networks of virtual_private="],
  ["vhost:%priv", "10.2.0.0/24", "only single addresses are allowed"],
  ["vnet:%priv", "10.2.0.0/24", undefined],
  ["vnet:%priv", "10.0.0.0/8", "it is not among the networks of virtual_private="],
  ["vhost:%all", "8.8.8.8/32", undefined],
  ["vhost:%v4:192.168.0.0/16", "192.168.7.7/32", undefined],
  ["vhost:%v4:192.168.0.0/16", "10.2.0.7/32", "it is not among those listed"],
];
for (const [text, wanted, why] of VIRTUAL) {
  Deno.test(`whyNotVirtual(): ${wanted} by ${text}`, () => {
    const client = parseVirtualClient(text), net = parseSubnet(wanted, "inet");
    if (!client.ok || !net.ok) throw new Error("a bad row");
    const configured = nets("%v4:10.0.0.0/8,%v4:!10.1.0.0/16");
    equal(whyNotVirtual(client.value, net.value, address("203.0.113.9"), configured), why);
  });
}

Deno.test("parsePrivateNets() says what is wrong", () => {
  equal(parsePrivateNets("10.0.0.0/8"), { ok: false, error: 'neither %v4: nor %v6: in "10.0.0.0/8"' });
  equal(parsePrivateNets("").ok, true);
});

Deno.test("leftBehind(): the same peer at other addresses, whatever it is called there", () => {
  const road = make("road", { right: { ...ANY, id: "@laptop" } });
  const [old, now] = [address("203.0.113.9"), address("203.0.113.10")].map((host) => road.instantiate(host));
  const other = make("office", { right: { id: "@laptop", host: "198.51.100.7" } });
  equal(leftBehind(now, known([old, now, other, road, make("else")])), [old, other]);
});

Deno.test("forgottenStates(): what stands with the peer but this SA and what it has made", () => {
  const connection = make();
  const path = { local: connection.ours.host, localPort: 500, remote: connection.peers.host, remotePort: 500 };
  const state = (number: number, kind: "isakmp" | "ipsec", more: Record<string, unknown> = {}) =>
    ({ number, kind, connection, path, isEstablished: true, isakmp: 1, ...more }) as unknown as IkeState;
  const elsewhere = { path: { ...path, remote: address("203.0.113.9") } };
  const states = [
    state(1, "isakmp"),
    state(2, "ipsec"),
    state(3, "ipsec", elsewhere),
    state(4, "isakmp", { isEstablished: false }),
    state(5, "isakmp"),
    state(6, "ipsec", { isakmp: 5 }),
  ];
  const sa = states[4];
  if (sa.kind !== "isakmp") throw new Error("not an ISAKMP SA");
  equal(forgottenStates(sa, connection, known([connection]), () => states).map(({ number }) => number), [1, 2]);
});

Deno.test("Keys: secrets that are forgotten, or not there any more when files are read again, are wiped", () => {
  const { keys: all } = keys();
  const [stays, goes] = [psk("stays", "@west"), psk("goes", "@east")];
  const bytes = ({ key }: typeof stays) => key.kind === "PSK" ? new TextDecoder().decode(key.secret.reveal()) : "";
  all.setSecrets([stays, goes]);
  all.setSecrets([stays]);
  equal([bytes(stays), bytes(goes)], ["stays", "\0\0\0\0"]);
  all.forgetSecrets();
  equal(bytes(stays), "\0\0\0\0\0");
});

Deno.test("peerKeys(): a zone that is full of keys costs a few verifications, and no more", async () => {
  const lookupKeys = () => Promise.resolve({ keys: Array.from({ length: 100 }, (_, i) => key(i)) });
  const { keys: all } = keys({ lookupKeys });
  const found = await all.peerKeys(make("a", { right: { dnsKeyOnDemand: true } }), id("@east"));
  equal(found.keys.length, 8);
});

Deno.test("xauthPassword(): of the user before that of anybody; names as they are written", () => {
  const { keys: all } = keys();
  const entry = (text: string, ...users: string[]) => {
    const { secret } = psk(text).key as { readonly secret: Secret };
    return { ...psk(text), idCount: users.length, key: { kind: "XAUTH" as const, secret, users } };
  };
  const text = (user: string) => new TextDecoder().decode(all.xauthPassword(user)?.reveal());
  all.setSecrets([psk("no password"), entry("of Joe", "ann", "Joe")]);
  equal([text("Joe"), text("joe")], ["of Joe", ""]);
  all.setSecrets([entry("of anybody"), entry("of joe", "joe")]);
  equal([text("joe"), text("bob")], ["of joe", "of anybody"]);
});
