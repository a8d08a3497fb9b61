/**
 * The firewall chapter of FreeS/WAN's documentation with keys from pluto: rules that let nothing but IPsec out, and scripts
 * of ipsec.conf, called at start and for each connection, that open a closed firewall.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { equal, match } from "node:assert/strict";
import { type Host, ipsecCommand, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import { configuredHosts } from "./_setup.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";
import { isEsp, PROTOCOL, Wire } from "./_wire.ts";

const OPTIONS = { secrets: SECRETS, setup: ["forwardcontrol=yes"] };

async function iptables(host: Host, lines: string): Promise<void> {
  for (const line of lines.trim().split("\n")) await host.run(["iptables-nft", ...line.trim().split(/ +/)]);
}

const rules = (host: Host) => host.run(["iptables-nft", "-S"]);

async function script(host: Host, name: string, text: string): Promise<string> {
  const file = `${host.directory}/${name}`;
  await Deno.writeTextFile(file, `#!/bin/sh\n${text}`, { mode: 0o755 });
  return file;
}

const ONLY_IPSEC_TO_EAST = `
-P INPUT DROP
-P OUTPUT DROP
-P FORWARD DROP
-A INPUT -s ${AT.east} -p udp --sport 500 --dport 500 -j ACCEPT
-A INPUT -s ${AT.east} -p 50 -j ACCEPT
-A OUTPUT -d ${AT.east} -p udp --sport 500 --dport 500 -j ACCEPT
-A OUTPUT -d ${AT.east} -p 50 -j ACCEPT
-A FORWARD -i ipsec0 -o eth1 -j ACCEPT
-A FORWARD -i eth1 -o ipsec0 -j ACCEPT`;

scenario(
  "a telecommuter whose gateway sends all there is into the tunnel, and nothing else",
  configuredHosts,
  async (four) => {
    const { sunset, west } = four;
    await iptables(west, ONLY_IPSEC_TO_EAST);
    const { west: onWest } = await startBoth(four, {
      ...OPTIONS,
      conns: [tunnel("home", { rightsubnet: "0.0.0.0/0" })],
    });
    await onWest.up("home");
    const wire = new Wire(await west.capture("eth0"));
    await sunset.pings(AT.sunrise);
    await wire.saw("ESP", isEsp, 4);
    equal(await west.canPing(AT.east), false, "west itself");
    equal((await wire.stop()).filter(({ protocol }) => protocol === PROTOCOL.icmp).length, 0);
    match(await west.ipsec("eroute"), /^\d+ +10\.1\.0\.0\/24 +-> 0\.0\.0\.0\/0 +=> tun0x\w+@192\.0\.2\.2$/m);
  },
  ["iptables"],
);

const OPEN_FOR_IKE = `
iptables-nft -I INPUT  -p udp --sport 500 --dport 500 -j ACCEPT
iptables-nft -I OUTPUT -p udp --sport 500 --dport 500 -j ACCEPT
`;

/** By PLUTO_VERB and the addresses of the peer and of its client, then what the default does. */
const OPEN_FOR_PEER = `
case "$PLUTO_VERB" in
up-client) do=-I ;;
down-client) do=-D ;;
*) do= ;;
esac
if [ -n "$do" ]
then
	iptables-nft $do INPUT -s $PLUTO_PEER -p 50 -j ACCEPT
	iptables-nft $do OUTPUT -d $PLUTO_PEER -p 50 -j ACCEPT
	iptables-nft $do FORWARD -s $PLUTO_PEER_CLIENT -d $PLUTO_MY_CLIENT -j ACCEPT
	iptables-nft $do FORWARD -s $PLUTO_MY_CLIENT -d $PLUTO_PEER_CLIENT -j ACCEPT
fi
exec ${ipsecCommand().join(" ")} _updown "$@"
`;

scenario(
  "prepluto= opens for IKE, updown= of conn %default for each peer that has proved itself",
  configuredHosts,
  async (four) => {
    const { sunset, east } = four;
    await iptables(east, "-P INPUT DROP\n-P OUTPUT DROP\n-P FORWARD DROP");
    const atStart = await script(east, "fw-start", OPEN_FOR_IKE), atUp = await script(east, "fw-updown", OPEN_FOR_PEER);
    const { west: onWest } = await startBoth(four, {
      west: { ...OPTIONS, conns: [tunnel("road")] },
      east: {
        secrets: SECRETS,
        setup: ["forwardcontrol=yes", `prepluto=${atStart}`],
        conns: [`conn %default\n\trightupdown=${atUp}\n`, tunnel("road", { left: "%any" })],
      },
    });
    const before = await rules(east);
    await onWest.up("road");
    await sunset.pings(AT.sunrise);
    match(await rules(east), /^-A INPUT -s 192\.0\.2\.1\/32 -p esp -j ACCEPT$/m);
    match(await rules(east), /^-A FORWARD -s 10\.1\.0\.0\/24 -d 10\.2\.0\.0\/24 -j ACCEPT$/m);
    await onWest.down("road");
    await until("east has closed its firewall again", async () => await rules(east) === before);
  },
  ["iptables"],
);
