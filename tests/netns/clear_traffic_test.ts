/**
 * Clear traffic through KLIPS: what a %pass lets go leaves in the super-packets that it came in, as long as nobody on the
 * way has to see the segments.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ------ 192.0.2.2 east -- sunrise 10.2.0.10
 *        fd01:1::10        2001:db8::1      2001:db8::2                fd01:2::10
 * ```
 */
import { equal, ok } from "node:assert/strict";
import { startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Family, fourHosts } from "../../tools/_net.ts";
import { serve, transfer } from "./_iperf.ts";
import { interfaceStatus, scenario } from "./_scenario.ts";
import { type Packet, PROTOCOL, Wire } from "./_wire.ts";

const TCP_BYTES = 12_000_000;
const MTU = 1500, NARROW_MTU = 1400;
/** After so long KLIPS has heard of other rules and neighbours. */
const HEARD_MS = 1100;
const FAMILIES: Family[] = ["inet", "inet6"];

const isTcpTo = (family: Family, mtu: number) => ({ version, protocol, bytes }: Packet) =>
  version === (family === "inet" ? 4 : 6) && protocol === PROTOCOL.tcp && bytes.length > mtu;

const RULED = `table inet filter {
  chain output { type filter hook output priority 0; counter; }
}`;
/** Debian's, and what a container engine adds. */
const UNRULED = `table inet filter {
  chain input { type filter hook input priority 0; ct state established accept; }
  chain output { type filter hook output priority 0; }
}
table ip nat {
  chain postrouting { type nat hook postrouting priority 100; ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }
}`;

scenario("clear traffic leaves uncut", fourHosts, async (four) => {
  const { sunset, west, east, sunrise, step } = four;
  await Promise.all([startKlips(west), serve(sunrise)]);
  for (const family of FAMILIES) {
    const at = ADDRESS[family], dashed = family === "inet" ? "-4" : "-6";
    await west.ip(`${dashed} route add ${at.eastNet} via ${at.east} metric 2000`); // how packets leave that KLIPS passes
    await west.ip(`${dashed} route add ${at.eastNet} dev ipsec0 metric 5`);
    await east.ip(`${dashed} route add ${at.westNet} via ${at.west}`);
    await west.ipsec(`eroute --add --eraf ${family} --src ${at.westNet} --dst ${at.eastNet} --said %pass`);
  }

  /** Streams from sunset to sunrise. @returns how many packets west sent that are larger than its MTU */
  const stream = async (family: Family, mtu = MTU): Promise<number> => {
    const wire = new Wire(await west.capture("eth0"));
    const bytes = await transfer(sunset, ADDRESS[family].sunrise, `-n ${TCP_BYTES}`);
    ok(bytes > TCP_BYTES / 4, `TCP carried ${bytes} of ${TCP_BYTES} bytes`);
    return (await wire.stop()).filter(isTcpTo(family, mtu)).length;
  };
  const ruleset = async (text: string) => {
    await west.run(["nft", "-f", "-"], { input: `flush ruleset\n${text}` });
    await new Promise((resolve) => setTimeout(resolve, HEARD_MS));
  };

  for (const family of FAMILIES) {
    await step(`super-packets of a network behind the gateway (${family})`, async () => {
      const before = await interfaceStatus(west);
      ok(await stream(family) > 0, "all were cut");
      const after = await interfaceStatus(west);
      ok(after.txPackets - before.txPackets > TCP_BYTES / MTU / 4, "segments are counted, not super-packets");
      ok(after.txBytes - before.txBytes > TCP_BYTES / 4);
      equal(after.rxPackets, 0, "what comes in the clear does not see KLIPS");
    });
    await step(`rules for what leaves see every segment (${family})`, async () => {
      await ruleset(RULED);
      equal(await stream(family), 0);
      const [, bytes] = /counter packets \d+ bytes (\d+)/.exec(await west.run(["nft", "list", "ruleset"]))!;
      ok(Number(bytes) > TCP_BYTES / 4, `the rule saw ${bytes} bytes`);
    });
    await step(`rules that look at nothing more do not matter (${family})`, async () => {
      await ruleset(UNRULED);
      ok(await stream(family) > 0, "all were cut");
    });
  }
  for (const family of FAMILIES) {
    await step(`a link that becomes narrower is kept to (${family})`, async () => {
      await west.ip(`link set eth0 mtu ${NARROW_MTU}`);
      await sunset.canPing(ADDRESS[family].sunrise, `-c 2 -i 0.2 -W 1 -M do -s ${NARROW_MTU}`);
      ok(await stream(family, NARROW_MTU) > 0, "all were cut");
    });
    await step(`a %drop is one (${family})`, async () => {
      const at = ADDRESS[family];
      await west.ipsec(`eroute --replace --eraf ${family} --src ${at.westNet} --dst ${at.eastNet} --said %drop`);
      equal(await sunset.canPing(at.sunrise, "-c 1 -W 0.3"), false);
    });
  }
}, ["nft"]);
