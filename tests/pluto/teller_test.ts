/** Whose log a line goes to, where peers have logs of their own. */
import { deepStrictEqual as equal } from "node:assert/strict";
import type { IkeState } from "../../lib/ike/state.ts";
import type { Connection } from "../../lib/pluto/connection.ts";
import { RC } from "../../lib/pluto/define.ts";
import { Teller } from "../../lib/pluto/teller.ts";
import { Whacks } from "../../lib/pluto/whacks.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { make } from "./_connections.ts";
import { address } from "./_fakes.ts";

const PEER = address("203.0.113.9");
const anybody = () =>
  make("road", { right: { host: "%any", client: undefined, id: undefined, nextHop: undefined } })
    .instantiate(PEER, { kind: "any", family: "inet" });

function state(connection: Connection, isEstablished: boolean, kind: IkeState["kind"] = "isakmp"): IkeState {
  const path = { local: address("192.0.2.1"), localPort: 500, remote: PEER, remotePort: 500 };
  return { kind, number: 1, name: "MAIN_R1", connection, path, isEstablished } as unknown as IkeState;
}

const worked = anybody();
worked.hasWorked = true;

const SUBJECTS: [what: string, about: IkeState | Connection, has: boolean][] = [
  ["a half-open exchange of anybody", state(anybody(), false), false],
  ["an established SA of anybody", state(anybody(), true), true],
  ["a Quick Mode of anybody, under an SA that stands", state(anybody(), false, "ipsec"), true],
  ["an instance that has not worked", anybody(), false],
  ["an instance that has", worked, true],
  ["a half-open exchange of a peer that is configured", state(make("net-net", {}), false), true],
];
for (const [what, about, has] of SUBJECTS) {
  Deno.test(`the log of a peer ${has ? "has" : "has not"} lines about ${what}`, () => {
    const peers: (string | undefined)[] = [];
    const teller = new Teller(
      new Whacks(),
      (_level, _text, peer) => void peers.push(peer && formatAddress(peer.address)),
    );
    teller.tell(about, RC.log, "something");
    teller.note(about, "something");
    equal(peers, has ? ["203.0.113.9", "203.0.113.9"] : [undefined, undefined]);
  });
}
