/** The files that start keeps: lock, state, facts about the default route. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { formatInfo, parseInfo, shortInfo } from "../../lib/system/default_route_info.ts";
import { holderOf, isTaken, SetupLock } from "../../lib/system/setup_lock.ts";
import { NOTHING_DONE, SetupRecord } from "../../lib/system/setup_state.ts";

/** A process that was started with a word, and does nothing. */
class Sleeper implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(word: string) {
    this.#child = new Deno.Command("sh", { args: ["-c", "read line", "sh", word], stdin: "piped" }).spawn();
  }

  get pid(): number {
    return this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

async function withFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("SetupLock is one process's, names it, and goes with its file", () =>
  withFolder(async (folder) => {
    const path = `${folder}/lock`;
    equal(await holderOf(path), undefined);
    {
      using lock = await SetupLock.take(path);
      ok(lock);
      equal(await holderOf(path), Deno.pid);
      equal(await SetupLock.take(path), undefined);
      equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
    }
    equal(await holderOf(path), undefined);
    deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("SetupLock is free where the file of a killed process is left, whatever it says", () =>
  withFolder(async (folder) => {
    const path = `${folder}/lock`;
    Deno.writeTextFileSync(path, `${Deno.pid}\nand more`);
    equal(await holderOf(path), undefined);
    using lock = await SetupLock.take(path);
    ok(lock);
    equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
  }));

Deno.test("SetupRecord is read again as it was written, and what was before the first change counts", () =>
  withFolder((folder) => {
    const path = `${folder}/run/state`;
    const record = SetupRecord.open(path);
    deepEqual(record.state, NOTHING_DONE);
    record.willSet("a", "1", "0");
    record.willSet("b", "2", "0");
    record.willSet("a", "0", "2");
    record.update({ manual: [{ name: "office", down: "true\n" }] });
    deepEqual(SetupRecord.open(path).state, {
      interfaces: [],
      sysctls: [{ name: "b", was: "2", set: "0" }, { name: "a", was: "1", set: "2" }],
      manual: [{ name: "office", down: "true\n" }],
    });
    record.remove();
    deepEqual([...Deno.readDirSync(`${folder}/run`)], []);
    record.remove();
  }));

for (const text of ["", "{", "null", "[]", '{"interfaces":[]}']) {
  Deno.test(`SetupRecord takes a file of ${JSON.stringify(text)} for nothing`, () =>
    withFolder((folder) => {
      Deno.writeTextFileSync(`${folder}/state`, text);
      deepEqual(SetupRecord.open(`${folder}/state`).state, NOTHING_DONE);
    }));
}

const FACTS = { physical: "eth1", virtual: "ipsec0", address: "192.0.2.45", nextHop: "192.0.2.254" };
const INFOS: [what: string, info: typeof FACTS | Omit<typeof FACTS, "nextHop"> | undefined, short: string][] = [
  ["a gateway", FACTS, "routephys=eth1\nroutevirt=ipsec0\nrouteaddr=192.0.2.45\nroutenexthop=192.0.2.254\n"],
  [
    "a point-to-point link",
    { physical: "ppp0", virtual: "ipsec0", address: "192.0.2.45" },
    "routephys=ppp0\nroutevirt=ipsec0\nrouteaddr=192.0.2.45\n",
  ],
  ["no default route", undefined, "# no default route\n"],
];
for (const [what, info, short] of INFOS) {
  Deno.test(`parseInfo() and shortInfo() of what formatInfo() writes about ${what}`, () => {
    const text = formatInfo([info]);
    deepEqual(parseInfo(text), info);
    equal(shortInfo(text), short);
  });
}

Deno.test("isTaken() waits for a process that is about to let go, and not for a supervisor", () =>
  withFolder(async (folder) => {
    const path = `${folder}/lock`;
    equal(await isTaken(path), false);
    const lock = await SetupLock.take(path);
    ok(lock);
    setTimeout(() => lock[Symbol.dispose](), 60);
    equal(await isTaken(path), false, "it let go meanwhile");

    using again = await SetupLock.take(path);
    ok(again);
    await using sleeper = new Sleeper("setup");
    Deno.writeTextFileSync(path, `${sleeper.pid}\n`);
    equal(await isTaken(path), true);
  }));
