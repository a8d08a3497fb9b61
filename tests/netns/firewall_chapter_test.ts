/**
 * The rules that the documentation's firewall chapter and FAQ show, word for word where iptables(8) still takes them so,
 * on a gateway with a tunnel that `ipsec setup` brought up.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { equal, match } from "node:assert/strict";
import { UPDOWN_MANUAL } from "../../commands/_updown_manual.ts";
import { ADDRESS, type FourHosts, type Host, ipsecCommand } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import { configure, configuredHosts, reaches, tunnelConn } from "./_setup.ts";
import { Wire } from "./_wire.ts";

const { sunset: SUNSET, west: WEST, east: EAST, sunrise: SUNRISE } = ADDRESS.inet;

async function tunnelled(): Promise<FourHosts> {
  const four = await configuredHosts();
  try {
    for (const host of [four.west, four.east]) {
      configure(host, ["forwardcontrol=yes"], tunnelConn());
      await host.ipsec("setup start");
    }
    return four;
  } catch (error) {
    await four[Symbol.asyncDispose]();
    throw error;
  }
}

async function iptables(host: Host, lines: string): Promise<void> {
  for (const line of lines.trim().split("\n")) await host.run(["iptables-nft", ...line.trim().split(/ +/)]);
}

const ALLOW_IPSEC = `
-I INPUT -p udp --sport 500 --dport 500 -j ACCEPT
-I OUTPUT -p udp --sport 500 --dport 500 -j ACCEPT
-I INPUT -p 50 -j ACCEPT
-I OUTPUT -p 50 -j ACCEPT`;

scenario("the simple set of rules lets IPsec through, and nothing else", tunnelled, async (four) => {
  const { sunset, west } = four;
  await iptables(west, "-P INPUT DROP\n-P OUTPUT DROP");
  equal(await sunset.canPing(SUNRISE), false, "ESP is not allowed yet");
  await iptables(west, ALLOW_IPSEC);
  await reaches(sunset, SUNRISE);
  equal(await four.east.canPing(WEST), false, "the rest of the gateway is closed");
}, ["iptables"]);

/** The chain `block`; `! -i` and a lone `-i` are today's and what was meant. */
const BLOCK = `
-N block
-A block -m state --state ESTABLISHED,RELATED -j ACCEPT
-A block -m state --state NEW -i ppp+ -j DROP
-A block -m state --state NEW -i ipsec+ -j DROP
-A block -m state --state NEW -j ACCEPT
-A block -j DROP
-A INPUT -j block
-A FORWARD -j block`;

scenario(
  "what comes out of KLIPS has come from ipsec0: new connections can be refused by it",
  tunnelled,
  async (four) => {
    const { sunset, west, sunrise } = four;
    await sunrise.pings(SUNSET);
    await iptables(west, BLOCK);
    await sunset.pings(SUNRISE); // its answers belong to a connection that is there
    equal(await sunrise.canPing(SUNSET), false);
    match(await west.run(["iptables-nft", "-v", "-n", "-L", "block"]), /^ +[1-9]\d* .* DROP .* ipsec\+ /m);
  },
  ["iptables"],
);

scenario("a script of one's own in place of _updown, as its manual page has it", configuredHosts, async (four) => {
  const { sunset, west, east } = four;
  const [, script] = /^```\n(#!.*?)^```$/ms.exec(UPDOWN_MANUAL)!;
  const file = `${west.directory}/updown`;
  const here = script.replaceAll("ipsec _updown", `${ipsecCommand().join(" ")} _updown`)
    .replaceAll("iptables ", "iptables-nft ");
  await Deno.writeTextFile(file, here, { mode: 0o755 });
  configure(east, ["forwardcontrol=yes"], tunnelConn());
  configure(west, ["forwardcontrol=yes"], `${tunnelConn()}\tleftupdown=${file}\n`);
  await iptables(west, "-P FORWARD DROP");
  for (const host of [west, east]) await host.ipsec("setup start");
  await reaches(sunset, SUNRISE);
  await west.ipsec("manual --down west-east");
  match(await west.run(["iptables-nft", "-S", "FORWARD"]), /^-P FORWARD DROP\n$/);
}, ["iptables"]);

scenario(
  "two networks with NAT each: what goes into the tunnel is not masqueraded, the rest is",
  tunnelled,
  async (four) => {
    const { sunset, west, east } = four;
    await iptables(west, "-t nat -F\n-t nat -A POSTROUTING -o eth0 ! -d 10.0.0.0/8 -j MASQUERADE");
    const behind = new Wire(await east.capture("eth1"));
    await sunset.pings(SUNRISE);
    await behind.saw("pings from sunset itself", ({ source }) => source.join(".") === SUNSET, 2);
    await behind.stop();
    const between = new Wire(await east.capture("eth0"));
    await sunset.pings(EAST); // not of the tunnel
    await between.saw(
      "pings from west's address",
      ({ source, protocol }) => protocol === 1 && source.join(".") === WEST,
      2,
    );
    equal((await between.stop()).filter(({ source }) => source.join(".") === SUNSET).length, 0);
  },
  ["iptables"],
);
