/** What a peer may not get round by the choice of another connection (lib/pluto/isakmp_fit.ts). West is we. */
import { deepStrictEqual as equal } from "node:assert/strict";
import type { ClientRequest } from "../../lib/ike/host.ts";
import type { IsakmpSa, Path } from "../../lib/ike/state.ts";
import type { IkeSuite } from "../../lib/ike/suite.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import { Connection } from "../../lib/pluto/connection.ts";
import { formatIdentity, type Identity } from "../../lib/text/identity.ts";
import { ANY, id, net, stage } from "./_chooser.ts";
import { DEPS, type make, WEST } from "./_connections.ts";
import { address, description } from "./_fakes.ts";
import { defineConnection } from "../../lib/pluto/define.ts";

type More = Parameters<typeof make>[1];
const PATH: Path = {
  local: address("192.0.2.1"),
  localPort: 500,
  remote: address("203.0.113.9"),
  remotePort: 500,
};
const WEAK: IkeSuite = { cipher: "3des", keyBits: 192, hash: "md5", group: "modp1024" };
const STRONG: IkeSuite = { cipher: "aes", keyBits: 256, hash: "sha2_256", group: "modp2048" };

/** A template for anybody, for 10.0.1.0/24 unless told otherwise. */
function road(
  name: string,
  { right, ...more }: NonNullable<More> = {},
  ike: readonly IkeSuite[] = [STRONG],
): Connection {
  const suites = { ike, ipsec: [{ protocol: "esp", cipher: "aes128gcm16" }] } as const;
  const { connection } = defineConnection(name, description({ ...more, right: { ...ANY, id: undefined, ...right } }), {
    ...DEPS,
    readSuites: () => ({ ok: true, value: suites }),
  });
  if (!connection) throw new Error(`no ${name}`);
  connection.interface = WEST;
  return connection;
}

const shown = (chosen: Connection | { refused: string }) => chosen instanceof Connection ? chosen.name : chosen.refused;

const STAFF = "10.0.7.0/24";

/** Phase 1 with the first; then its identity. */
const IDENTITY: [what: string, second: () => Connection, sa: Partial<IsakmpSa>, chosen: string][] = [
  ["another connection, all alike", () => road("second", { right: { id: "@alice" } }), {}, "second"],
  [
    "one with XAUTH, where none was agreed upon",
    () => road("second", { right: { id: "@alice", xauthClient: true } }),
    {},
    "first",
  ],
  ["one with stronger algorithms", () => road("second", { right: { id: "@alice" } }), { suite: WEAK }, "first"],
  ["one without Aggressive Mode", () => road("second", { right: { id: "@alice" } }), { name: "AGGR_R1" }, "first"],
  [
    "one with Aggressive Mode",
    () => road("second", { aggressive: true, right: { id: "@alice" } }),
    { name: "AGGR_R1" },
    "second",
  ],
  [
    "one with Aggressive Mode, as somebody else than we have said we are",
    () => road("second", { aggressive: true, left: { id: "@other" }, right: { id: "@alice" } }),
    { name: "AGGR_R1" },
    "first",
  ],
];
for (const [what, second, sa, chosen] of IDENTITY) {
  Deno.test(`byIdentity(): ${what}`, () => {
    const { chooser } = stage([road("first", {}, [STRONG, WEAK]), second()]);
    const current = chooser.byAddress(PATH, "main") as Connection;
    const state = { path: PATH, suite: STRONG, ...sa } as IsakmpSa;
    equal(shown(chooser.byIdentity(state, current, id("@alice"), "psk")), chosen);
  });
}

const NO_NAT = { ours: false, peers: false };
const REFUSED = "cannot respond to IPsec SA request because no connection is known for " +
  `${STAFF}===192.0.2.1[@west]...203.0.113.9[@alice]`;

/** Networks of the second, under an ISAKMP SA of the first. */
const CLIENTS: [what: string, first: More, second: More, sa: Partial<IsakmpSa>, chosen: string][] = [
  ["both without XAUTH", {}, {}, { auth: "psk" }, "staff"],
  ["a password that was not asked for", {}, { right: { xauthClient: true } }, { auth: "psk" }, REFUSED],
  ["a password that was not asked for, in the words of our end", {}, { left: { xauthServer: true } }, {}, REFUSED],
  ["both with XAUTH", { right: { xauthClient: true } }, { left: { xauthServer: true } }, { auth: "psk" }, "staff"],
  ["a secret in place of a signature", {}, { psk: false, rsasig: true }, { auth: "psk" }, REFUSED],
  ["a signature, where either will do", { rsasig: true }, { psk: false, rsasig: true }, { auth: "rsasig" }, "staff"],
];
for (const [what, first, second, sa, chosen] of CLIENTS) {
  Deno.test(`byClients(): ${what}`, async () => {
    const { chooser } = stage([
      road("guest", first),
      road("staff", { ...second, left: { client: STAFF, ...second?.left } }),
    ]);
    const current = chooser.byAddress(PATH, "main") as Connection;
    current.peers.givenId = id("@alice");
    const side = (text: string) => ({ client: net(text), protocol: 0, port: 0 });
    const request: ClientRequest = { ours: side(STAFF), peers: side("203.0.113.9/32"), mode: "tunnel" };
    equal(shown(await chooser.byClients({ path: PATH, nat: NO_NAT, ...sa } as IsakmpSa, current, request)), chosen);
  });
}

/** @param asks for 10.55.0.7 while @bob has `held` */
async function claim(asks: string, held: string, inUse = true) {
  const { chooser } = stage([road("road", { right: { clientWithin: "10.0.0.0/8" } })]);
  const connect = async (who: string, wanted: string, remote: string) => {
    const path = { ...PATH, remote: address(remote) };
    const current = chooser.byAddress(path, "main") as Connection;
    current.peers.givenId = id(who);
    return await chooser.byClients({ path, nat: NO_NAT, auth: "psk" } as IsakmpSa, current, {
      ours: { client: net("10.0.1.0/24"), protocol: 0, port: 0 },
      peers: { client: net(wanted), protocol: 0, port: 0 },
      mode: "tunnel",
    });
  };
  const holder = await connect("@bob", held, "203.0.113.5") as Connection;
  if (inUse) holder.newestIpsec = 2;
  const chosen = await connect(asks, "10.55.0.7/32", "203.0.113.9");
  return shown(chosen);
}

const HELD: [what: string, asks: string, held: string, inUse: boolean, chosen: string][] = [
  ["another peer has it", "@eve", "10.55.0.7/32", true, "10.55.0.7/32 is already used by '@bob'"],
  ["another peer has all around it", "@eve", "10.55.0.0/16", true, "10.55.0.7/32 is already used by '@bob'"],
  ["another peer has another", "@eve", "10.55.0.8/32", true, "road"],
  ["another peer had it", "@eve", "10.55.0.7/32", false, "road"],
  ["the same peer comes from elsewhere", "@bob", "10.55.0.7/32", true, "road"],
];
for (const [what, asks, held, inUse, chosen] of HELD) {
  Deno.test(`byClients() of a network that the peer chooses: ${what}`, async () => {
    equal(await claim(asks, held, inUse), chosen);
  });
}

Deno.test("byIdentity() after Aggressive Mode: the secret of the identity is the one that keys were made of", () => {
  const presharedKey = (_: Connection, peerId: Identity | undefined) =>
    peerId ? new Secret(Uint8Array.of(7)) : undefined;
  const { chooser } = stage([road("road", { aggressive: true })], { presharedKey });
  const current = chooser.byAddress(PATH, "aggressive", id("@alice")) as Connection;
  const state = { path: PATH, suite: STRONG, name: "AGGR_R1", peerId: id("@alice") } as unknown as IsakmpSa;
  equal(shown(chooser.byIdentity(state, current, id("@alice"), "psk")), "road");
});

Deno.test("byIdentity(): whom a template with wildcards is for has a name from then on, and the next peer another instance", () => {
  const { chooser } = stage([road("road", { right: { id: "C=CA, CN=*" } })]);
  const meet = (who: string) => {
    const current = chooser.byAddress(PATH, "main") as Connection;
    return chooser.byIdentity({ path: PATH, suite: STRONG } as IsakmpSa, current, id(who), "psk") as Connection;
  };
  const alice = meet("C=CA, CN=alice"), bob = meet("C=CA, CN=bob");
  equal([alice, bob].map(({ label, peers }) => [label, formatIdentity(peers.id)]), [
    ['"road"[1] 203.0.113.9', "C=CA, CN=alice"],
    ['"road"[2] 203.0.113.9', "C=CA, CN=bob"],
  ]);
  equal(meet("C=CA, CN=alice"), alice);
});
