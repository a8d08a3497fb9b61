/**
 * A thousand peers that traffic comes for within three seconds: behind one gateway, and each a host of its own
 * (`_opportunists.ts` draws the net; the peers are addresses of east).
 */
import { deepEqual, equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Host } from "../../tools/_net.ts";
import { ipsecHere } from "../interop/_here.ts";
import { PYTHON } from "../interop/_needs.ts";
import { AT, type HostKeys, type Opportunists, opportunists } from "./_opportunists.ts";
import { conn, type Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const MANY = 1000, HUNDREDS = 300;
const NETWORK = "10.9.0.0/22";
const PEERS = Array.from({ length: MANY }, (_, i) => `10.9.${(i + 1) >> 8}.${(i + 1) & 255}`);
const SECONDS = 3;
/** Only so that a failure does not hang. */
const PATIENCE_SECONDS = 180;
const NEEDS = ["knot", "unbound"] as const;
const isPing = (packet: Packet) => packet.protocol === PROTOCOL.icmp && contains(packet, MARKER);

/** The peers' reverse map: a record each, by what is in it for its address. */
async function zones({ east }: HostKeys, gatewayOf: (peer: string) => string) {
  const record = await east.txt(AT.east);
  const lines = PEERS.map((peer) => {
    const [, , third, fourth] = peer.split(".");
    return `${fourth}.${third} ${record.replace(AT.east, gatewayOf(peer))}`;
  });
  return { "9.10.in-addr.arpa.": lines.join("\n") };
}

/** One ping to each of the peers, or with `to` one from each of them; @returns how many were answered */
async function pingMany(host: Host, count: number, ...to: readonly string[]): Promise<number> {
  const program = fileURLToPath(new URL("_ping_many.py", import.meta.url));
  const words = [PEERS[0], count, SECONDS, PATIENCE_SECONDS, new TextDecoder().decode(MARKER)].map(String);
  return Number((await host.run([PYTHON, program, ...words, ...to])).split(" ")[0]);
}

interface Plutos {
  readonly west: Pluto;
  readonly east: Pluto;
}

/** West pings each of the peers once: all answer, through tunnels. */
async function reachesAll({ west }: Opportunists, plutos: Plutos): Promise<void> {
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  equal(await pingMany(west, MANY), MANY, "peers that answered their first and only ping");
  equal((await plutos.west.established("ipsec")).length, MANY);
  equal((await plutos.east.established("ipsec")).length, MANY);
  await wire.saw("ESP", isEsp, 2 * MANY);
  inOrder(wire, plutos);
}

function inOrder(wire: Wire, plutos: Plutos): void {
  equal(wire.count(isPing), 0, "pings in the clear");
  for (const { log } of Object.values(plutos)) equal(/internal error.*/.exec(log)?.[0], undefined);
}

/** The peers are behind east. */
async function behindEast({ west, east, net, start }: Opportunists): Promise<Plutos> {
  await east.run(["ip", "route", "add", "local", NETWORK, "dev", "lo"]);
  await net.hosts.net.ip(`route add ${NETWORK} via ${AT.east} dev eth2`);
  const onWest = await start(west, { private: ["0.0.0.0/0"] });
  const behind = conn("net", { also: "private", leftsubnet: NETWORK });
  return { west: onWest, east: await start(east, { net: ["0.0.0.0/0"] }, { conns: [behind] }) };
}

const oneGateway = () => opportunists({ zones: (keys) => zones(keys, () => AT.east) });

scenario("a thousand peers behind one gateway", oneGateway, async (all) => {
  const plutos = await behindEast(all);
  await reachesAll(all, plutos);
  equal((await plutos.west.established("isakmp")).length, 1, "one phase 1 for all");
}, NEEDS);

scenario("hundreds of peers behind one gateway, and both ends begin", oneGateway, async (all) => {
  const { west, east } = all;
  const plutos = await behindEast(all);
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  const answered = await Promise.all([pingMany(west, HUNDREDS), pingMany(east, HUNDREDS, AT.west)]);
  deepEqual(answered, [HUNDREDS, HUNDREDS]);
  await wire.saw("ESP", isEsp, 4 * HUNDREDS);
  inOrder(wire, plutos);
}, NEEDS);

scenario("a thousand hosts", () => opportunists({ zones: (keys) => zones(keys, (peer) => peer) }), async (all) => {
  const { west, east, net, start } = all;
  await net.hosts.net.ip(`route add ${NETWORK} via ${AT.east} dev eth2`);
  const addPeers = async (device: string) => {
    const file = `${east.directory}/addresses`;
    await Deno.writeTextFile(file, PEERS.map((peer) => `addr add ${peer}/32 dev ${device}\n`).join(""));
    await east.run(["ip", "-batch", file]);
  };
  await addPeers("eth0");
  const onWest = await start(west, { private: ["0.0.0.0/0"] });
  const hosts = PEERS.map((peer, i) =>
    conn(`host${i}`, {
      left: peer,
      leftnexthop: "198.51.100.254",
      leftrsasigkey: "%dnsondemand",
      right: "%opportunistic",
      rightrsasigkey: "%dnsondemand",
      failureshunt: "drop",
      rekey: "no",
      auto: "add",
    })
  );
  const onEast = await start(east, {}, { conns: hosts });
  // KLIPS takes one address of a device; pluto, all that the two devices share
  await addPeers("ipsec0");
  await ipsecHere(east, "whack --listen");
  for (const i of PEERS.keys()) await ipsecHere(east, `whack --name host${i} --route`);
  await reachesAll(all, { west: onWest, east: onEast });
  equal((await onWest.established("isakmp")).length, MANY);
}, NEEDS);
