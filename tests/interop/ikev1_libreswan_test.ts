/**
 * IKEv1 with libreswan's pluto. Its kernel would have to have ESP; here a stand-in takes the SAs, so both phases are
 * negotiated to their end; then scapy plays the kernel, with the keys that libreswan came to. What cannot be run is the
 * data path of Linux, and with it what libreswan learns from it: expiry by bytes, a change of the NAT's ports.
 *
 * ```
 * west 192.0.2.1, ours ====== 192.0.2.2 east, libreswan
 * ```
 */
import { match } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type FourHosts, fourHosts, until } from "../../tools/_net.ts";
import { conn, type Parameters, Pluto } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import { layersTo, Libreswan, libreswanKey } from "./_libreswan.ts";
import { PYTHON } from "./_needs.ts";
import { AT, newHostKey, ourConn, SECRETS } from "./_office.ts";

interface Row {
  readonly name: string;
  readonly ours?: Parameters;
  /** Parameters of libreswan's conn. */
  readonly theirs?: Parameters;
}

const IDS = { leftid: "@west.example", rightid: "@east.example" };
const TRANSPORT = { type: "transport", leftsubnet: undefined, rightsubnet: undefined };

function rows(ourKey: string, theirKey: string, ckaid: string): Row[] {
  const rsa = { authby: "rsasig", leftrsasigkey: ourKey, ...IDS };
  return [
    { name: "psk", ours: { pfs: "no" }, theirs: { pfs: "no" } },
    { name: "in-udp", ours: { forceencaps: "yes" }, theirs: { encapsulation: "yes" } },
    { name: "cbc-sha2_512", ours: { esp: "aes256-sha2_512" }, theirs: { esp: "aes256-sha2_512" } },
    {
      name: "tripledes-sha1",
      ours: { ike: "aes256-sha2_384-ecp384", esp: "3des-sha1", pfsgroup: "modp3072" },
      theirs: { ike: "aes256-sha2_384-ecp384", esp: "3des-sha1-modp3072" },
    },
    { name: "ah", ours: { phase2: "ah", esp: undefined, ah: "sha2_256" }, theirs: { phase2: "ah", esp: "sha2_256" } },
    { name: "ipcomp", ours: { compress: "yes" }, theirs: { compress: "yes" } },
    { name: "transport", ours: TRANSPORT, theirs: TRANSPORT },
    { name: "aggressive", ours: { aggrmode: "yes", ...IDS }, theirs: { aggressive: "yes", ...IDS } },
    { name: "rsa", ours: { ...rsa, rightrsasigkey: theirKey }, theirs: { ...rsa, rightckaid: ckaid } },
    {
      name: "fragments",
      ours: { ...rsa, rightrsasigkey: theirKey },
      theirs: { ...rsa, rightckaid: ckaid, fragmentation: "force" },
    },
  ];
}

const ourOwn = ({ name, ours }: Row) => ourConn(name, { forceencaps: "no", ...ours, auto: "ignore" });

/** Left is west for it too. */
function theirConn({ name, theirs }: Row): string {
  return conn(name, {
    left: AT.west,
    leftsubnet: AT.westNet,
    right: AT.east,
    rightsubnet: AT.eastNet,
    authby: "secret",
    ikev2: "no",
    ike: "aes128-sha2_256-modp2048",
    esp: "aes_gcm128-null",
    leftupdown: "/bin/true",
    rightupdown: "/bin/true",
    auto: "ignore",
    ...theirs,
  });
}

/**
 * What libreswan's kernel would do, scapy does with the keys that libreswan negotiated: it opens our ESP, and answers the
 * ping inside.
 *
 * @param before how many SAs it had given to the kernel before this negotiation
 */
async function pingsByItsKeys(four: FourHosts, libreswan: Libreswan, row: Row, before: number): Promise<void> {
  const { sunset, west, east } = four;
  const sas = (await libreswan.kernelSas()).slice(before);
  const transport = row.ours?.type === "transport";
  const gateway = {
    name: row.name,
    peer: AT.east,
    west: AT.west,
    tunnel: !transport,
    udp: row.ours?.forceencaps === "yes" ? 4500 : undefined,
    inbound: layersTo(AT.east, sas),
    outbound: layersTo(AT.west, sas),
  };
  const file = `${east.directory}/gateway.json`;
  await Deno.writeTextFile(file, JSON.stringify([gateway]));
  const peer = east.start([PYTHON, fileURLToPath(new URL("_peer.py", import.meta.url)), "eth0", file]);
  try {
    await until("scapy's gateway is ready", () => peer.output.includes("ready"));
    if (transport) await west.pings(AT.east);
    else await sunset.pings(AT.sunrise);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n--- scapy: ${peer.output}`);
  } finally {
    await peer.stop();
  }
}

scenario("libreswan: both phases, each end begins; data by its keys", fourHosts, async (four) => {
  const { west, east, step } = four;
  const ourKey = await newHostKey(west), theirKey = await libreswanKey(east);
  const table = rows(ourKey.data, theirKey.key, theirKey.ckaid);
  const [pluto, libreswan] = await Promise.all([
    Pluto.start(west, {
      conns: table.map(ourOwn),
      secrets: `${SECRETS}${ourKey.record}`,
    }),
    Libreswan.start(east, {
      conns: table.map(theirConn).join("\n"),
      secrets: SECRETS,
    }),
  ]);
  for (const row of table) {
    const { name } = row;
    await step(`${name}: ours begins and deletes`, async () => {
      await libreswan.add(name);
      await pluto.add(name);
      const start = libreswan.log.length, before = (await libreswan.kernelSas()).length;
      await pluto.up(name);
      await libreswan.says(/IPsec SA established/, start);
      await pingsByItsKeys(four, libreswan, row, before);
      await pluto.down(name);
      await libreswan.says(/received Delete SA(\(0x[0-9a-f]+\))? payload: (self-)?deleting/, start);
      await until("libreswan has no state left", async () => {
        return !/^000 #/m.test((await libreswan.whack("--status")).stdout);
      });
    });
    await step(`${name}: libreswan begins, replaces the keys of phase 2, and deletes`, async () => {
      for (const what of ["first", "again"]) {
        const before = (await libreswan.kernelSas()).length;
        const { stdout } = await libreswan.whack(`--initiate --name ${name}`);
        match(stdout, /IPsec SA established/, what);
        await pingsByItsKeys(four, libreswan, row, before);
      }
      await libreswan.whack(`--delete --name ${name}`);
      await until("ours has no state left", async () => (await pluto.states()).length === 0);
      await pluto.auto(`--delete ${name}`);
    });
  }
}, ["libreswan", "certutil", "scapy", "cryptography"]);
