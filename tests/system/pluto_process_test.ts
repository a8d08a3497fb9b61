/** pluto under the supervisor: its options out of `config setup`, and what its end means. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { loadConfig } from "../../lib/config/load.ts";
import { judgeEnding } from "../../lib/system/pluto_process.ts";
import { readSettings } from "../../lib/system/setup_settings.ts";
import { fakeFiles } from "../config/_fake_files.ts";

function settings(...lines: string[]) {
  const text = `version 2\nconfig setup\n${lines.map((line) => `\t${line}\n`).join("")}`;
  return readSettings(loadConfig("/etc/ipsec.conf", fakeFiles({ "/etc/ipsec.conf": text })).setup);
}

const WORDS: [lines: string[], words: string[]][] = [
  [[], ["--uniqueids"]],
  [["uniqueids=no"], []],
  [["plutodebug=none"], ["--uniqueids"]],
  [['plutodebug="control parsing"'], ["--debug-control", "--debug-parsing", "--uniqueids"]],
  [["plutodebug=all"], ["--debug-all", "--uniqueids"]],
  [['plutoopts="--perpeerlog --ikeport 501"'], ["--perpeerlog", "--ikeport", "501", "--uniqueids"]],
  [["nocrsend=yes", "strictcrlpolicy=yes", "crlcheckinterval=1h"], [
    "--uniqueids",
    "--nocrsend",
    "--strictcrlpolicy",
    "--crlcheckinterval",
    "3600",
  ]],
  [["listen=192.0.2.1", "keep_alive=30", "virtual_private=%v4:10.0.0.0/8", "dnssec=require"], [
    ...["--uniqueids", "--listen", "192.0.2.1", "--virtual_private", "%v4:10.0.0.0/8"],
    ...["--keep_alive", "30", "--dnssec", "require"],
  ]],
  [["plutostderrlog=/var/log/pluto.log"], ["--uniqueids", "--stderrlog"]],
];
for (const [lines, words] of WORDS) {
  Deno.test(`config setup with ${lines.join(", ") || "nothing"} starts pluto ${words.join(" ")}`, () => {
    deepEqual(settings(...lines).plutoWords, words);
  });
}

const RESTARTS: [value: string | undefined, restarts: boolean][] = [
  [undefined, true],
  ["yes", true],
  ["restart", true],
  ["no", false],
  ["n", false],
  ["false", false],
  ["die", false],
];
for (const [value, restarts] of RESTARTS) {
  Deno.test(`plutorestartoncrash=${value ?? ""} is ${restarts}`, () => {
    deepEqual(settings(...(value ? [`plutorestartoncrash=${value}`] : [])).plutoRestarts, restarts);
  });
}

const AGAIN = "restarting IPsec after pause...";
const ENDINGS: [status: number | null, signal: string | null, restarts: boolean, again: boolean, lines: string[]][] = [
  [0, null, true, false, []],
  [10, null, true, false, ["pluto apparently already running (?!?), giving up"]],
  [1, null, true, true, ["!pluto failure!:  exited with error status 1", AGAIN]],
  [1, null, false, false, ["!pluto failure!:  exited with error status 1"]],
  [null, "SIGKILL", true, true, ["!pluto failure!:  killed by SIGKILL", AGAIN]],
];
for (const [status, signal, restarts, again, lines] of ENDINGS) {
  Deno.test(`the end of pluto by ${signal ?? status} ${restarts ? "" : "with plutorestartoncrash=no "}is judged`, () => {
    deepEqual(judgeEnding({ status, signal }, restarts), { again, lines });
  });
}
