/** What the supervisor keeps of what pluto tells it, over the control socket as in life. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import type { KeptConn } from "../../lib/pluto/kept_conns.ts";
import { ConnMemory } from "../../lib/system/conn_memory.ts";
import { askSupervisor, ControlServer } from "../../lib/system/setup_control.ts";
import { SupervisorLink } from "../../lib/system/supervisor_link.ts";

const OFFICE: KeptConn = { name: "office", isRouted: true, isUp: true };
const LAB: KeptConn = { name: "lab", isRouted: false, isUp: false };

/** @param play is given what connects a new pluto, and what the next one would be told after this one has crashed */
async function withMemory(
  play: (
    memory: ConnMemory,
    connect: () => Promise<SupervisorLink>,
    sent: () => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const memory = new ConnMemory();
  const path = `${folder}/setup.sock`;
  try {
    using _server = new ControlServer(path, {
      answer: () => Promise.resolve({ status: 0, lines: [], pids: { pluto: 1 } }),
      follow: (reports, ready) => memory.follow(reports, ready),
    });
    const connect = async () => {
      const link = await SupervisorLink.connect(path);
      if (!link) throw new Error("no supervisor answers");
      return link;
    };
    // what was written before has been written when a question that was asked later is answered
    const sent = async () => deepEqual((await askSupervisor(path, { do: "status" }))?.pids, { pluto: 1 });
    await play(memory, connect, sent);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ConnMemory keeps the last words of a pluto that knew all", () =>
  withMemory(async (memory, connect, sent) => {
    const first = await connect();
    memory.begin();
    first.keep({ conns: [LAB] });
    memory.complete();
    first.keep({ conns: [LAB, OFFICE] });
    await sent();
    first.close();
    const second = await connect(); // answered when all of the first one's has been read
    deepEqual(memory.kept, [LAB, OFFICE]);
    second.close();
  }));

Deno.test("ConnMemory does not learn from a pluto that crashed before it was told all", () =>
  withMemory(async (memory, connect, sent) => {
    const first = await connect();
    memory.begin();
    memory.complete();
    first.keep({ conns: [OFFICE] });
    await sent();
    first.close();
    const second = await connect();
    memory.begin();
    second.keep({ conns: [LAB] });
    await sent();
    second.close();
    const third = await connect();
    deepEqual(memory.kept, [OFFICE]);
    third.close();
  }));

Deno.test("ConnMemory does not learn from what a pluto said while it was told, if it crashed at once", () =>
  withMemory(async (memory, connect, sent) => {
    const first = await connect();
    memory.begin();
    first.keep({ conns: [] }); // the next report would have come half a second later
    await sent();
    memory.complete();
    first.close();
    const second = await connect();
    deepEqual(memory.kept, undefined);
    second.close();
  }));

Deno.test("ConnMemory follows what changes, and what comes and goes", () =>
  withMemory(async (memory, connect, sent) => {
    const first = await connect();
    memory.complete();
    first.keep({ conns: [LAB, OFFICE] });
    first.keep({ changed: [{ ...OFFICE, isUp: false }] });
    first.keep({ changed: [{ ...LAB, isRouted: true }] });
    await sent();
    first.close();
    const second = await connect();
    deepEqual(memory.kept, [{ ...LAB, isRouted: true }, { ...OFFICE, isUp: false }]);
    memory.complete();
    second.keep({ conns: [OFFICE] });
    second.keep({ conns: [OFFICE, LAB] });
    second.keep({ conns: [LAB] });
    await sent();
    second.close();
    const third = await connect();
    deepEqual(memory.kept, [LAB]);
    third.close();
  }));

Deno.test("ConnMemory takes nothing else for a report, and no option for a name", () =>
  withMemory(async (memory, connect, sent) => {
    const first = await connect();
    memory.complete();
    first.keep({ conns: [{ ...OFFICE, name: "--all" }, null, { name: 7 }, { name: "lab" }] as unknown as KeptConn[] });
    await sent();
    first.close();
    const second = await connect();
    deepEqual(memory.kept, [LAB]);
    second.close();
  }));

Deno.test("ConnMemory passes over reports that are none", async () => {
  const memory = new ConnMemory();
  memory.complete();
  await memory.follow(
    (async function* () {
      yield* ["nonsense", { changed: [LAB] }, { conns: [LAB] }, null, 7, { changed: "x" }, { changed: [OFFICE, null] }];
    })(),
    () => Promise.resolve(),
  );
  deepEqual(memory.kept, [LAB]);
});

Deno.test("SupervisorLink.connect() finds no supervisor where none listens", async () => {
  deepEqual(await SupervisorLink.connect("/nowhere/setup.sock"), undefined);
});
