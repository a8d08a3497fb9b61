import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type Ending, type ProcessRow, StartFailed, Supervisor } from "../../lib/system/supervisor.ts";

/** Processes that live in this test alone, in a time of their own. */
class FakeWorld {
  readonly events: string[] = [];
  readonly living = new Map<number, (how: Ending) => void>();
  /** Whether a process of that number answers; all do where it is left out. */
  ready: (pid: number) => boolean = () => true;
  /** Whether it minds SIGTERM. */
  polite = true;
  #time = 0;
  #pid = 0;

  readonly deps = {
    spawn: ({ title }: ProcessRow) => {
      const pid = ++this.#pid;
      this.events.push(`spawn ${title} ${pid}`);
      const { promise: ended, resolve } = Promise.withResolvers<Ending>();
      this.living.set(pid, resolve);
      const kill = (signal: "SIGTERM" | "SIGKILL") => {
        this.events.push(`${signal} ${pid}`);
        if (signal === "SIGKILL" || this.polite) this.end(pid, { status: null, signal });
      };
      return { pid, ended, kill };
    },
    now: () => this.#time,
    delay: (ms: number) => {
      this.#time += ms;
      if (ms >= 1000) this.events.push(`wait ${ms}`);
      return new Promise<void>((resolve) => setTimeout(resolve, 0));
    },
    log: (_level: string, text: string) => void this.events.push(text),
  };

  end(pid: number, how: Ending): void {
    this.living.get(pid)?.(how);
    this.living.delete(pid);
  }

  row(title: string): ProcessRow {
    return {
      title,
      words: [],
      heap: {},
      isReady: (pid) => Promise.resolve(this.ready(pid)),
      restarted: () => {
        this.events.push(`${title} restarted`);
        return Promise.resolve();
      },
    };
  }

  pass(ms: number): void {
    this.#time += ms;
  }

  /** Until everything that can happen has. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

const CRASH: Ending = { status: null, signal: "SIGKILL" };

Deno.test("Supervisor starts in order, and ends in the opposite one", async () => {
  const world = new FakeWorld();
  const supervisor = new Supervisor([world.row("KLIPS"), world.row("pluto")], world.deps);
  await supervisor.start();
  deepEqual(supervisor.pids, { KLIPS: 1, pluto: 2 });
  await supervisor.stop();
  deepEqual(supervisor.pids, {});
  deepEqual(world.events.filter((event) => !event.startsWith("wait")), [
    "spawn KLIPS 1",
    "spawn pluto 2",
    "SIGTERM 2",
    "SIGTERM 1",
  ]);
});

Deno.test("Supervisor starts the one of a title, and ends only what was started", async () => {
  const world = new FakeWorld();
  const supervisor = new Supervisor([world.row("KLIPS"), world.row("pluto")], world.deps);
  deepEqual(["KLIPS", "pluto", "other"].map((title) => supervisor.has(title)), [true, true, false]);
  await supervisor.start("KLIPS");
  deepEqual(supervisor.pids, { KLIPS: 1 });
  await supervisor.start("pluto");
  deepEqual(supervisor.pids, { KLIPS: 1, pluto: 2 });
  await supervisor.stop();
  const half = new Supervisor([world.row("KLIPS"), world.row("pluto")], world.deps);
  await half.start("pluto");
  await half.stop();
  deepEqual(world.events.filter((event) => !event.startsWith("wait")), [
    "spawn KLIPS 1",
    "spawn pluto 2",
    "SIGTERM 2",
    "SIGTERM 1",
    "spawn pluto 3",
    "SIGTERM 3",
  ]);
});

Deno.test("Supervisor gives a process that waits to be started again the number 0", async () => {
  const world = new FakeWorld();
  const supervisor = new Supervisor([world.row("KLIPS"), world.row("pluto")], world.deps);
  await supervisor.start();
  world.ready = () => false; // what is started from now on does not answer
  world.end(2, CRASH);
  await world.settle();
  equal(supervisor.pids.KLIPS, 1);
  ok("pluto" in supervisor.pids);
  await supervisor.stop();
  deepEqual(supervisor.pids, {});
});

Deno.test("Supervisor starts a process again at once when it ends, and later each time that it ends soon", async () => {
  const world = new FakeWorld();
  const supervisor = new Supervisor([world.row("KLIPS")], world.deps);
  await supervisor.start();
  world.end(1, CRASH);
  await world.settle();
  world.end(2, { status: 7, signal: null });
  await world.settle();
  world.end(3, CRASH);
  await world.settle();
  world.pass(60_000);
  world.end(4, CRASH);
  await world.settle();
  deepEqual(world.events, [
    "spawn KLIPS 1",
    "KLIPS ended by itself: killed by SIGKILL; starting it again",
    "spawn KLIPS 2",
    "KLIPS restarted",
    "KLIPS ended by itself: exited with status 7; starting it again",
    "wait 1000",
    "spawn KLIPS 3",
    "KLIPS restarted",
    "KLIPS ended by itself: killed by SIGKILL; starting it again",
    "wait 2000",
    "spawn KLIPS 4",
    "KLIPS restarted",
    "KLIPS ended by itself: killed by SIGKILL; starting it again",
    "spawn KLIPS 5",
    "KLIPS restarted",
  ]);
  await supervisor.stop();
});

Deno.test("Supervisor refuses to start where a process ends before it answers", async () => {
  const world = new FakeWorld();
  world.ready = () => false;
  const supervisor = new Supervisor([world.row("KLIPS")], world.deps);
  const started = supervisor.start();
  world.end(1, { status: 1, signal: null });
  await rejects(started, StartFailed);
  deepEqual(supervisor.pids, {});
});

Deno.test("Supervisor kills a process that does not answer", async () => {
  const world = new FakeWorld();
  world.ready = () => false;
  await rejects(
    new Supervisor([world.row("KLIPS")], world.deps).start(),
    { message: "KLIPS did not start: no answer for 10 seconds" },
  );
  deepEqual(world.events, ["spawn KLIPS 1", "SIGKILL 1"]);
});

Deno.test("Supervisor kills a process that does not end", async () => {
  const world = new FakeWorld();
  world.polite = false;
  const supervisor = new Supervisor([world.row("KLIPS")], world.deps);
  await supervisor.start();
  await supervisor.stop();
  deepEqual(world.events, [
    "spawn KLIPS 1",
    "SIGTERM 1",
    "wait 10000",
    "KLIPS does not end, SIGKILL: process 1",
    "SIGKILL 1",
  ]);
});

Deno.test("Supervisor starts nothing again once it has been told to stop", async () => {
  const world = new FakeWorld();
  const supervisor = new Supervisor([world.row("KLIPS")], world.deps);
  await supervisor.start();
  world.end(1, CRASH);
  await supervisor.stop();
  await world.settle();
  deepEqual(world.events.filter((event) => event.startsWith("spawn")), ["spawn KLIPS 1"]);
});

Deno.test("Supervisor goes on watching a process that could not be told everything after a restart", async () => {
  const world = new FakeWorld();
  const row = { ...world.row("KLIPS"), restarted: () => Promise.reject(new Error("KLIPS is not running")) };
  const supervisor = new Supervisor([row], world.deps);
  await supervisor.start();
  world.end(1, CRASH);
  await world.settle();
  world.end(2, CRASH);
  await world.settle();
  deepEqual(world.events.filter((event) => /^spawn|not all/.test(event)), [
    "spawn KLIPS 1",
    "spawn KLIPS 2",
    "KLIPS was started again, but not all was done: KLIPS is not running",
    "spawn KLIPS 3",
    "KLIPS was started again, but not all was done: KLIPS is not running",
  ]);
  await supervisor.stop();
});

Deno.test("Supervisor leaves a process that is not to be started again, and still knows of it", async () => {
  const world = new FakeWorld();
  const judge = ({ status }: Ending) => ({ again: status !== 0, lines: [`judged ${status}`] });
  const supervisor = new Supervisor([world.row("KLIPS"), { ...world.row("pluto"), judge }], world.deps);
  await supervisor.start();
  world.end(2, { status: 1, signal: null });
  await world.settle();
  world.end(3, { status: 0, signal: null });
  await world.settle();
  deepEqual(supervisor.pids, { KLIPS: 1, pluto: 0 });
  await supervisor.stop();
  deepEqual(world.events.filter((event) => !event.startsWith("wait")), [
    "spawn KLIPS 1",
    "spawn pluto 2",
    "judged 1",
    "spawn pluto 3",
    "pluto restarted",
    "judged 0",
    "SIGTERM 1",
  ]);
});
