import { deepEqual, equal } from "node:assert/strict";
import type { Client } from "../../lib/ike/client_ids.ts";
import type { IkeConnection } from "../../lib/ike/connection.ts";
import { IpsecState } from "../../lib/ike/ipsec_sa.ts";
import { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import {
  clientSeen,
  encapsulationPorts,
  namesClients,
  natOaPayloads,
  offerOf,
  policyOf,
} from "../../lib/ike/quick_terms.ts";
import { NATT_METHODS } from "../../lib/ike/vendor_ids.ts";
import { formatSubnet } from "../../lib/text/subnet.ts";
import { subnet } from "./_phase2.ts";
import { address, connection, end } from "./_test_host.ts";

type Nat = IsakmpState["nat"];

// laptop 192.168.1.5 -- NAT 203.0.113.9 ====== 192.0.2.2 east; this is the laptop
const PATH = { local: address("192.168.1.5"), localPort: 4500, remote: address("192.0.2.2"), remotePort: 4500 };

function sa(nat: Partial<Nat>, more: Partial<IkeConnection> = {}): IsakmpState {
  const nothing = new Uint8Array(8);
  const state = new IsakmpState({
    number: 1,
    name: "MAIN_I4",
    role: "initiator",
    connection: connection("net", end("192.168.1.5"), end("192.0.2.2"), more),
    path: PATH,
    attempt: 1,
    replaces: 0,
    exchangeType: 2,
    initiatorCookie: nothing,
    responderCookie: nothing,
  });
  state.nat = { ours: false, peers: false, ...nat };
  return state;
}

function quick(isakmp: IsakmpState): IpsecState {
  const { connection, path } = isakmp;
  return new IpsecState({
    number: 2,
    name: "QUICK_I1",
    role: "initiator",
    connection,
    path,
    attempt: 1,
    replaces: 0,
    isakmp: 1,
    messageId: 7,
  });
}

const RFC = NATT_METHODS.rfc3947.says, DRAFT = NATT_METHODS.draft02.says;
const ENCAPSULATIONS: [what: string, Partial<Nat>, string][] = [
  ["no NAT", { method: RFC }, "none"],
  ["a NAT before us", { ours: true, method: RFC }, "rfc"],
  ["a NAT before the peer, by a draft", { peers: true, method: DRAFT }, "drafts"],
];
for (const [what, nat, encapsulation] of ENCAPSULATIONS) {
  Deno.test(`offerOf() with ${what} has modes of ${encapsulation}`, () => {
    const isakmp = sa(nat);
    equal(offerOf(isakmp, quick(isakmp), { esp: 0x1000 }).encapsulation, encapsulation);
    equal(policyOf(isakmp, isakmp.connection, []).encapsulated, encapsulation !== "none");
    deepEqual(
      encapsulationPorts(isakmp),
      encapsulation === "none" ? undefined : { localPort: 4500, remotePort: 4500 },
    );
  });
}

Deno.test("natOaPayloads() names the initiator first, by the numbers of RFC or draft, in transport mode only", () => {
  const nat = { ours: true, method: RFC };
  const named = (payloads: ReturnType<typeof natOaPayloads>) =>
    payloads.map((one) => one.type === "NAT-OA" && `${one.draft ? "draft " : ""}${one.idType} ${one.data.join(".")}`);
  deepEqual(named(natOaPayloads(sa(nat), "initiator", "transport")), ["1 192.168.1.5", "1 192.0.2.2"]);
  deepEqual(named(natOaPayloads(sa(nat), "responder", "transport")), ["1 192.0.2.2", "1 192.168.1.5"]);
  deepEqual(named(natOaPayloads(sa({ ...nat, method: DRAFT }), "initiator", "transport")), [
    "draft 1 192.168.1.5",
    "draft 1 192.0.2.2",
  ]);
  deepEqual(natOaPayloads(sa(nat), "initiator", "tunnel"), []);
  deepEqual(natOaPayloads(sa({ method: RFC }), "initiator", "transport"), []);
});

const client = (text: string): Client => ({ client: subnet(text), protocol: 17, port: 1701 });
const SEEN: [what: string, Partial<Nat>, "tunnel" | "transport", "ours" | "peers", string, string][] = [
  [
    "the public address of a host behind a NAT",
    { ours: true },
    "transport",
    "ours",
    "203.0.113.9/32",
    "192.168.1.5/32",
  ],
  ["the private address of a peer behind a NAT", { peers: true }, "transport", "peers", "10.0.0.7/32", "192.0.2.2/32"],
  [
    "a peer's address where only we are behind a NAT",
    { ours: true },
    "transport",
    "peers",
    "10.0.0.7/32",
    "10.0.0.7/32",
  ],
  ["a network", { peers: true }, "transport", "peers", "10.0.0.0/24", "10.0.0.0/24"],
  ["an address in a tunnel", { peers: true }, "tunnel", "peers", "10.0.0.7/32", "10.0.0.7/32"],
];
for (const [what, nat, mode, whose, named, seen] of SEEN) {
  Deno.test(`clientSeen() of ${what}`, () => {
    const found = clientSeen(sa(nat), mode, whose, client(named));
    deepEqual([formatSubnet(found.client), found.protocol, found.port], [seen, 17, 1701]);
  });
}

Deno.test("namesClients() does not name the hosts themselves, unless a NAT hides ours in a tunnel", () => {
  const hosts = connection("net", end("192.168.1.5"), end("192.0.2.2"));
  equal(namesClients(sa({}), hosts), false);
  equal(namesClients(sa({ ours: true }), hosts), true);
  equal(namesClients(sa({ ours: true }), { ...hosts, mode: "transport" }), false);
  equal(namesClients(sa({ peers: true }), hosts), false);
  equal(namesClients(sa({}), { ...hosts, ours: { ...hosts.ours, protocol: 17 } }), true);
});

Deno.test("policyOf() wants a tunnel for whatever is not the two hosts themselves", () => {
  const isakmp = sa({});
  const mode = (...clients: string[]) => policyOf(isakmp, isakmp.connection, clients.map(client)).mode;
  equal(mode("192.168.1.5/32", "192.0.2.2/32"), undefined);
  equal(mode("192.168.1.5/32", "192.0.2.3/32"), "tunnel");
  equal(mode("192.168.1.0/24", "192.0.2.2/32"), "tunnel");
});

Deno.test("policyOf() takes groups of the past only where they are named", () => {
  const takes = (more: Partial<IkeConnection>) => {
    const isakmp = sa({}, more);
    return policyOf(isakmp, isakmp.connection, []).pfsGroups.filter((group) => group.startsWith("modp1"));
  };
  deepEqual(takes({}), []);
  deepEqual(takes({ pfsGroup: "modp1536" }), ["modp1536"]);
  deepEqual(takes({ ikeSuites: [{ cipher: "3des", keyBits: 192, hash: "md5", group: "modp1024" }] }), ["modp1024"]);
});
