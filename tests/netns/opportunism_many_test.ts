/**
 * A thousand peers that traffic comes for within three seconds: behind one gateway, and each a host of its own
 * (`_opportunists.ts` draws the net; the peers are addresses of east).
 */
import { equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ipsecHere } from "../interop/_here.ts";
import { PYTHON } from "../interop/_needs.ts";
import { AT, type HostKeys, type Opportunists, opportunists } from "./_opportunists.ts";
import { conn, type Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const MANY = 1000;
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

/** West pings each of the peers once: all answer, through tunnels. */
async function reachesAll({ west }: Opportunists, plutos: { readonly west: Pluto; readonly east: Pluto }) {
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  const program = fileURLToPath(new URL("_ping_many.py", import.meta.url));
  const words = [PEERS[0], MANY, SECONDS, PATIENCE_SECONDS, new TextDecoder().decode(MARKER)].map(String);
  const [answered] = (await west.run([PYTHON, program, ...words])).split(" ");
  equal(Number(answered), MANY, "peers that answered their first and only ping");
  equal((await plutos.west.established("ipsec")).length, MANY);
  equal((await plutos.east.established("ipsec")).length, MANY);
  await wire.saw("ESP", isEsp, 2 * MANY);
  equal(wire.count(isPing), 0, "pings in the clear");
  for (const { log } of Object.values(plutos)) equal(/internal error.*/.exec(log)?.[0], undefined);
}

scenario(
  "a thousand peers behind one gateway",
  () => opportunists({ zones: (keys) => zones(keys, () => AT.east) }),
  async (all) => {
    const { west, east, net, start } = all;
    await east.run(["ip", "route", "add", "local", NETWORK, "dev", "lo"]);
    await net.hosts.net.ip(`route add ${NETWORK} via ${AT.east} dev eth2`);
    const onWest = await start(west, { private: ["0.0.0.0/0"] });
    const behind = conn("net", { also: "private-or-clear", leftsubnet: NETWORK });
    const onEast = await start(east, { net: ["0.0.0.0/0"] }, { conns: [behind] });
    await reachesAll(all, { west: onWest, east: onEast });
    equal((await onWest.established("isakmp")).length, 1, "one phase 1 for all");
  },
  NEEDS,
);

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
