import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { type Io, UserError } from "../../commands/_command.ts";
import { messageJson } from "../../commands/_pf_key_json.ts";
import { messageText } from "../../commands/_pf_key_text.ts";
import { pfKey } from "../../commands/pf_key.ts";
import { encodeMessage } from "../../lib/pfkey/codec.ts";
import { MESSAGES, SATYPES } from "../../lib/pfkey/constants.ts";
import type { PfkeyMessage } from "../../lib/pfkey/message.ts";
import { pfkeySocketPath } from "../../lib/system/paths.ts";
import { selfCommand } from "../../lib/system/self.ts";
import { at, EAST, espExtensions, saOf, Station, WEST } from "../klips/_station.ts";

const P = "ipsec pf_key";
const USAGE = pfKey.usage();

function message(parts: Partial<PfkeyMessage> & { type: number }): Uint8Array<ArrayBuffer> {
  return encodeMessage({ errno: 0, satype: 0, seq: 0, pid: 0, extensions: {}, ...parts });
}

const limits = (bytes: number) => ({ allocations: 0, bytes, addtime: 0, usetime: 0, packets: 0 });
/** The example of klips.md §7. */
const EXPIRE = message({
  type: MESSAGES.EXPIRE.number,
  satype: SATYPES.ESP.number,
  seq: 1,
  extensions: {
    sa: saOf(0x12345678, { auth: 2, encrypt: 3, ref: 2 }),
    lifetimeCurrent: { allocations: 1, bytes: 408, addtime: 77, usetime: 80, packets: 3 },
    lifetimeSoft: limits(384),
    source: at(WEST),
    destination: at(EAST),
  },
});
const EXPIRE_TEXT = `
pfkey v2 msg. type=8(expire) seq=1 len=21 pid=0 errno=0 satype=3(ESP)
version=2 type=8 errno=0 satype=3 len=21 seq=1 pid=0 {ext=1 len=3 spi=78563412 replay=0 state=1 auth=2 encrypt=3 \
flags=00000000 ref=00000002}{ext=2 len=5 allocations=1 bytes=408 addtime=77 usetime=80 packets=3 } {ext=4 len=5 \
allocations=0 bytes=384 addtime=0 usetime=0 packets=0 } {ext=5 len=3 proto=0 prefixlen=0 \
addr=0x02000000c00102170000000000000000 } {ext=6 len=3 proto=0 prefixlen=0 \
addr=0x02000000c001022d0000000000000000 } \n`;

/** An ADD with keys whose bytes are easy to find in text. */
const ADD = message({
  type: MESSAGES.ADD.number,
  satype: SATYPES.ESP.number,
  seq: 7,
  pid: 99,
  extensions: {
    ...espExtensions(0x1000),
    keyAuth: { bits: 128, key: new Uint8Array(16).fill(0xa5) },
    keyEncrypt: { bits: 192, key: new Uint8Array(24).fill(0x5a) },
  },
});

/** Sets 16 bits of a copy. */
function patched(raw: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = raw.slice();
  new DataView(copy.buffer).setUint16(offset, value, true);
  return copy;
}

const HEAD = "pfkey v2 msg. type=7(register) seq=3 len=4 pid=987 errno=0 satype=9(IPIP)\n";
const FIELDS = "version=2 type=7 errno=0 satype=9 len=4 seq=3 pid=987 ";
const REGISTER = message({
  type: MESSAGES.REGISTER.number,
  satype: SATYPES.IPIP.number,
  seq: 3,
  pid: 987,
  extensions: { supportedEncrypt: [{ id: 1, ivBits: 0, minBits: 32, maxBits: 32 }] },
});
const SHORT_SA = message({ type: 4, extensions: { satype2: 3 } }); // one word, made an SA below

const TEXTS: [what: string, raw: Uint8Array, text: string][] = [
  ["an EXPIRE", EXPIRE, EXPIRE_TEXT],
  ["a REGISTER reply", REGISTER, `\n${HEAD}${FIELDS}{ext=15 len=2 bytes=0x000000000100200020000000 } \n`],
  ["an extension of length 0", patched(REGISTER, 16, 0), `\n${HEAD}${FIELDS}{ext=15 len=0 illegal-length(0) \n`],
  [
    "an extension longer than the message",
    patched(REGISTER, 16, 9),
    `\n${HEAD}${FIELDS}{ext=15 len=9 short-packet(16<72) bytes=0x000000000100200020000000 } \n`,
  ],
  [
    "an SA extension that is too short",
    patched(SHORT_SA, 18, 1),
    "\npfkey v2 msg. type=4(delete) seq=0 len=3 pid=0 errno=0 satype=0(UNKNOWN)\n" +
    "version=2 type=4 errno=0 satype=0 len=3 seq=0 pid=0 {ext=1 len=1 short-packet(8<24) bytes=0x03000000 } \n",
  ],
  [
    "an ADD whose extension is longer than the message, which may reach over a key",
    patched(message({ type: 3, extensions: { satype2: 3 } }), 16, 2),
    "\npfkey v2 msg. type=3(add) seq=0 len=3 pid=0 errno=0 satype=0(UNKNOWN)\n" +
    "version=2 type=3 errno=0 satype=0 len=3 seq=0 pid=0 malformed(not shown) \n",
  ],
  [
    "a refusal of an unknown type",
    message({ type: 77, errno: 22, satype: 12, seq: 1, pid: 2 }),
    "\npfkey v2 msg. type=77(unknown-sadb-type) seq=1 len=2 pid=2 errno=22 satype=12(UNKNOWN)\n" +
    "version=2 type=77 errno=22 satype=12 len=2 seq=1 pid=2 \n",
  ],
  [
    "a protocol",
    message({ type: 14, satype: 11, extensions: { protocol: { protocol: 6, direction: 1, flags: 2 } } }),
    "\npfkey v2 msg. type=14(x-addflow(eroute)) seq=0 len=3 pid=0 errno=0 satype=11(INT)\n" +
    "version=2 type=14 errno=0 satype=11 len=3 seq=0 pid=0 {ext=26 len=1 proto=6 direction=1 flags=2 } \n",
  ],
];
for (const [what, raw, text] of TEXTS) {
  Deno.test(`pf_key prints ${what}`, () => equal(messageText(raw), text));
}

for (const [how, print] of [["text", messageText], ["JSON", messageJson]] as const) {
  Deno.test(`pf_key never prints a key: ${how}, whatever an extension's length and number become`, () => {
    for (let offset = 16; offset < ADD.length; offset += 8) {
      for (const words of [0, 1, 3, 4, 5, 8, 100]) {
        doesNotMatch(print(patched(ADD, offset, words)), /(a5|5a){4}|165|90,/);
      }
    }
    for (let size = 16; size <= ADD.length; size++) doesNotMatch(print(ADD.subarray(0, size)), /(a5|5a){4}|165|90,/);
  });
}

Deno.test("pf_key prints a key extension's number and length", () => {
  match(messageText(ADD), /\{ext=8 len=3 bytes=\(not shown\) \} \{ext=9 len=4 bytes=\(not shown\) \} \n$/);
});

Deno.test("pf_key --json names what it prints", () => {
  deepEqual(JSON.parse(messageJson(ADD)), {
    message: "add",
    type: 3,
    satype: "ESP",
    seq: 7,
    pid: 99,
    errno: 0,
    extensions: {
      sa: { spi: "0x1000", replay: 0, state: 1, auth: 2, encrypt: 3, flags: 0, ref: 0xffffffff },
      source: { address: WEST, port: 0, proto: 0, prefixLength: 0 },
      destination: { address: EAST, port: 0, proto: 0, prefixLength: 0 },
      keyAuth: { bits: 128 },
      keyEncrypt: { bits: 192 },
    },
  });
});

Deno.test("pf_key --json tells an error and a malformed message", () => {
  const refusal = JSON.parse(messageJson(message({ type: 3, errno: 17, satype: 3 })));
  deepEqual([refusal.errno, refusal.error], [17, "file already exists"]);
  match(JSON.parse(messageJson(patched(REGISTER, 16, 9))).malformed, /^extension 15 of 72 bytes/);
});

interface Said {
  stdout: string;
  stderr: string;
}

function ioOf(directory: string): Io & { said: Said } {
  const said: Said = { stdout: "", stderr: "" };
  return {
    said,
    stdout: (text) => void (said.stdout += text),
    stderr: (text) => void (said.stderr += text),
    stdoutIsTerminal: false,
    env: (name) => name === "IPSEC_RUNDIR" ? directory : undefined,
  };
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync();
  try {
    await body(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Runs without a daemon; the run-time directory is shown as DIR. */
async function run(args: string[], directory: string): Promise<[status: number, stdout: string, stderr: string]> {
  const io = ioOf(directory);
  let status: number;
  try {
    status = await pfKey.run(args, io);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [error.status, io.said.stdout, error.message];
  }
  return [status, io.said.stdout, io.said.stderr.replaceAll(directory, "DIR")];
}

const ABSENT =
  "KLIPS is not running: no socket at DIR/pfkey.sock.  Start it with 'ipsec setup start', or alone with 'ipsec klips --start'.";
const REFUSED: [args: string[], stderr: string][] = [
  [["--help"], USAGE],
  [["-h"], USAGE],
  [["--nope"], `${P}: unrecognized option '--nope'\n${USAGE}`],
  [["word"], `${P}: unexpected argument word\n${USAGE}`],
  [["--dumpfile"], `${P}: option '--dumpfile' requires an argument\n${USAGE}`],
  [["-d", "x", "-e", "y"], `${P}: --dumpfile goes with neither --daemon nor --encodefile.\n`],
  [["-d", "x", "-f", "y"], `${P}: --dumpfile goes with neither --daemon nor --encodefile.\n`],
  [["--dumpfile=/nowhere/at/all"], `${P}: failed to open /nowhere/at/all: No such file or directory (os error 2)\n`],
  [[], `${P}: failed to open PF_KEY family socket: ${ABSENT}\n`],
  [["--esp", "--json"], `${P}: failed to open PF_KEY family socket: ${ABSENT}\n`],
];
for (const [args, stderr] of REFUSED) {
  Deno.test(`pf_key ${args.join(" ")} exits with 1`, async () => {
    await inDirectory(async (directory) => {
      const [status, out, err] = await run(args, directory);
      deepEqual([status, out, err.replace(/: open '.*'$/m, "")], [1, "", stderr]);
    });
  });
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const RECORDINGS: [what: string, bytes: Uint8Array, status: number, stdout: string, stderr: string][] = [
  ["nothing", new Uint8Array(), 0, "", "exited normally"],
  ["several messages", concat(EXPIRE, EXPIRE, EXPIRE), 0, EXPIRE_TEXT.repeat(3), "exited normally"],
  ["half a header", EXPIRE.subarray(0, 9), 1, "", "runt packet of size: 9 (<16)"],
  [
    "a cut-off message after a whole one",
    concat(EXPIRE, EXPIRE.subarray(0, 160)),
    1,
    EXPIRE_TEXT,
    "packet size read from socket=160 doesn't equal sadb_msg_len 21 * 8; message not decoded",
  ],
  [
    "a length of 0",
    patched(EXPIRE, 4, 0),
    1,
    "",
    "packet size read from socket=16 doesn't equal sadb_msg_len 0 * 8; message not decoded",
  ],
];
for (const [what, bytes, status, stdout, stderr] of RECORDINGS) {
  Deno.test(`pf_key --dumpfile prints a file of ${what}`, async () => {
    await inDirectory(async (directory) => {
      const file = `${directory}/messages`;
      Deno.writeFileSync(file, bytes);
      deepEqual(await run(["-d", file], directory), [status, stdout, `${P}: ${stderr}\n`]);
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Runs pf_key against the real server: `act` when it is registered, and the server ends when `done` says so. */
async function watched(
  args: string[],
  directory: string,
  satypes: number,
  act: (station: Station) => void,
  done: (said: Said, station: Station) => boolean,
) {
  const station = new Station();
  const io = ioOf(directory);
  const server = station.listen(pfkeySocketPath(io.env));
  const running = pfKey.run(args, io);
  await until(() => registrations(station).length === satypes);
  act(station);
  await until(() => done(io.said, station));
  server.close();
  return { status: await running, ...io.said };
}

const registrations = (station: Station) => [...station.server!.peers()].flatMap((peer) => [...peer.registered]);

const TYPES: [args: string[], satypes: number[]][] = [
  [[], [2, 3, 9, 10]],
  [["--esp", "--ah"], [2, 3]],
  [["--ipip"], [9]],
  [["--ipcomp", "--json"], [10]],
];
for (const [args, satypes] of TYPES) {
  Deno.test(`pf_key ${args.join(" ")} registers for SA types ${satypes}`, async () => {
    await inDirectory(async (directory) => {
      let seen: number[] = [];
      const look = (station: Station) => void (seen = registrations(station));
      await watched(args, directory, satypes.length, look, () => true);
      deepEqual(seen, satypes);
    });
  });
}

Deno.test("pf_key prints the answers to others' requests, and never their keys", async () => {
  await inDirectory(async (directory) => {
    const act = (station: Station) => {
      const other = station.client();
      station.addEsp(other, 0x12345678);
      station.ask(other, MESSAGES.ADD, SATYPES.ESP.number, espExtensions(0x12345678));
    };
    const done = (said: Said) => said.stdout.includes("errno=17 satype=3(ESP)\nversion");
    const { status, stdout, stderr } = await watched(["--ipcomp"], directory, 1, act, done);
    deepEqual([status, stderr], [0, `${P}: exited normally\n`]);
    deepEqual(stdout.split("\n").filter((line) => line.startsWith("pfkey v2")), [
      `pfkey v2 msg. type=7(register) seq=1 len=4 pid=${Deno.pid} errno=0 satype=10(COMP)`,
      "pfkey v2 msg. type=3(add) seq=1 len=11 pid=4001 errno=0 satype=3(ESP)",
      "pfkey v2 msg. type=3(add) seq=2 len=2 pid=4001 errno=17 satype=3(ESP)",
    ]);
    match(
      stdout,
      /\{ext=1 len=3 spi=78563412 replay=0 state=1 auth=2 encrypt=3 flags=00000000 ref=[0-9a-f]{8}\}\{ext=5/,
    );
    doesNotMatch(stdout, /01020304/);
  });
});

Deno.test("pf_key --encodefile records what --dumpfile then shows", async () => {
  await inDirectory(async (directory) => {
    const file = `${directory}/messages`;
    const add = (station: Station) => station.addEsp(station.client(), 0x200);
    const size = () => Deno.statSync(file).size;
    const both = 8 * (4 + 11); // the answers to REGISTER and ADD
    const { status, stdout } = await watched(["-e", file, "--ipcomp"], directory, 1, add, () => size() >= both);
    deepEqual([status, stdout], [0, ""]);
    equal(Deno.statSync(file).mode! & 0o777, 0o600);
    const [, text] = await run(["-d", file], directory);
    deepEqual(text.match(/type=\d+\([a-z]+\)/g), ["type=7(register)", "type=3(add)"]);
    const [, json] = await run(["-d", file, "--json"], directory);
    deepEqual(json.trimEnd().split("\n").map((line) => JSON.parse(line).message), ["register", "add"]);
  });
});

function command(args: string[], directory: string): Deno.Command {
  const [program, ...words] = selfCommand();
  return new Deno.Command(program, {
    args: [...words, "pf_key", ...args],
    env: { IPSEC_RUNDIR: directory },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`pf_key exits with 0 at ${signal}`, async () => {
    await inDirectory(async (directory) => {
      const station = new Station();
      const server = station.listen(`${directory}/pfkey.sock`);
      const child = command([], directory).spawn();
      await until(() => registrations(station).length === 4);
      child.kill(signal);
      const { code, stdout, stderr } = await child.output();
      server.close();
      deepEqual([code, new TextDecoder().decode(stderr)], [0, `${P}: Exiting on signal 15\n`]);
      match(new TextDecoder().decode(stdout), /^\npfkey v2 msg\. type=7\(register\) seq=1 /);
    });
  });
}

Deno.test("pf_key --daemon returns once it is registered, and goes on under the process id in the file", async () => {
  await inDirectory(async (directory) => {
    const station = new Station();
    const server = station.listen(`${directory}/pfkey.sock`);
    const file = `${directory}/pid`;
    const child = command(["--daemon", file, "--encodefile", `${directory}/messages`], directory).spawn();
    equal((await child.status).code, 0);
    const text = Deno.readTextFileSync(file);
    match(text, /^[0-9]+$/);
    const pid = Number(text);
    equal(pid === child.pid, false);
    await until(() => registrations(station).length === 4);
    deepEqual([...server.peers()].map((peer) => peer.pid), [pid]);
    Deno.kill(pid, "SIGTERM");
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]); // end with the daemon
    deepEqual([out, err], ["", `${P}: Exiting on signal 15\n`]);
    server.close();
  });
});

Deno.test("pf_key --daemon goes on where the file for its process id cannot be written", async () => {
  await inDirectory(async (directory) => {
    const station = new Station();
    const server = station.listen(`${directory}/pfkey.sock`);
    const child = command(["-f", `${directory}/none/pid`], directory).spawn();
    equal((await child.status).code, 0);
    await until(() => registrations(station).length === 4);
    server.close();
    match(
      await child.stderr.text(),
      /^ipsec pf_key: failed to open .*\/none\/pid: .*\nipsec pf_key: exited normally\n$/s,
    );
    await child.stdout.cancel();
  });
});

Deno.test("pf_key --daemon exits with 1 where KLIPS does not run", async () => {
  await inDirectory(async (directory) => {
    const { code, stderr } = await command(["-f", `${directory}/pid`], directory).output();
    equal(code, 1);
    match(new TextDecoder().decode(stderr), /failed to open PF_KEY family socket: KLIPS is not running/);
  });
});
