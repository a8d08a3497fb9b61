/**
 * The configuration that docs/manual-keying.md shows, as it stands there, on both gateways.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ADDRESS } from "../../tools/_net.ts";
import { testKey } from "../../tools/_keying.ts";
import { scenario } from "./_scenario.ts";
import { configuredHosts, stateOf } from "./_setup.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

const { sunrise: SUNRISE } = ADDRESS.inet;
const PAGE = Deno.readTextFileSync(new URL("../../docs/manual-keying.md", import.meta.url));

/** The indented lines of the page that begin with `first`, without their indent. */
function example(first: string): string {
  const lines = PAGE.slice(PAGE.indexOf(`    ${first}\n`)).split("\n");
  const end = lines.findIndex((line) => line !== "" && !line.startsWith("    "));
  return `${lines.slice(0, end).map((line) => line.slice(4)).join("\n").trimEnd()}\n`;
}

scenario(
  "docs/manual-keying.md's configuration brings its tunnel up on both gateways",
  configuredHosts,
  async (four) => {
    const { sunset, west, east } = four;
    const conf = example("version 2");
    match(conf, /^include ipsec\.\*\.keys$/m);
    const keys = example("conn office-keys").replace("espenckey=0x...", `espenckey=${testKey(16, 1)}`)
      .replace("espauthkey=0x...", `espauthkey=${testKey(20, 2)}`);
    ok(!keys.includes("..."), keys);
    const before = await stateOf(west);
    for (const host of [west, east]) {
      Deno.writeTextFileSync(`${host.directory}/etc/ipsec.conf`, conf);
      Deno.writeTextFileSync(`${host.directory}/etc/ipsec.office.keys`, keys, { mode: 0o600 });
      match(await host.ipsec("conf check"), /: 2 connections, 0 errors, 0 warnings\n$/);
      await host.ipsec("setup start");
      equal((await host.tryIpsec("setup status")).status, 0);
    }
    const wire = new Wire(await west.capture("eth0"));
    await sunset.pings(SUNRISE, `-c 2 -i 0.05 -W 2 ${MARKER_WORDS}`);
    await wire.saw("ESP", isEsp, 4);
    equal((await wire.stop()).filter((packet) => contains(packet, MARKER)).length, 0);
    await west.ipsec("setup stop");
    deepEqual(await stateOf(west), before);
  },
);
