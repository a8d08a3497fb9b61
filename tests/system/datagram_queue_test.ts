import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { DatagramQueue } from "../../lib/system/datagram_queue.ts";

/** A queue in time that passes only while datagrams are worked on, and between turns. */
function start(costMs: number) {
  const world = { nowMs: 0, done: [] as string[], next: [] as (() => void)[], turns: [] as (() => void)[] };
  const queue = new DatagramQueue<string>({
    receive: (from) => {
      world.done.push(from);
      world.nowMs += costMs;
    },
    now: () => world.nowMs,
    next: (act) => void world.next.push(act),
    later: (act) => void world.turns.push(act),
  });
  const settle = () => {
    while (world.next.length) world.next.shift()!();
  };
  return Object.assign(world, { queue, settle });
}

const COOKIE = 8;
/** With and without a responder's cookie. */
const BEGUN = new Uint8Array(28).fill(1);
const NEW = new Uint8Array(28).fill(1, 0, COOKIE);

Deno.test("DatagramQueue works at once on what comes with pauses", () => {
  const world = start(7);
  for (const from of ["a", "b", "c"]) {
    world.queue.add(from, BEGUN);
    equal(world.done.at(-1), from);
    world.settle();
    world.nowMs += 5;
  }
  equal(world.turns.length, 0);
});

Deno.test("DatagramQueue lets what one datagram has begun come through before the next", () => {
  const world = start(1);
  world.queue.add("a", BEGUN);
  world.queue.add("b", BEGUN);
  equal(world.done.join(""), "a");
  world.settle();
  equal(world.done.join(""), "ab");
});

Deno.test("DatagramQueue gives the sockets a turn after a slice of time", () => {
  const world = start(3);
  for (const from of "abcdefg") world.queue.add(from, BEGUN);
  for (const done of ["abc", "abcdef", "abcdefg"]) {
    world.settle();
    equal(world.done.join(""), done);
    world.turns.shift()?.();
  }
  world.settle();
  equal(world.done.length, 7);
  equal(world.turns.length, 0);
});

Deno.test("DatagramQueue lets what has begun go before what is new, each in its order", () => {
  const world = start(9);
  const add = (from: string, datagram: Uint8Array) => ok(world.queue.add(from, datagram));
  add("first", NEW);
  add("new 1", NEW);
  add("begun 1", BEGUN);
  add("new 2", NEW);
  add("short", new Uint8Array(0));
  add("begun 2", BEGUN);
  while (world.turns.length) world.turns.shift()!();
  equal(world.done, ["first", "begun 1", "short", "begun 2", "new 1", "new 2"]);
});

Deno.test("DatagramQueue drops what is too much, and new messages do not take the room of others", () => {
  const world = start(9);
  let kept = 0;
  while (world.queue.add("new", NEW)) kept++;
  ok(kept > 1000 && kept < 10_000, `${kept} were kept`);
  ok(world.queue.add("begun", BEGUN));
  let empty = 0;
  while (world.queue.add("empty", new Uint8Array(0))) empty++;
  ok(empty < 50_000, "datagrams without a byte count, too");
  world.turns.shift()!();
  equal(world.done, ["new", "begun"]);
  ok(world.queue.add("room again", BEGUN));
});
