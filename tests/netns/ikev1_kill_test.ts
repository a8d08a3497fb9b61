/**
 * One end's pluto is killed at each state of each exchange: the supervisor starts another one, and both come up again.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 * West begins. A message is held back by the filter of the host that it is meant for, so that both ends stay where they are.
 */
import { equal } from "node:assert/strict";
import { fourHosts, type Host, until } from "../../tools/_net.ts";
import type { Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { murder } from "./_setup.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";

/** Of the ISAKMP header behind 8 bytes of UDP, as nft(8) reads it (RFC 2408 §3.1). */
const FIELD = {
  responderCookie: "@th,128,64",
  exchange: "@th,208,8",
  flags: "@th,216,8",
} as const;
const MAIN = `${FIELD.exchange} 2`, QUICK = `${FIELD.exchange} 32`;
const CLEAR = `${FIELD.flags} 0`, ENCRYPTED = `${FIELD.flags} 1`;
/** A message with a public value is longer than one with a proposal alone; KE of ECP 256 and the nonce, NAT-D. */
const KEYS = "udp length > 180";

interface Row {
  /** The message that does not arrive. */
  readonly lost: string;
  readonly to: "west" | "east";
  readonly match: string;
  /** Where the two stay; undefined: there is no state. */
  readonly west: string;
  readonly east: string | undefined;
}

const ROWS: readonly Row[] = [
  { lost: "MI1", to: "east", match: `${FIELD.responderCookie} 0`, west: "MAIN_I1", east: undefined },
  { lost: "MR1", to: "west", match: `${MAIN} ${CLEAR}`, west: "MAIN_I1", east: "MAIN_R1" },
  {
    lost: "MI2",
    to: "east",
    match: `${MAIN} ${CLEAR} ${FIELD.responderCookie} != 0`,
    west: "MAIN_I2",
    east: "MAIN_R1",
  },
  { lost: "MR2", to: "west", match: `${MAIN} ${CLEAR} ${KEYS}`, west: "MAIN_I2", east: "MAIN_R2" },
  { lost: "MI3", to: "east", match: `${MAIN} ${ENCRYPTED}`, west: "MAIN_I3", east: "MAIN_R2" },
  { lost: "MR3", to: "west", match: `${MAIN} ${ENCRYPTED}`, west: "MAIN_I3", east: "MAIN_R3" },
  { lost: "QI1", to: "east", match: QUICK, west: "QUICK_I1", east: "MAIN_R3" },
  { lost: "QR1", to: "west", match: QUICK, west: "QUICK_I1", east: "QUICK_R1" },
];

async function holdBack(host: Host, match: string): Promise<void> {
  const rule = `udp dport 500 ${match} drop`;
  await host.run(["nft", "-f", "-"], {
    input: `table ip held {\n chain in {\n type filter hook input priority 0\n ${rule}\n }\n}\n`,
  });
}

async function stays(pluto: Pluto, state: string | undefined): Promise<void> {
  if (state) await pluto.hasState(state);
  else equal((await pluto.states()).length, 0);
}

scenario("a pluto that is killed at any state of any exchange", fourHosts, async (four) => {
  const plutos = await startBoth(four, {
    conns: [tunnel("office", { auto: "start", keyingtries: "0" })],
    secrets: SECRETS,
  });
  // traffic of both sides: an east that was killed comes back as it was, taken down and trapped
  const comesUp = () =>
    until("data flows", async () => await four.sunset.canPing(AT.sunrise) || await four.sunrise.canPing(AT.sunset));
  await comesUp();
  for (const row of ROWS) {
    for (const killed of ["west", "east"] as const) {
      await four.step(`${row.lost} is lost, and ${killed}'s pluto killed`, async () => {
        for (const pluto of [plutos.west, plutos.east]) await pluto.down("office");
        await until("nothing is up", async () => {
          return (await Promise.all([plutos.west.states(), plutos.east.states()])).flat().length === 0;
        });
        await holdBack(four[row.to], row.match);
        const begun = plutos.west.auto("--async --up office");
        await stays(plutos.west, row.west);
        await stays(plutos.east, row.east);
        await murder(plutos[killed].pid);
        await begun;
        await four[row.to].run(["nft", "flush", "ruleset"]);
        await comesUp();
        // the supervisor waits longer from time to time: a new one has no such memory
        await four[killed].ipsec("setup restart");
        await comesUp();
      });
    }
  }
}, ["nft"]);
