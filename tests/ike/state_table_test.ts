/** States by their connection, which may become another one while they are there, and by their ISAKMP SA. */
import { deepStrictEqual as equal } from "node:assert/strict";
import { IpsecState } from "../../lib/ike/ipsec_sa.ts";
import { type State, StateTable } from "../../lib/ike/state_table.ts";
import { address, connection, end } from "./_test_host.ts";

const [ONE, OTHER] = ["one", "other"].map((name) =>
  connection(name, end("192.0.2.1", "@west"), end("198.51.100.2", "@east"))
);
const PATH = { local: address("192.0.2.1"), localPort: 500, remote: address("198.51.100.2"), remotePort: 500 };
const START = { connection: ONE, path: PATH, role: "responder", attempt: 1, replaces: 0, name: "QUICK_R0" } as const;

function quick(number: number, isakmp: number): IpsecState {
  return new IpsecState({ ...START, number, isakmp, messageId: number });
}

const numbers = (states: Iterable<State>) => [...states].map(({ number }) => number);

Deno.test("StateTable.of() follows a state to another connection, and forgets what has gone", () => {
  const table = new StateTable(10);
  const [first, second] = [quick(1, 9), quick(2, 9)];
  table.add(first);
  table.add(second);
  equal([numbers(table.of(ONE)), numbers(table.of(OTHER))], [[1, 2], []]);
  first.connection = OTHER;
  equal([numbers(table.of(ONE)), numbers(table.of(OTHER))], [[2], [1]]);
  table.remove(first);
  first.connection = ONE; // an answer of the host that came too late
  equal([numbers(table.of(ONE)), numbers(table.of(OTHER))], [[2], []]);
});

Deno.test("StateTable.under() has what was negotiated under an ISAKMP SA", () => {
  const table = new StateTable(10);
  for (const state of [quick(1, 8), quick(2, 9), quick(3, 9)]) table.add(state);
  equal([numbers(table.under(8)), numbers(table.under(9)), numbers(table.under(7))], [[1], [2, 3], []]);
});
