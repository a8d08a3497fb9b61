/**
 * A stream of data goes on while the keys of both phases are replaced again and again, and nothing of it is in the clear.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { fourHosts, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";
import { isHousekeeping, Wire } from "./_wire.ts";

/** Phase 2 is replaced after 4 seconds, phase 1 after 6. */
const LIVES = { keylife: "8s", ikelifetime: "10s", rekeymargin: "4s", rekeyfuzz: "0%" };
const SECONDS = 20;
const REPLACEMENTS = 3;

interface Report {
  readonly error?: string;
  readonly intervals: readonly { readonly sum: { readonly bytes: number; readonly seconds: number } }[];
}

for (const [which, reverse] of [["by its sender", false], ["by its receiver", true]] as const) {
  scenario(`iperf3 goes on while keys are replaced ${which}`, fourHosts, async (four) => {
    const { sunset, west, sunrise } = four;
    const patient = tunnel("office", { ...LIVES, keylife: "1h", ikelifetime: "1h" });
    const plutos = await startBoth(four, {
      west: { conns: [tunnel("office", LIVES)], secrets: SECRETS },
      east: { conns: [patient], secrets: SECRETS },
    });
    await plutos.west.up("office");
    const server = sunrise.start(["iperf3", "-s", "--forceflush"]);
    await until("iperf3 listens", () => server.output.includes("listening"));
    const clear = new Wire(await west.capture("eth0", "not arp and not ip proto 50 and not udp port 500"));
    const words = ["-c", AT.sunrise, "-t", String(SECONDS), "-i", "1", "--json", ...(reverse ? ["-R"] : [])];
    const { intervals, error }: Report = JSON.parse(await sunset.run(["iperf3", ...words]));
    equal(error, undefined);
    const replaced = (what: string) =>
      plutos.west.log.match(new RegExp(`initiating ${what} Mode .*to replace`, "g"))?.length ?? 0;
    ok(replaced("Quick") >= REPLACEMENTS, `phase 2 was replaced ${replaced("Quick")} times`);
    ok(replaced("Main") >= REPLACEMENTS - 1, `phase 1 was replaced ${replaced("Main")} times`);
    ok(intervals.length >= SECONDS);
    deepEqual(intervals.filter(({ sum: { bytes } }) => bytes === 0), [], "each second has brought something");
    deepEqual((await clear.stop()).filter((packet) => !isHousekeeping(packet)), [], "nothing is in the clear");
  });
}
