/** What `ipsec setup status` says of what it finds (commands.md §3.4). */
import { deepEqual, throws } from "node:assert/strict";
import { UserError } from "../../commands/_command.ts";
import { parseSetupOptions } from "../../commands/_setup_options.ts";
import { judge, type SetupFacts, statusJson } from "../../commands/_setup_status.ts";

const RUNNING: SetupFacts = {
  supervisor: 17,
  hasInfo: true,
  hasSubsystemLock: true,
  klips: true,
  eroutes: 2,
  pids: { KLIPS: 19 },
  interfaces: [{ virtual: "ipsec0", physical: "eth0", addresses: ["192.0.2.1/24"] }],
  manual: ["office"],
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
  eroutes: 0,
  pids: {},
  interfaces: [],
  manual: [],
};

const CASES: [what: string, facts: SetupFacts, lines: string[], status: number][] = [
  ["all is well", { ...RUNNING, pids: { KLIPS: 19, pluto: 23 } }, ["IPsec running", "pluto pid 23"], 0],
  ["there is no pluto", RUNNING, ["IPsec running", "no pluto: keying is manual"], 0],
  ["pluto is about to be started again", { ...RUNNING, pids: { KLIPS: 19, pluto: 0 } }, [
    "IPsec running",
    "but...",
    "no Pluto running!",
    "some eroutes exist",
  ], 1],
  ["ipsec.info and KLIPS are gone", { ...RUNNING, hasInfo: false, klips: false, eroutes: 0 }, [
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
    eroutes: 1,
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
  Deno.test(`setup status where ${what}`, () => {
    const judgement = judge(facts);
    deepEqual([judgement.lines, judgement.status], [lines, status]);
  });
}

Deno.test("setup status --json has what the text says, and more", () => {
  deepEqual(statusJson({ ...RUNNING, pids: { KLIPS: 19, pluto: 0 }, lost: ["ipsec0"] }), {
    state: "running",
    problems: ["no Pluto running!", "ipsec0 is gone: `ipsec setup restart' makes it again!"],
    pids: { supervisor: 17, klips: 19, pluto: null },
    klips: true,
    eroutes: 2,
    interfaces: [{ virtual: "ipsec0", physical: "eth0", isThere: false }],
    manual: ["office"],
  });
  deepEqual(statusJson(STOPPED), {
    state: "stopped",
    problems: [],
    pids: { supervisor: null },
    klips: false,
    eroutes: 0,
    interfaces: [],
    manual: [],
  });
});

const WORDS: [words: string, json: boolean | "usage"][] = [
  ["status", false],
  ["status --json", true],
  ["--status --json", true],
  ["--json status", true],
  ["--json", "usage"],
  ["start --json", "usage"],
  ["--json status status", "usage"],
];
for (const [words, json] of WORDS) {
  Deno.test(`ipsec setup ${words} ${json === "usage" ? "is refused" : json ? "prints JSON" : "prints text"}`, () => {
    const parse = () => parseSetupOptions(words.split(" "));
    if (json === "usage") throws(parse, (error: unknown) => error instanceof UserError && error.status === 2);
    else deepEqual([parse().command, parse().json], ["status", json]);
  });
}
