/** Which conns start makes known to pluto, and what becomes of them when the configuration changes. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { KeyedConns } from "../../lib/system/keyed_conns.ts";
import type { AutoConn } from "../../lib/system/setup_settings.ts";

const CONNS: AutoConn[] = [{ name: "a", auto: "add" }, { name: "r", auto: "route" }, { name: "s", auto: "start" }];

/** A pluto that does what it is told, except that it answers some commands with a status. */
function world(statuses: Record<string, number> = {}) {
  const did: string[] = [];
  const texts: Record<string, string | undefined> = { a: "A", r: "R", s: "S" };
  const outcome = (what: string) => {
    did.push(what);
    return Promise.resolve({ status: statuses[what] ?? 0, lines: [`000 ${what}`] });
  };
  const said: string[] = [];
  const conns = new KeyedConns({
    describe: () => (name) => ({
      text: texts[name],
      define: (replace) => outcome(`${replace ? "replace" : "add"} ${name}`),
    }),
    auto: (...words) => outcome(words.join(" ")),
    say: (text) => void said.push(text),
    note: () => {},
  });
  const ready = () => {
    did.push("ready");
    return Promise.resolve();
  };
  return { did, said, texts, conns, ready };
}

Deno.test("KeyedConns adds all, listens, then routes and brings up", async () => {
  const { did, said, conns, ready } = world({ "--asynchronous --up s": 104 });
  await conns.load(CONNS, false, ready);
  deepEqual(did, ["add a", "add r", "add s", "--ready", "ready", "--route r", "--route s", "--asynchronous --up s"]);
  deepEqual(said, []);
});

Deno.test("KeyedConns waits for what it brings up where plutowait= says so", async () => {
  const { did, said, conns, ready } = world({ "--up s": 104 });
  await conns.load(CONNS, true, ready);
  deepEqual(did.at(-1), "--up s");
  deepEqual(said, ["000 --up s", '...could not start conn "s"']);
});

Deno.test("KeyedConns says what could not be done and why, and goes on", async () => {
  const { did, said, conns, ready } = world({ "add a": 1, "--ready": 3, "--route r": 25, "--asynchronous --up s": 31 });
  await conns.load([...CONNS, { name: "x", auto: "start" }], false, ready);
  deepEqual(said, [
    "000 add a",
    '...could not add conn "a"',
    '...could not add conn "x"', // it has no description
    "000 --ready", // secrets that others can read, a port that another program has
    "000 --route r",
    '...could not route conn "r"',
    "000 --asynchronous --up s",
    '...could not start conn "s"',
  ]);
  deepEqual(did.filter((what) => what.endsWith(" x")), ["add x"]);
});

Deno.test("KeyedConns.update() touches only what has changed", async () => {
  const { did, texts, conns, ready } = world();
  await conns.load(CONNS, false, ready);
  did.length = 0;
  texts.s = "S in another way";
  texts.n = "N";
  await conns.update([CONNS[0], CONNS[2], { name: "n", auto: "route" }], false);
  deepEqual(did, ["--delete r", "replace s", "add n", "--ready", "--route s", "--route n", "--asynchronous --up s"]);
  did.length = 0;
  await conns.update([CONNS[0], CONNS[2], { name: "n", auto: "route" }], false);
  deepEqual(did, ["--ready"]);
});

Deno.test("KeyedConns.update() leaves alone what ipsec auto --add has added, until it is described in another way", async () => {
  const { did, said, texts, conns, ready } = world({ "add n": 20 });
  await conns.load(CONNS, false, ready);
  did.length = 0;
  texts.n = "N";
  const more: AutoConn[] = [...CONNS, { name: "n", auto: "start" }];
  await conns.update(more, false);
  deepEqual(did, ["add n", "--ready"]);
  texts.n = "N in another way";
  await conns.update(more, false);
  deepEqual(did.slice(2), ["replace n", "--ready", "--route n", "--asynchronous --up n"]);
  deepEqual(said, []);
});

Deno.test("KeyedConns.load() begins anew with a new pluto", async () => {
  const { did, conns, ready } = world();
  await conns.load(CONNS, false, ready);
  did.length = 0;
  await conns.load(CONNS.slice(0, 1), false, ready);
  deepEqual(did, ["add a", "--ready", "ready"]);
});

Deno.test("KeyedConns.load() gives a new pluto what the one before had, not what auto= says", async () => {
  const { did, texts, said, conns, ready } = world();
  texts.h = "H, added by hand";
  await conns.load(CONNS, false, ready, [
    { name: "a", isRouted: false, isUp: true },
    { name: "s", isRouted: true, isUp: false },
    { name: "h", isRouted: true, isUp: false },
    { name: "w", isRouted: true, isUp: true }, // whack's alone: nobody can describe it
  ]);
  deepEqual(did, [
    "add a",
    "add s",
    "add h",
    "add w",
    "--ready",
    "ready",
    "--route s",
    "--route h",
    "--asynchronous --up a",
  ]);
  deepEqual(said, ['...could not add conn "w"']);
  did.length = 0;
  await conns.update(CONNS, false);
  deepEqual(did, ["--ready"], "what was deleted or added by hand stays so");
  texts.r = "R in another way";
  did.length = 0;
  await conns.update(CONNS, false);
  deepEqual(did, ["replace r", "--ready", "--route r"]);
});
