/** The process beside pluto: which updown commands it runs, what it logs, what it leaves behind; and pluto's lock. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert/strict";
import { LineWriter } from "../../lib/system/json_lines.ts";
import { PeerLogs } from "../../lib/system/peer_logs.ts";
import { type HelperAnswer, type HelperRequest, READY, servePluto } from "../../lib/system/pluto_helper.ts";
import { dropPlutoLock, runningPluto, takePlutoLock } from "../../lib/system/pluto_lock.ts";
import { PlutoLog } from "../../lib/system/pluto_log.ts";
import { PlutoSyslog } from "../../lib/system/pluto_syslog.ts";
import { permitUpdowns, UpdownPermits, updownSocketPath } from "../../lib/system/updown_permits.ts";
import { doesNothing } from "../../lib/system/updown_words.ts";
import { UnixReceiver } from "../_unix_receiver.ts";
import { parseNumericAddress } from "../../lib/text/address.ts";

const PID = 2 ** 22 + 1; // no process has that number

class Helper {
  readonly directory = Deno.makeTempDirSync({ prefix: "oneswan-helper-" });
  readonly ctlBase = `${this.directory}/pluto`;
  readonly answers = new Map<number, HelperAnswer["outcome"]>();
  readonly #requests: LineWriter;
  readonly #served: Promise<void>;

  constructor() {
    Deno.writeTextFileSync(`${this.ctlBase}.pid`, `${PID}\n`);
    Deno.writeTextFileSync(`${this.ctlBase}.ctl`, "");
    const input = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
    this.#requests = new LineWriter(input.writable as WritableStream<Uint8Array>);
    const peerLogBase = `${this.directory}/peers`;
    this.#served = servePluto(
      { ctlBase: this.ctlBase, pid: PID, peerLogBase },
      input.readable,
      (value) => {
        if (value !== READY && "id" in value) this.answers.set(value.id, value.outcome);
      },
    );
  }

  ask(...requests: HelperRequest[]): void {
    for (const request of requests) this.#requests.write(request);
  }

  /** Pluto goes; the helper does what there is to do. */
  async end(): Promise<void> {
    await this.#requests.close();
    await this.#served;
  }

  async updown(command: string, variables: Record<string, string> = { PLUTO_VERB: "up-host" }) {
    this.ask({ do: "updown", id: 1, command, variables });
    while (!this.answers.has(1)) await new Promise((resolve) => setTimeout(resolve, 1));
    const outcome = this.answers.get(1)!;
    this.answers.delete(1);
    return outcome;
  }
}

async function helping(act: (helper: Helper) => Promise<void>): Promise<void> {
  const helper = new Helper();
  try {
    await act(helper);
  } finally {
    await helper.end();
    Deno.removeSync(helper.directory, { recursive: true });
  }
}

Deno.test("the helper runs no updown command that pluto alone names", () =>
  helping(async (helper) => {
    deepEqual(await helper.updown(`touch ${helper.directory}/mark`), {
      ok: false,
      lines: [],
      complaint: "updown command not run: nobody has said that a connection has it",
    });
    equal([...Deno.readDirSync(helper.directory)].some(({ name }) => name === "mark"), false);
  }));

Deno.test("the helper runs what whack has permitted, with the variables", () =>
  helping(async (helper) => {
    const command = 'echo "$PLUTO_VERB $PLUTO_PEER"';
    await permitUpdowns(updownSocketPath(helper.ctlBase), ["ipsec _updown", command]);
    deepEqual(await helper.updown(command, { PLUTO_VERB: "up-host", PLUTO_PEER: "192.0.2.2" }), {
      ok: true,
      lines: ["up-host 192.0.2.2"],
    });
    deepEqual((await helper.updown(`${command}; id`)).ok, false);
  }));

const VARIABLES: [what: string, variables: Record<string, string>, name: string][] = [
  ["one that is none of pluto's", { PATH: "/tmp" }, "PATH"],
  ["one with a control character", { PLUTO_PEER_ID: "a\nb" }, "PLUTO_PEER_ID"],
];
for (const [what, variables, name] of VARIABLES) {
  Deno.test(`the helper gives an updown command no variable like ${what}`, () =>
    helping(async (helper) => {
      await permitUpdowns(updownSocketPath(helper.ctlBase), ["true"]);
      equal(
        (await helper.updown("true", variables)).complaint,
        `updown command not run: ${name} has a value that none can have`,
      );
    }));
}

Deno.test("the helper runs the commands of a connection one after the other", () =>
  helping(async (helper) => {
    const fast = "echo $PLUTO_VERB >>$PLUTO_ME", slow = `until [ -s $PLUTO_ME ]; do sleep 0.01; done; ${fast}`;
    await permitUpdowns(updownSocketPath(helper.ctlBase), [slow, fast]);
    const file = `${helper.directory}/order`;
    const ask = (id: number, command: string, name: string, verb: string) => {
      const variables = { PLUTO_VERB: verb, PLUTO_CONNECTION: name, PLUTO_ME: file };
      helper.ask({ do: "updown", id, command, variables });
    };
    ask(2, slow, "office", "prepare-host");
    ask(3, fast, "office", "route-host");
    ask(4, fast, "another", "up-host");
    while (helper.answers.size < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    equal(Deno.readTextFileSync(file), "up-host\nprepare-host\nroute-host\n");
  }));

Deno.test("the helper goes on after a request that is none", () =>
  helping(async (helper) => {
    helper.ask({ do: "updown", id: 7 } as HelperRequest, { do: "shout" } as unknown as HelperRequest);
    equal((await helper.updown("false")).ok, false);
    equal(helper.answers.get(7)?.ok, false);
  }));

Deno.test("doesNothing() tells of the built-in command without arguments, for a connection that comes or goes", () => {
  const asked: [string, string][] = [
    ["ipsec _updown", "up-client"],
    ["ipsec _updown", "down-host-v6"],
    ["ipsec _updown", "route-client"],
    ["ipsec _updown ipfwadm", "up-client"],
    ["/usr/local/bin/updown", "up-client"],
  ];
  deepEqual(
    asked.map(([command, verb]) => doesNothing(command, { PLUTO_VERB: verb })),
    [true, true, false, false, false],
  );
  const assigned = { PLUTO_VERB: "up-client", PLUTO_MY_SOURCEIP: "10.3.0.7" };
  equal(doesNothing("ipsec _updown", assigned), false, "there is an address to be added");
});

Deno.test("the built-in updown command needs no permission, and what looks like it does", () => {
  const permits = new UpdownPermits();
  deepEqual(
    ["ipsec _updown", " ipsec  _updown ipfwadm ", "ipsec _updown; id", "ipsec _updown $(id)", "ipsec _updown_x"].map(
      (command) => permits.allows(command),
    ),
    [true, true, false, false, false],
  );
});

Deno.test("permissions are not without number", () => {
  const permits = new UpdownPermits();
  for (let i = 0; i < 5000; i++) permits.permit(`command ${i}`);
  deepEqual([permits.allows("command 0"), permits.allows("command 4999")], [false, true]);
});

Deno.test("permitUpdowns() needs no helper for built-in commands, nor where there is none", async () => {
  await permitUpdowns("/nonexistent/pluto.updown", ["ipsec _updown", "something"]);
});

Deno.test("the helper's socket is root's alone", () =>
  helping((helper) => {
    equal(Deno.statSync(updownSocketPath(helper.ctlBase)).mode! & 0o077, 0);
    return Promise.resolve();
  }));

Deno.test("the helper removes pluto's files, whatever pluto's end", async () => {
  const helper = new Helper();
  await helper.end();
  deepEqual([...Deno.readDirSync(helper.directory)].map(({ name }) => name), []);
  Deno.removeSync(helper.directory);
});

Deno.test("the helper leaves the files of another pluto", async () => {
  const helper = new Helper();
  Deno.writeTextFileSync(`${helper.ctlBase}.pid`, "1\n");
  await helper.end();
  deepEqual([...Deno.readDirSync(helper.directory)].map(({ name }) => name).sort(), [
    "pluto.ctl",
    "pluto.pid",
    "pluto.updown",
  ]);
  Deno.removeSync(helper.directory, { recursive: true });
});

// Logs

Deno.test("PeerLogs writes each peer's file, with the time", () => {
  const directory = Deno.makeTempDirSync({ prefix: "oneswan-peers-" });
  try {
    const warnings: string[] = [];
    const logs = new PeerLogs(directory, {
      now: () => new Date(2004, 1, 1, 12, 0, 5),
      warn: (text) => void warnings.push(text),
    });
    for (let i = 0; i < 40; i++) logs.write(`192.0.2.${i}`, "one");
    logs.write("192.0.2.0", "two");
    logs.write("2001:db8::1", "three");
    logs.write("../../escape", "four");
    logs.close();
    deepEqual(warnings, []);
    equal(
      Deno.readTextFileSync(`${directory}/192/0/2/0/192.0.2.0.log`),
      "2004-02-01 12:00:05 one\n2004-02-01 12:00:05 two\n",
    );
    equal(Deno.readTextFileSync(`${directory}/2001/db8/1/2001:db8::1.log`), "2004-02-01 12:00:05 three\n");
    equal(Deno.statSync(`${directory}/192/0/2/0`).mode! & 0o777, 0o750);
    deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), ["192", "2001"]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

function logTo(options: { stderr: boolean; peers: boolean }) {
  const said: string[] = [];
  const log = new PlutoLog({
    stderr: options.stderr ? (line) => void said.push(`stderr ${line}`) : undefined,
    syslog: (severity, text) => void said.push(`${severity} ${text}`),
    peerLog: options.peers ? (peer, text) => void said.push(`${peer} ${text}`) : undefined,
    closePeerLogs: () => void said.push("closed"),
  });
  return { said, log };
}
const PEER = parseNumericAddress("192.0.2.9", "inet");

Deno.test("PlutoLog tells syslog, by severity", () => {
  const { said, log } = logTo({ stderr: false, peers: false });
  log.write("notice", '"n" #1: initiating Main Mode');
  log.write("error", "ERROR: x");
  log.write("debug", "| a\n| b");
  deepEqual(said, ['warning "n" #1: initiating Main Mode', "err ERROR: x", "debug | a", "debug | b"]);
});

Deno.test("PlutoLog tells standard error instead, and the peer's log as well", () => {
  const { said, log } = logTo({ stderr: true, peers: true });
  const about = { address: PEER.ok ? PEER.value : throwing(), connection: "n" };
  log.write("notice", "a", about);
  log.write("notice", "b", about);
  log.closePeerLogs();
  log.write("notice", "c", about);
  deepEqual(said, [
    "stderr a",
    "info opening log file for conn n",
    "192.0.2.9 a",
    "stderr b",
    "192.0.2.9 b",
    "closed",
    "stderr c",
    "info opening log file for conn n",
    "192.0.2.9 c",
  ]);
});

function throwing(): never {
  throw new TypeError("no address");
}

Deno.test("PlutoSyslog waits for a daemon that is slow to read, and keeps the order", async () => {
  const directory = Deno.makeTempDirSync();
  using daemon = new UnixReceiver(`${directory}/log`);
  const syslog = new PlutoSyslog(7, { path: `${directory}/log` });
  for (let i = 0; i < 50; i++) syslog.write(i % 2 ? "err" : "warning", `message ${i}`);
  const all = syslog.flush();
  const found: string[] = [];
  while (found.length < 50) {
    found.push(...daemon.messages.slice(found.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await all;
  match(found[0], /^<84>\w+ .* pluto\[7\]: message 0$/);
  match(found[1], /^<83>/);
  deepEqual(found.map((text) => Number(text.split(" ").at(-1))), Array.from({ length: 50 }, (_, i) => i));
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("PlutoSyslog does not wait for a daemon that is not there", async () => {
  const syslog = new PlutoSyslog(7, { path: "/nonexistent/log" });
  syslog.write("warning", "to nobody");
  await syslog.flush();
});

Deno.test("PlutoSyslog gives what no daemon takes to a log of its own, with the time, and not without end", async () => {
  const kept: string[] = [];
  const syslog = new PlutoSyslog(7, { path: "/nonexistent/log", otherwise: (line) => void kept.push(line) });
  syslog.write("warning", "first");
  syslog.write("err", "second");
  await syslog.flush();
  deepEqual(kept.map((line) => line.replace(/^\S+Z /, "")), ["pluto[7]: first", "pluto[7]: second"]);
  match(kept[0], /^\d{4}-\d\d-\d\dT/);
  for (let i = 0; i < 9; i++) syslog.write("warning", "x".repeat(1 << 20));
  await syslog.flush();
  equal(kept.length, 2 + 8);
  match(kept.at(-1)!, /no more of the log is kept here: .*plutostderrlog=/);
});

Deno.test("PlutoSyslog keeps at once what follows, each line with the time when it was said", async () => {
  const kept: string[] = [];
  let now = 0;
  const syslog = new PlutoSyslog(7, {
    path: "/nonexistent/log",
    otherwise: (line) => void kept.push(line),
    now: () => new Date(now),
  });
  syslog.write("warning", "first");
  now = 2000; // while a daemon is waited for
  syslog.write("warning", "second");
  await syslog.flush();
  now = 5000;
  syslog.write("warning", "third");
  await Promise.resolve();
  deepEqual(kept, [
    "1970-01-01T00:00:00.000Z pluto[7]: first",
    "1970-01-01T00:00:02.000Z pluto[7]: second",
    "1970-01-01T00:00:05.000Z pluto[7]: third",
  ]);
});

Deno.test("PlutoSyslog goes back to a daemon that comes later", async () => {
  const directory = Deno.makeTempDirSync();
  const kept: string[] = [];
  const path = `${directory}/log`;
  const syslog = new PlutoSyslog(7, { path, otherwise: (line) => void kept.push(line) });
  syslog.write("warning", "to nobody");
  await syslog.flush();
  using daemon = new UnixReceiver(path);
  syslog.write("warning", "to the daemon");
  await syslog.flush();
  match(daemon.messages.join("\n"), /^<84>.* pluto\[7\]: to the daemon$/);
  equal(kept.length, 1);
  Deno.removeSync(directory, { recursive: true });
});

// The lock

Deno.test("takePlutoLock() makes the file once, read-only, and takes over what a killed pluto has left", () => {
  const path = `${Deno.makeTempDirSync()}/pluto.pid`;
  equal(takePlutoLock(path, PID), true);
  match(Deno.readTextFileSync(path), /^4194305\n$/);
  equal(Deno.statSync(path).mode! & 0o777, 0o444);
  equal(runningPluto(path), undefined);
  equal(takePlutoLock(path, PID + 1), true); // there is no such process
  dropPlutoLock(path, PID);
  equal(Deno.readTextFileSync(path), `${PID + 1}\n`); // another's
  dropPlutoLock(path, PID + 1);
  throws(() => Deno.statSync(path), Deno.errors.NotFound);
});

Deno.test("takePlutoLock() leaves a pluto that runs alone", async () => {
  const path = `${Deno.makeTempDirSync()}/pluto.pid`;
  const child = new Deno.Command("sleep", { args: ["60"], stdin: "null" }).spawn();
  const shell = new Deno.Command("sh", { args: ["-c", "sleep 60; true", "pluto"], stdin: "null" }).spawn();
  try {
    Deno.writeTextFileSync(path, `${child.pid}\n`);
    equal(runningPluto(path), undefined); // another program has the number by now
    Deno.writeTextFileSync(path, `${shell.pid}\n`);
    while (runningPluto(path) === undefined) await new Promise((resolve) => setTimeout(resolve, 1)); // not yet a shell
    equal(runningPluto(path), shell.pid);
    equal(takePlutoLock(path), false);
  } finally {
    child.kill();
    shell.kill();
    await Promise.all([child.status, shell.status]);
  }
});
