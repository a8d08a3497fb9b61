/** The tables of exchanges themselves: every state is entered and left, and a message fits one row. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { AGGRESSIVE_MODE } from "../../lib/ike/aggressive_mode.ts";
import type { Row } from "../../lib/ike/exchange_table.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import { MAIN_MODE } from "../../lib/ike/main_mode.ts";
import { QUICK_MODE } from "../../lib/ike/quick_mode.ts";
import { TRANSACTION } from "../../lib/ike/xauth.ts";
import { type StateName, STATES } from "../../lib/ike/state.ts";
import { listExchange, type TableShape } from "./_exchange_listing.ts";
import type { AuthMethod } from "../../lib/ike/suite.ts";

/** A table without its steps. */
interface Table extends TableShape {
  readonly rows: readonly Omit<Row<IsakmpState>, "step">[];
}

interface Shape {
  readonly table: Table;
  /** Where a responder begins, and where each role ends. */
  readonly begins: StateName;
  readonly ends: readonly StateName[];
  readonly auths: readonly (AuthMethod | undefined)[];
}

const SHAPES: Shape[] = [
  { table: MAIN_MODE, begins: "MAIN_R0", ends: ["MAIN_I4", "MAIN_R3"], auths: ["psk", "rsasig"] },
  { table: AGGRESSIVE_MODE, begins: "AGGR_R0", ends: ["AGGR_I2", "AGGR_R2"], auths: ["psk", "rsasig"] },
  { table: QUICK_MODE, begins: "QUICK_R0", ends: ["QUICK_I2", "QUICK_R2"], auths: [undefined] },
];

for (const { table, begins, ends, auths } of SHAPES) {
  const { rows, openings } = table;
  const entered = new Set<StateName>([begins, ...openings.map(({ to }) => to), ...rows.map(({ to }) => to)]);
  const left = new Set<StateName>(rows.map(({ from }) => from));

  Deno.test(`${table.name}: each state is entered, and left unless it is the last`, () => {
    deepEqual([...entered].filter((name) => !left.has(name)).sort(), [...ends].sort());
    deepEqual([...left].filter((name) => !entered.has(name)), []);
  });

  Deno.test(`${table.name}: a message fits one row at most`, () => {
    for (const from of left) {
      for (const auth of auths) {
        for (const encrypted of [true, false]) {
          const fit = rows.filter((row) =>
            row.from === from && row.encrypted === encrypted && (row.auth === undefined || row.auth === auth)
          );
          ok(fit.length <= 1, `${from} ${auth} ${encrypted}: ${fit.map(({ flow }) => flow).join("; ")}`);
        }
      }
      ok(rows.some((row) => row.from === from));
    }
  });

  Deno.test(`${table.name}: a step forward is to a later state of the same role`, () => {
    for (const { from, to } of rows) {
      equal(from.replace(/\d$/, ""), to.replace(/\d$/, ""), `${from} -> ${to}`);
      ok(STATES[to].number > STATES[from].number, `${from} -> ${to}`);
    }
  });

  Deno.test(`${table.name}: the last step of each role establishes, and no other`, () => {
    for (const { to, timer } of rows) equal(timer === "established", ends.includes(to), to);
  });

  Deno.test(`${table.name}: what is encrypted stays so`, () => {
    const secured = new Set(rows.filter(({ encrypted, encrypts }) => encrypted || encrypts).map(({ to }) => to));
    // The RFC's last message of Aggressive Mode is clear, and is taken.
    const exempt = (from: StateName) => from === "AGGR_R1";
    for (const { from, encrypted } of rows) ok(!secured.has(from) || encrypted || exempt(from), from);
  });

  Deno.test(`${table.name}: the flow says what the row does`, () => {
    for (const { flow, encrypted, encrypts, expects, timer, from } of rows) {
      const parts = flow.split(/\s+(?=<--|-->)/);
      const [received, sent] = parts;
      ok(parts.length <= 2, flow);
      if (from !== "AGGR_R1") equal(received.includes("HDR*"), encrypted, flow);
      if (sent) equal(sent.includes("HDR*"), encrypts, flow);
      else equal(timer, "established", flow);
      for (const [word, type] of [["SA", "SA"], ["KE", "KE"], ["ID", "ID"]] as const) {
        const isOptional = new RegExp(`\\[[^\\]]*${word}`).test(received);
        if (new RegExp(`\\b${word}`).test(received)) equal(expects[type]?.[0], isOptional ? 0 : 1, `${flow}: ${type}`);
        else equal(expects[type], undefined, `${flow}: ${type}`);
      }
    }
  });
}

Deno.test("a reply that nothing else would bring again is sent again for a repeat", () => {
  // Whoever has no timer of its own after its reply, and whoever has just established.
  for (const { table } of SHAPES) {
    for (const { to, timer, flow } of table.rows) {
      const replies = flow.split(/\s+(?=<--|-->)/).length === 2;
      if (replies && timer !== "retransmit") ok(table.answersRepeats.includes(to), to);
    }
  }
});

Deno.test("docs/exchanges.md has the tables as they are", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/exchanges.md", import.meta.url));
  const found = page.split("\n").map((line) => line.replaceAll(/ +/g, " ")).filter((line) =>
    /^## |^\| (?!state|-)/.test(line)
  );
  const tables = [MAIN_MODE, AGGRESSIVE_MODE, QUICK_MODE, TRANSACTION] as unknown as TableShape[];
  const expected = tables.flatMap(listExchange).map((line) => line.replaceAll(/ +/g, " "));
  deepEqual(found, expected);
});
