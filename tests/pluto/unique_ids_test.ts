/** Whom the arrival of a peer ends, and whom not. */
import { deepStrictEqual as equal } from "node:assert/strict";
import type { IsakmpSa } from "../../lib/ike/state.ts";
import type { Connection } from "../../lib/pluto/connection.ts";
import { forgottenStates, leftBehind } from "../../lib/pluto/unique_ids.ts";
import { ANY, id } from "./_chooser.ts";
import { known, make } from "./_connections.ts";
import { address } from "./_fakes.ts";

type More = Parameters<typeof make>[1];

function instance(remote: string, who: string, more: More = {}): Connection {
  return make("road", { ...more, right: { ...ANY, id: undefined, ...more?.right } }).instantiate(
    address(remote),
    id(who),
  );
}

function sa(number: number, connection: Connection): IsakmpSa {
  const path = { local: address("192.0.2.1"), localPort: 500, remote: connection.peers.host, remotePort: 500 };
  return { kind: "isakmp", number, connection, path, isEstablished: true } as unknown as IsakmpSa;
}

const HERE = "203.0.113.9", THERE = "203.0.113.5";
/** A peer comes from {@linkcode HERE}; what becomes of an earlier one? */
const CASES: [what: string, who: string, from: string, more: More, left: boolean, forgotten: boolean][] = [
  ["itself from elsewhere", "@laptop", THERE, {}, true, false],
  ["itself from the same address", "@laptop", HERE, {}, false, true],
  ["another peer", "@other", THERE, {}, false, false],
  ["another peer behind the same NAT", "@other", HERE, {}, false, false],
  ["another member of a group with passwords", "@laptop", THERE, { right: { xauthClient: true } }, false, false],
  ["such a one behind the same NAT", "@laptop", HERE, { left: { xauthServer: true } }, false, false],
];
for (const [what, who, from, more, left, forgotten] of CASES) {
  const earlier = instance(from, who, more), later = instance(HERE, "@laptop", more);
  Deno.test(`leftBehind() and ${what}`, () => equal(leftBehind(later, known([later, earlier])), left ? [earlier] : []));
  Deno.test(`forgottenStates() and ${what}`, () => {
    const [old, now] = [sa(1, earlier), sa(2, later)];
    const of = (one: Connection) => [old, now].filter(({ connection }) => connection === one);
    equal(forgottenStates(now, later, known([later, earlier]), of), forgotten ? [old] : []);
  });
}
