import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import { type LocalFacts, localFindings, publicAddresses, resolverFinding } from "../../commands/_verify_local.ts";
import { formatFinding, isBad } from "../../commands/_verify_report.ts";
import { type Uses, usesOf } from "../../commands/_verify_uses.ts";
import { interfacesOfPluto, physicalsOf, whyNoPluto } from "../../commands/_verify_facts.ts";
import { verify } from "../../commands/verify.ts";
import { formatAddress, parseAddress } from "../../lib/text/address.ts";
import { fakeFiles } from "../config/_fake_files.ts";
import { FakePluto } from "./_fake_pluto.ts";

function addresses(...texts: string[]) {
  return texts.map((text) => {
    const address = parseAddress(text, 0);
    if (!address.ok) throw new Error(address.error);
    return address.value;
  });
}

const link = (name: string, more: Partial<LocalFacts["interfaces"][number]> = {}) => ({
  name,
  isUp: true,
  mtu: 1500,
  addresses: addresses("192.0.2.1"),
  rpFilter: "0",
  physical: undefined,
  ...more,
});

/** A gateway where all is well. */
const FINE: LocalFacts = {
  uses: { rsaKeys: true, networks: true, dns: true },
  version: "Linux oneswan 0.1.0",
  onPath: "/usr/local/sbin/ipsec",
  klips: undefined,
  tun: undefined,
  missingRights: [],
  secretsFile: "/etc/ipsec.secrets",
  rsaKey: undefined,
  pluto: undefined,
  missingSecrets: [],
  plutoInterfaces: ["ipsec0/eth0"],
  udpPorts: new Set([500, 4500]),
  interfaces: [link("lo"), link("eth0"), link("eth1"), link("ipsec0", { physical: "eth0" })],
  rpFilterAll: "0",
  isForwarding: true,
  translations: [{ where: "ip nat POSTROUTING", isLimited: true }],
  droppingInput: [],
  nowSeconds: Date.UTC(2027, 0) / 1000,
  servers: ["127.0.0.1"],
  trustsDnssec: true,
};

Deno.test("ipsec verify finds nothing to mend on a gateway where all is well, and keeps FreeS/WAN's first lines", () => {
  const findings = localFindings(FINE);
  deepEqual(findings.filter(({ verdict }) => verdict !== "OK"), []);
  const texts = findings.map(({ text }) => text);
  for (
    const text of [
      "Version check and ipsec on-path",
      "Checking for KLIPS support in kernel",
      "Checking for RSA private key (/etc/ipsec.secrets)",
      "Checking that pluto is running",
      "Two or more interfaces found, checking IP forwarding",
      "Checking NAT and MASQUERADEing",
    ]
  ) ok(texts.includes(text), text);
});

const WRONG: [name: string, facts: Partial<LocalFacts>, text: string, verdict: string, seen: RegExp][] = [
  ["a command not on PATH", { onPath: undefined }, "Version check and ipsec on-path", "FAILED", /self-install/],
  ["no KLIPS", { klips: "nobody listens" }, "Checking for KLIPS support in kernel", "FAILED", /ipsec setup start/],
  ["no TUN", { tun: "no such file" }, "Checking for the TUN device (/dev/net/tun)", "FAILED", /container/],
  [
    "no rights",
    { missingRights: ["CAP_NET_RAW"] },
    "Checking for the rights that KLIPS needs",
    "FAILED",
    /CAP_NET_RAW/,
  ],
  [
    "no key",
    { rsaKey: { why: "no such file", mayExist: false } },
    "Checking for RSA private key (/etc/ipsec.secrets)",
    "FAILED",
    /newhostkey/,
  ],
  [
    "a key that others can read", // to make another would not help
    { rsaKey: { why: "not read: run: chmod 600", mayExist: true } },
    "Checking for RSA private key (/etc/ipsec.secrets)",
    "FAILED",
    /^not read: run: chmod 600$/,
  ],
  [
    "a connection without a secret",
    { missingSecrets: ["conn a: no shared secret for 192.0.2.1 and 192.0.2.2"] },
    "Checking that connections find their secrets",
    "FAILED",
    /conn a: no shared secret.*ipsec secrets/,
  ],
  [
    "a link that is down",
    { interfaces: [link("eth0", { isUp: false }), link("ipsec0", { physical: "eth0" })] },
    "Checking that eth0 is up",
    "FAILED",
    /ip link set eth0 up/,
  ],
  [
    "a link that is gone",
    { interfaces: [link("ipsec0", { physical: "ppp0" })] },
    "Checking that ppp0 is up",
    "FAILED",
    /not there/,
  ],
  [
    "another program on port 500",
    { plutoInterfaces: [] },
    "Checking that pluto listens on UDP port 500",
    "FAILED",
    /somebody else has the port.*ss -ulpn/,
  ],
  ["no pluto", { pluto: "not running" }, "Checking that pluto is running", "FAILED", /ipsec setup start/],
  ["no port 500", { udpPorts: new Set([4500]) }, "Checking that pluto listens on UDP port 500", "FAILED", /defintion/],
  [
    "no port 4500",
    { udpPorts: new Set([500]) },
    "Checking that KLIPS listens on UDP port 4500",
    "FAILED",
    /behind NAT/,
  ],
  [
    "no forwarding",
    { isForwarding: false },
    "Two or more interfaces found, checking IP forwarding",
    "FAILED",
    /ip_forward/,
  ],
  [
    "a source check",
    { interfaces: [link("eth0", { rpFilter: "1" }), link("ipsec0", { physical: "eth0" })] },
    "Checking that reverse path filtering is off",
    "FAILED",
    /rp_filter is on: eth0/,
  ],
  [
    "a source check of all",
    { rpFilterAll: "2" },
    "Checking that reverse path filtering is off",
    "FAILED",
    /eth0, ipsec0/,
  ],
  [
    "a rule that translates everything",
    { translations: [{ where: "ip nat POSTROUTING", isLimited: false }] },
    "Checking NAT and MASQUERADEing",
    "FAILED",
    /ip nat POSTROUTING/,
  ],
  ["an unreadable packet filter", { translations: undefined }, "Checking NAT and MASQUERADEing", "N/A", /^$/],
  [
    "a dropping firewall",
    { droppingInput: ["inet filter input"] },
    "Checking that the firewall lets IKE and ESP in",
    "WARNING",
    /500 and 4500/,
  ],
  [
    "a small MTU",
    { interfaces: [link("eth0", { mtu: 1300 }), link("ipsec0", { physical: "eth0" })] },
    "Checking the MTU of eth0",
    "WARNING",
    /1300/,
  ],
  ["a clock of long ago", { nowSeconds: 0 }, "Checking the clock", "FAILED", /1970/],
];
for (const [name, facts, text, verdict, seen] of WRONG) {
  Deno.test(`ipsec verify sees ${name}`, () => {
    const found = localFindings({ ...FINE, ...facts }).find((one) => one.text === text);
    equal(found?.verdict, verdict);
    ok(seen.test([...found?.details ?? [], found?.advice ?? ""].join(" ").trim()), JSON.stringify(found));
  });
}

const CONN = "version 2\nconn a\n left=192.0.2.1\n right=192.0.2.2\n auto=start\n";
const USES: [name: string, files: Record<string, string>, uses: Uses | undefined][] = [
  ["no ipsec.conf", {}, undefined],
  ["no connection that pluto loads", { "ipsec.conf": CONN.replace("start", "ignore") }, undefined],
  ["a shared secret", { "ipsec.conf": `${CONN} authby=secret\n` }, { rsaKeys: false, networks: false, dns: false }],
  ["host keys", { "ipsec.conf": `${CONN} leftrsasigkey=0sAQO7\n rightrsasigkey=0sAQO7\n` }, {
    rsaKeys: true,
    networks: false,
    dns: false,
  }],
  [
    "a network",
    { "ipsec.conf": `${CONN} authby=secret\n rightsubnet=10.2.0.0/24\n` },
    { rsaKeys: false, networks: true, dns: false },
  ],
  [
    "a key in the DNS",
    { "ipsec.conf": `${CONN} rightrsasigkey=%dnsondemand\n` },
    { rsaKeys: true, networks: false, dns: true },
  ],
  [
    "a policy group with members",
    { "ipsec.conf": `${CONN} authby=secret\n`, "ipsec.d/policies/private": "198.51.100.0/24\n" },
    { rsaKeys: true, networks: false, dns: true },
  ],
  [
    "a policy group that negotiates nothing",
    { "ipsec.conf": `${CONN} authby=secret\n`, "ipsec.d/policies/clear": "198.51.100.0/24\n" },
    { rsaKeys: false, networks: false, dns: false },
  ],
  [
    "oe=yes",
    { "ipsec.conf": `${CONN} authby=secret\nconfig setup\n oe=yes\n` },
    { rsaKeys: true, networks: false, dns: true },
  ],
];
for (const [name, texts, uses] of USES) {
  Deno.test(`usesOf() tells what is needed: ${name}`, () => {
    const files = Object.fromEntries(Object.entries(texts).map(([file, text]) => [`/etc/${file}`, text]));
    deepEqual(usesOf("/etc/ipsec.conf", fakeFiles(files)), uses);
  });
}

Deno.test("ipsec verify does not ask for what no connection needs", () => {
  const bare: LocalFacts = { ...FINE, rsaKey: { why: "the file has none", mayExist: false }, isForwarding: false };
  const bad = (uses: Uses | undefined) => localFindings({ ...bare, uses }).filter(isBad).map(({ text }) => text);
  equal(bad(undefined).length, 2);
  equal(bad({ rsaKeys: true, networks: true, dns: true }).length, 2);
  deepEqual(bad({ rsaKeys: false, networks: false, dns: false }), []);
});

Deno.test("publicAddresses() leaves out private ones, each family by its rules", () => {
  const facts = {
    ...FINE,
    interfaces: [
      link("eth0", { addresses: addresses("10.0.0.1", "172.16.0.1", "172.32.0.1", "192.168.1.1", "169.254.0.1") }),
      link("eth1", { addresses: addresses("192.0.2.1", "fe80::1", "fd00::1", "2001:db8::1", "127.0.0.2") }),
      link("ipsec0", { addresses: addresses("192.0.2.1") }),
    ],
  };
  deepEqual(publicAddresses(facts).map((one) => formatAddress(one)), ["172.32.0.1", "192.0.2.1", "2001:db8::1"]);
});

const RESOLVERS: [
  name: string,
  facts: Partial<LocalFacts>,
  answer: { ok: boolean; authenticated: boolean },
  verdict: string,
][] = [
  ["one that validates", {}, { ok: true, authenticated: true }, "OK"],
  ["one that does not validate", {}, { ok: true, authenticated: false }, "WARNING"],
  ["one far away", { trustsDnssec: false }, { ok: true, authenticated: false }, "WARNING"],
  ["one that does not answer", {}, { ok: false, authenticated: false }, "FAILED"],
];
for (const [name, facts, answer, verdict] of RESOLVERS) {
  Deno.test(`ipsec verify judges a resolver: ${name}`, () => {
    equal(resolverFinding({ ...FINE, ...facts }, answer).verdict, verdict);
  });
}

Deno.test("formatFinding() pads to 65 columns, then a tab and the verdict; colours where they are wanted", () => {
  const line = formatFinding({ text: "Checking", verdict: "MISSING", details: ["a"], advice: "b" }, false);
  equal(line, `${"Checking".padEnd(65)}\t[MISSING]\n  a\n  b\n`);
  ok(formatFinding({ text: "x", verdict: "OK" }, true).includes("[\x1b[1;32mOK\x1b[0;39m]"));
});

Deno.test("ipsec verify refuses what it does not know", async () => {
  let said = "";
  const io = {
    stdout: () => {},
    stderr: (text: string) => void (said += text),
    stdoutIsTerminal: false,
    env: () => undefined,
  };
  equal(await verify.run(["--hots", "x"], io), 2);
  ok(said.includes("Usage: ipsec verify"), said);
  equal(await verify.run(["xy.example.com"], io), 2);
});

Deno.test("ipsec verify asks pluto for nothing: it has nothing to say in its log", async () => {
  await using pluto = new FakePluto();
  equal(await whyNoPluto(`${pluto.directory}/pluto.ctl`), undefined);
  equal(await whyNoPluto(`${pluto.directory}/other`), `Pluto is not running (no "${pluto.directory}/other")`);
  while (!pluto.requests.length) await new Promise((resolve) => setTimeout(resolve, 1)); // it reads when it can
  deepEqual(pluto.requests, [{ version: 1 }]);
});

Deno.test("ipsec verify learns the interfaces of pluto from its status; of one that has ended it learns nothing", async () => {
  await using pluto = new FakePluto((_request, { say }) =>
    say("000 interface ipsec0/eth0 192.0.2.1", "000 interface ipsec1/ppp0 203.0.113.1", "000 %myid = (none)")
  );
  deepEqual(await interfacesOfPluto(`${pluto.directory}/pluto.ctl`), ["ipsec0/eth0", "ipsec1/ppp0"]);
  deepEqual(await interfacesOfPluto(`${pluto.directory}/other`), []);
});

Deno.test("ipsec verify does not blame a port where the link is down", () => {
  const interfaces = [link("eth0", { isUp: false }), link("ipsec0", { physical: "eth0" })];
  const bad = localFindings({ ...FINE, interfaces, plutoInterfaces: [], udpPorts: new Set() }).filter(isBad);
  deepEqual(bad.map(({ text }) => text), ["Checking that eth0 is up"]);
});

Deno.test("ipsec verify knows which device an ipsecN waits for", () => {
  const listing =
    "ipsec0 -> NULL mtu=16260(0) -> 0\nipsec1 -> eth1 mtu=16260(1500) -> 1500\nipsec2 -> NULL mtu=0(0) -> 0\n";
  const wanted = [{ virtual: "ipsec0", physical: "eth0" }, { virtual: "ipsec1", physical: "eth1" }];
  deepEqual([...physicalsOf(listing, wanted)], [["ipsec0", "eth0"], ["ipsec1", "eth1"]]);
  deepEqual([...physicalsOf(listing, [])], [["ipsec1", "eth1"]]); // attached by hand
});
