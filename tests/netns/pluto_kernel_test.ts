/**
 * What pluto asks of KLIPS by PF_KEY, on a real one: SAs with traffic through them, eroutes, shunts, traps.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepStrictEqual as equal, match, ok, rejects } from "node:assert/strict";
import { AUTHENTICATORS, type AuthName, type CipherName, CIPHERS } from "../../lib/crypto/algorithms.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import type { IkeConnection } from "../../lib/ike/connection.ts";
import type { IpsecSa, NegotiatedSa } from "../../lib/ike/state.ts";
import type { Mode } from "../../lib/ike/suite.ts";
import { type Acquire, type Flow, KernelError } from "../../lib/pluto/kernel.ts";
import { KlipsKernel } from "../../lib/pluto/klips_kernel.ts";
import { type Address, formatAddress, parseAddress } from "../../lib/text/address.ts";
import { formatSubnet, hostSubnet, parseSubnet, type Subnet } from "../../lib/text/subnet.ts";
import { startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Family, type FourHosts, fourHosts, type Host, until } from "../../tools/_net.ts";
import { pfkeyClient, scenario } from "./_scenario.ts";
import { contains, isAh, isEsp, isEspInUdp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

interface Side {
  readonly host: Host;
  readonly kernel: KlipsKernel;
  readonly acquires: Acquire[];
  readonly warnings: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

async function open(host: Host): Promise<Side> {
  const acquires: Acquire[] = [], warnings: string[] = [];
  const kernel = await KlipsKernel.start({
    klips: await pfkeyClient(host),
    addressesOf: async (device) => {
      const [{ addr_info }] = JSON.parse(await host.ip(`-j addr show dev ${device}`));
      return (addr_info as { local: string }[]).map(({ local }) => address(local));
    },
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    onAcquire: (acquire) => void acquires.push(acquire),
    onClosed: () => {},
    after: (ms, act) => Deno.unrefTimer(setTimeout(act, ms)),
    warn: (text) => void warnings.push(text),
  });
  return { host, kernel, acquires, warnings, [Symbol.asyncDispose]: () => Promise.resolve(kernel.close()) };
}

function address(text: string): Address {
  const parsed = parseAddress(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

function subnet(text: string): Subnet {
  const parsed = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

interface Suite {
  readonly mode?: Mode;
  readonly esp?: readonly [cipher: CipherName, auth?: AuthName];
  readonly ah?: AuthName;
  readonly ipcomp?: boolean;
  readonly natt?: boolean;
  readonly family?: Family;
}

const key = (bits: number, seed: number) =>
  new Secret(Uint8Array.from({ length: bits / 8 }, (_, i) => (i * 37 + seed * 101 + 1) & 0xff));

/** The SA as one side has it: what one sends by, the other receives by. */
function saOf(which: "west" | "east", number: number, suite: Suite): IpsecSa {
  const { mode = "tunnel", esp, ah, ipcomp, natt, family = "inet" } = suite;
  const at = ADDRESS[family];
  const isWest = which === "west";
  const spi = (base: number, towardsWest: boolean) => base + 16 * number + (towardsWest ? 1 : 0);
  const protocols: NegotiatedSa[] = [];
  const add = (one: NegotiatedSa["suite"], base: number, cipherBits: number, authBits: number) => {
    const keys = (towardsWest: boolean) => ({
      ...(cipherBits && { cipher: key(cipherBits, base + (towardsWest ? 1 : 0)) }),
      ...(authBits && { auth: key(authBits, base + 7 + (towardsWest ? 1 : 0)) }),
    });
    protocols.push({
      suite: one,
      inboundSpi: spi(base, isWest),
      outboundSpi: spi(base, !isWest),
      inboundKeys: keys(isWest),
      outboundKeys: keys(!isWest),
    });
  };
  if (ah) add({ protocol: "ah", auth: ah }, 0x3000, 0, AUTHENTICATORS[ah].keyBits);
  if (esp) {
    const [cipher, auth] = esp;
    add({ protocol: "esp", cipher, auth }, 0x2000, CIPHERS[cipher].keyBits, auth ? AUTHENTICATORS[auth].keyBits : 0);
  }
  if (ipcomp) add({ protocol: "ipcomp" }, 0x400, 0, 0);
  const [local, remote] = isWest ? [at.west, at.east] : [at.east, at.west];
  const nets = mode === "tunnel" ? [at.westNet, at.eastNet] : [hostOf(at.west), hostOf(at.east)];
  const [ours, peers] = isWest ? nets : nets.toReversed();
  const end = { protocol: 0, clientPort: 0 };
  return {
    kind: "ipsec",
    number,
    mode,
    protocols,
    path: { local: address(local), localPort: 500, remote: address(remote), remotePort: 500 },
    ourClient: subnet(ours),
    peersClient: subnet(peers),
    connection: { ours: end, peers: end } as unknown as IkeConnection,
    encapsulation: natt ? { localPort: 4500, remotePort: 4500 } : undefined,
  } as unknown as IpsecSa;
}

function hostOf(text: string): string {
  return formatSubnet(hostSubnet(address(text)));
}

function flowOf({ ourClient, peersClient }: IpsecSa): Flow {
  return { ours: ourClient, peers: peersClient, protocol: 0, ourPort: 0, peersPort: 0 };
}

async function install({ kernel, host }: Side, sa: IpsecSa): Promise<void> {
  await kernel.installInbound(sa);
  await kernel.installOutbound(sa);
  await kernel.addEroute(flowOf(sa), sa, true);
  const { address: { family } } = sa.peersClient;
  const dashed = family === "inet6" ? "-6" : "-4", at = ADDRESS[family];
  const inner = host.name === "west" ? at.westInner : at.eastInner;
  const source = sa.mode === "tunnel" ? inner : formatAddress(sa.path.local);
  await host.ip(`${dashed} route replace ${formatSubnet(sa.peersClient)} dev ipsec0 src ${source}`);
}

/** What is on the wire: AH around ESP around IPCOMP. */
const outermost = ({ ah, natt }: Suite) => ah ? isAh : natt ? isEspInUdp : isEsp;

const SUITES: [what: string, suite: Suite][] = [
  ["ESP with AES-GCM", { esp: ["aes128gcm16"] }],
  ["ESP with 3DES and HMAC-MD5", { esp: ["3des", "md5-96"] }],
  ["ESP in transport mode", { mode: "transport", esp: ["aes256", "sha2_256-128"] }],
  ["IPCOMP in ESP in AH", { esp: ["aes128", "sha1-96"], ah: "sha2_256-128", ipcomp: true }],
  ["AH alone", { ah: "sha1-96" }],
  ["ESP in UDP", { esp: ["aes256gcm16"], natt: true }],
  ["ESP over IPv6", { family: "inet6", esp: ["aes128gcm16"] }],
];

scenario("SAs that pluto installs carry packets both ways", fourHosts, async (four: FourHosts & { step: StepOf }) => {
  const { west, east, sunset, step } = four;
  await Promise.all([west, east].map((host) => startKlips(host)));
  await using left = await open(west);
  await using right = await open(east);
  equal(left.kernel.canCompress, true);

  let number = 1;
  for (const [what, suite] of SUITES) {
    const sas = [saOf("west", ++number, suite), saOf("east", number, suite)];
    await step(what, async () => {
      await install(left, sas[0]);
      await install(right, sas[1]);
      const { sunrise, east: peer } = ADDRESS[suite.family ?? "inet"];
      const wire = new Wire(await west.capture("eth0"));
      if (suite.mode === "transport") await west.pings(peer, `-c 2 -i 0.05 -W 2 ${MARKER_WORDS}`);
      else await sunset.pings(sunrise, `-c 2 -i 0.05 -W 2 ${MARKER_WORDS}`);
      await wire.saw(what, outermost(suite), 4);
      equal((await wire.stop()).filter((packet) => contains(packet, MARKER)).length, suite.esp ? 0 : 4, "in clear");
      // whoever asks within a second gets the answer of the first
      await until("east knows when something came", async () => (await right.kernel.idleInbound([sas[1]]))! <= 5000);
      const [eroute] = await left.kernel.eroutes();
      ok(eroute.packets >= 2, `the eroute counts: ${eroute.packets}`);
    });
    for (const [side, sa] of [[left, sas[0]], [right, sas[1]]] as const) {
      await side.kernel.deleteEroute(flowOf(sa));
      await side.kernel.remove(sa);
      equal(await side.host.ipsec("spi"), "", `${what}: nothing is left`);
      equal(await side.kernel.eroutes(), []);
    }
  }
  equal([...left.warnings, ...right.warnings], []);
});

type StepOf = (name: string, part: () => Promise<void>) => Promise<void>;

scenario("chains, policies and refusals as KLIPS lists them", fourHosts, async (four: FourHosts & { step: StepOf }) => {
  const { west, step } = four;
  await startKlips(west);
  await using side = await open(west);
  const { kernel } = side;

  await step("interfaces are those whose address ipsecN shares", async () => {
    equal(await kernel.interfaces(), [], "ipsec0 has no address yet");
    await west.ip(`addr add ${ADDRESS.inet.west}/32 dev ipsec0`);
    const found = await kernel.interfaces();
    equal(
      found.map(({ virtual, physical, addresses }) => [virtual, physical, addresses.map((one) => formatAddress(one))]),
      [
        ["ipsec0", "eth0", [ADDRESS.inet.west]],
      ],
    );
  });
  const sa = saOf("west", 2, { esp: ["aes128", "sha1-96"], ah: "sha1-96", ipcomp: true });
  await step("tunnels are numbered from 0x1001 on, both directions alike", async () => {
    equal(await kernel.installInbound(sa), { tunnelIn: 0x1001 });
    equal(await kernel.installOutbound(sa), { tunnelOut: 0x1002 });
    const groups = (await west.ipsec("spigrp")).trim().split("\n").map((line) => line.trim().replace(/@\S+/g, ""))
      .sort();
    equal(groups, ["tun0x1001 comp0x421 esp0x2021 ah0x3021", "tun0x1002 comp0x420 esp0x2020 ah0x3020"]);
    match(
      await west.ipsec("spi"),
      /tun0x1001@\S+ IPIP: dir=in \S* *src=192\.0\.2\.2 policy=10\.2\.0\.0\/24->10\.1\.0\.0\/24/,
    );
  });
  await step("what arrives is not checked where the connection says so", async () => {
    const other = saOf("west", 3, { esp: ["aes128gcm16"] });
    await kernel.installInbound(other, false);
    ok(!/tun0x1003\S+ IPIP: .*policy=/.test(await west.ipsec("spi")));
    await kernel.remove(other);
  });
  await step("an SA that is there already is refused, and nothing is left of the rest", async () => {
    const before = await west.ipsec("spi");
    await rejects(
      kernel.installInbound({ ...sa, number: 9 }),
      (error: KernelError) =>
        error instanceof KernelError &&
        error.message ===
          "ERROR: PF_KEY SADB_ADD response for Add SA comp.421@192.0.2.1 included errno 17: File exists",
    );
    equal((await west.ipsec("spi")).split("\n").length, before.split("\n").length);
  });
  await step("an eroute is added, replaced by a shunt, and deleted", async () => {
    const flow = flowOf(sa);
    await kernel.addEroute(flow, sa, false);
    equal((await kernel.eroutes()).map(({ target }) => target), ["tun0x1002@192.0.2.2"]);
    await rejects(kernel.addShunt(flow, "trap", false), /SADB_X_ADDFLOW response for flow %trap included errno 17/);
    for (const kind of ["trap", "pass", "drop", "reject", "hold"] as const) {
      await kernel.addShunt(flow, kind, true);
      equal((await kernel.eroutes()).map(({ target }) => target), [`%${kind}`]);
    }
    await kernel.deleteEroute(flow);
    await kernel.deleteEroute(flow); // what is not there is passed over
    equal(await kernel.eroutes(), []);
  });
  await step("eroutes have protocol and ports", async () => {
    const flow = { ...flowOf(sa), protocol: 17, peersPort: 1701 };
    await kernel.addShunt(flow, "trap", false);
    equal((await kernel.eroutes()).map((one) => one.flow), [flow]);
    await kernel.deleteEroute(flow);
  });
  await step("SAs have limits, at which KLIPS asks for others", async () => {
    const worn = saOf("west", 5, { esp: ["3des", "md5-96"] });
    await kernel.installOutbound(worn);
    match(await west.ipsec("spi"), /esp0x2050@\S+ .*bytes\(0,4294967296,0\).*packets\(0,3221225472,0\)/);
    await kernel.remove(worn);
  });
  await step("a peer that moves behind its NAT keeps keys and counts", async () => {
    const natt = saOf("west", 4, { esp: ["aes128gcm16"], natt: true });
    await kernel.installInbound(natt);
    await kernel.installOutbound(natt);
    await kernel.moveEncapsulation(natt, address("203.0.113.9"), 40000);
    const moved = (await west.ipsec("spi")).split("\n").filter((line) => line.includes("natdport=40000"));
    equal(moved.length, 2);
    await kernel.remove(natt);
  });
});

scenario("a packet that meets the trap: pluto hears of it, and it goes through the SA", fourHosts, async (four) => {
  const { west, east, sunset } = four;
  await Promise.all([west, east].map((host) => startKlips(host)));
  await using left = await open(west);
  await using right = await open(east);
  const { sunset: from, sunrise: to, westNet, eastNet } = ADDRESS.inet;
  const flow: Flow = { ours: subnet(westNet), peers: subnet(eastNet), protocol: 0, ourPort: 0, peersPort: 0 };
  await left.kernel.addShunt(flow, "trap", false);
  await west.ip(`route replace ${eastNet} dev ipsec0`);
  const wire = new Wire(await west.capture("eth0"));
  const ping = sunset.attempt(["ping", "-n", "-c", "1", "-W", "8", ...MARKER_WORDS.split(" "), to]);
  await until("KLIPS asks", () => left.acquires.length > 0);
  equal(left.acquires.map((one) => [formatAddress(one.from), formatAddress(one.to), one.protocol, one.toPort]), [
    [from, to, 0, 0],
  ]);
  const narrow: Flow = { ...flow, ours: hostSubnet(address(from)), peers: hostSubnet(address(to)) };
  equal(
    (await left.kernel.eroutes()).map(({ target, flow: { peers } }) => `${formatSubnet(peers)} ${target}`).sort(),
    [`${eastNet} %trap`, `${to}/32 %hold`],
  );
  const sas = [saOf("west", 2, { esp: ["aes128gcm16"] }), saOf("east", 2, { esp: ["aes128gcm16"] })];
  await install(right, sas[1]);
  await left.kernel.installInbound(sas[0]);
  await left.kernel.installOutbound(sas[0]);
  // the held packet goes where the replaced hold leads
  await left.kernel.addEroute(narrow, sas[0], true);
  equal((await ping).status, 0, "the very packet that was trapped was answered");
  await wire.saw("ESP", isEsp, 2);
  equal((await wire.stop()).filter((packet) => contains(packet, MARKER)), [], "nothing went in clear");
});
