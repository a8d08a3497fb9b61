/** What `ipsec setup status` says of what it finds (commands.md §3.4). */
import { deepEqual } from "node:assert/strict";
import { judge, type SetupFacts } from "../../commands/_setup_status.ts";

const RUNNING: SetupFacts = {
  supervisor: 17,
  hasInfo: true,
  hasSubsystemLock: true,
  klips: true,
  eroutes: true,
  pluto: undefined,
  lost: [],
  infoPath: "/run/ipsec/ipsec.info",
  subsystemLockPath: "/var/lock/subsys/ipsec",
};
const STOPPED: SetupFacts = {
  ...RUNNING,
  supervisor: undefined,
  hasInfo: false,
  hasSubsystemLock: false,
  klips: false,
  eroutes: false,
};

const CASES: [what: string, facts: SetupFacts, lines: string[], status: number][] = [
  ["all is well", { ...RUNNING, pluto: 23 }, ["IPsec running", "pluto pid 23"], 0],
  ["there is no pluto", RUNNING, ["IPsec running", "no pluto: keying is manual"], 0],
  ["pluto is about to be started again", { ...RUNNING, pluto: 0 }, [
    "IPsec running",
    "but...",
    "no Pluto running!",
    "some eroutes exist",
  ], 1],
  ["ipsec.info and KLIPS are gone", { ...RUNNING, hasInfo: false, klips: false, eroutes: false }, [
    "IPsec running",
    "but...",
    "/run/ipsec/ipsec.info file missing!",
    "KLIPS is not running!",
  ], 1],
  ["an interface is gone", { ...RUNNING, lost: ["ipsec0"] }, [
    "IPsec running",
    "but...",
    "ipsec0 is gone: `ipsec setup restart' makes it again!",
    "some eroutes exist",
  ], 1],
  ["nothing runs", STOPPED, ["IPsec stopped"], 0],
  ["a killed supervisor has left everything", {
    ...STOPPED,
    hasInfo: true,
    hasSubsystemLock: true,
    klips: true,
    eroutes: true,
  }, [
    "IPsec stopped",
    "but...",
    "has subsystem lock (/var/lock/subsys/ipsec)!",
    "has /run/ipsec/ipsec.info file!",
    "KLIPS is running!",
    "some eroutes exist!",
  ], 1],
];
for (const [what, facts, lines, status] of CASES) {
  Deno.test(`setup status where ${what}`, () => deepEqual(judge(facts), { lines, status }));
}
