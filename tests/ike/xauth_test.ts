/** XAUTH and Mode Config between two engines, before any Quick Mode. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { IkeEnd } from "../../lib/ike/connection.ts";
import { CFG_ATTRIBUTE, EXCHANGE } from "../../lib/ike/constants.ts";
import type { Effect } from "../../lib/ike/exchange_table.ts";
import { cookies } from "../../lib/ike/delete_payload.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import type { Attribute } from "../../lib/ike/payload.ts";
import type { EngineServices, Phase2 } from "../../lib/ike/phase2.ts";
import { opening } from "../../lib/ike/transaction.ts";
import { makePhase2 } from "../../lib/ike/under_isakmp.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { EAST_NET, type Given, ipsecSas, startMain, startQuick, WEST_NET, worldOf } from "./_phase2.ts";
import { chance, type World } from "./_two_engines.ts";

interface Roles {
  /** West is the client, and begins. */
  readonly xauth?: boolean;
  readonly modecfg?: boolean;
  readonly pull?: boolean;
  readonly aggressive?: boolean;
}

function rolesWorld({ xauth, modecfg, pull, aggressive }: Roles, more: Given = {}): World {
  const client: Partial<IkeEnd> = { xauthClient: xauth, modecfgClient: modecfg };
  const server: Partial<IkeEnd> = { xauthServer: xauth, modecfgServer: modecfg };
  const world = worldOf({
    ...more,
    both: { modecfgPull: pull, aggressive, ...more.both },
    westEnd: { ...WEST_NET, ...client },
    eastEnd: { ...EAST_NET, ...server },
  });
  world.west.host.secrets.set("password", "sesame");
  world.east.host.secrets.set("user alice", "sesame");
  return world;
}

const ALL: [what: string, Roles][] = [
  ["XAUTH", { xauth: true }],
  ["Mode Config, push", { modecfg: true }],
  ["Mode Config, pull", { modecfg: true, pull: true }],
  ["XAUTH and Mode Config, push", { xauth: true, modecfg: true }],
  ["XAUTH and Mode Config, pull", { xauth: true, modecfg: true, pull: true }],
];
for (const aggressive of [false, true]) {
  for (const [what, roles] of ALL) {
    Deno.test(`${what} after ${aggressive ? "Aggressive" : "Main"} Mode, then Quick Mode`, async () => {
      const world = rolesWorld({ ...roles, aggressive });
      const { west, east } = world;
      startMain(west, east);
      await world.pass(5);
      ok(west.established && east.established, world.story);
      deepEqual([west.names, east.names], aggressive ? [["AGGR_I2"], ["AGGR_R2"]] : [["MAIN_I4"], ["MAIN_R3"]]);
      const { assigned } = west.isakmp[0];
      equal(assigned?.address && formatAddress(assigned.address), roles.modecfg ? "10.9.0.1" : undefined);
      deepEqual(assigned?.dns.map((one) => formatAddress(one)), roles.modecfg ? ["10.9.0.53"] : undefined);
      equal(world.west.host.events.filter((event) => event === "established #1").length, 1);
      startQuick(west);
      await world.pass(5);
      ok(ipsecSas(west)[0].isEstablished && ipsecSas(east)[0].isEstablished, world.story);
    });
  }
}

Deno.test("XAUTH and Mode Config say what pluto's successors said", async () => {
  const world = rolesWorld({ xauth: true, modecfg: true, pull: true });
  startMain(world.west, world.east);
  await world.pass(5);
  const since = (told: string[]) => told.slice(told.findIndex((line) => line.startsWith("004 STATE_MAIN")) + 1);
  deepEqual(since(world.east.host.told), [
    "002 XAUTH: Sending Username/Password request (XAUTH_R0)",
    "125 STATE_XAUTH_R0: XAUTH responder - optional CFG exchange",
    "002 XAUTH: User alice: Attempting to login",
    "002 XAUTH: User alice: Authentication Successful",
    "126 STATE_XAUTH_R1: XAUTH status sent, expecting Ack",
    "129 STATE_MODE_CFG_R0: ModeCfg server, awaiting request",
    "002 modecfg: giving 10.9.0.1 to the peer",
    "002 sent MR3, ISAKMP SA established",
    "004 STATE_MAIN_R3: sent MR3, ISAKMP SA established",
  ]);
  deepEqual(since(world.west.host.told), [
    "002 XAUTH: Answering XAUTH challenge with user='alice'",
    "128 STATE_XAUTH_I1: XAUTH client - awaiting CFG_set",
    "002 XAUTH: Successfully Authenticated",
    "002 modecfg: Sending IP request (MODECFG_I1)",
    "131 STATE_MODE_CFG_I1: ModeCfg client, awaiting answer",
    "002 setting client address to 10.9.0.1",
    "002 Received DNS 10.9.0.53",
    "002 ISAKMP SA established",
    "004 STATE_MAIN_I4: ISAKMP SA established",
  ]);
});

Deno.test("a wrong password: both ends say so, and there is no SA", async () => {
  const world = rolesWorld({ xauth: true, modecfg: true });
  const { west, east } = world;
  west.host.secrets.set("password", "guessed");
  startMain(west, east);
  await world.pass(5);
  ok(
    east.host.told.includes("003 XAUTH: User alice: Authentication Failed: Incorrect Username or Password"),
    world.story,
  );
  ok(
    west.host.told.includes("003 XAUTH: Authentication Failed: the server does not accept user name and password"),
    world.story,
  );
  equal(west.host.told[west.host.told.length - 1], "224 STATE_XAUTH_I1: AUTHENTICATION_FAILED");
  deepEqual([west.names, east.names], [[], []]);
  ok(west.host.events.includes("gave up #1"));
  for (const { host } of [west, east]) ok(!host.events.includes("established #1"), world.story);
  ok(!world.story.includes("guessed"));
});

Deno.test("no password and nobody to ask: the client gives up at once", async () => {
  const world = rolesWorld({ xauth: true });
  world.west.host.secrets.delete("password");
  startMain(world.west, world.east);
  await world.pass(5);
  ok(world.west.host.told.some((line) => line.startsWith("003 XAUTH: no user name and password")), world.story);
  deepEqual(world.west.names, []);
  await world.pass(100);
  deepEqual(world.east.names, []);
  ok(
    world.east.host.told.includes(
      "031 max number of retransmissions (2) reached STATE_XAUTH_R0.  No answer to our request for user name and password",
    ),
    world.story,
  );
});

Deno.test("a user who types slowly is asked once, though the server asks again", async () => {
  const world = rolesWorld({ xauth: true });
  let asked = 0, typed = () => {};
  const credentials = world.west.host.credentials.bind(world.west.host);
  world.west.host.credentials = async () => {
    asked++;
    await new Promise<void>((resolve) => typed = resolve);
    return await credentials();
  };
  startMain(world.west, world.east);
  await world.pass(35);
  equal(asked, 1);
  typed();
  await world.pass(5);
  ok(world.west.established && world.east.established, world.story);
});

Deno.test("a server that deletes the SA in the midst of XAUTH ends the attempt", async () => {
  let say = () => {};
  const world = rolesWorld({ xauth: true }, {
    makePhase2: (services) => {
      say = () => {
        const sa = world.east.isakmp[0] as IsakmpState;
        if (services.host === world.east.host) {
          services.inform(sa, [{ type: "D", doi: 1, protocol: 1, spis: [cookies(sa)] }]);
        }
      };
      return makePhase2(services);
    },
  });
  const { west, east } = world;
  west.host.credentials = () => new Promise(() => {});
  startMain(west, east);
  await world.pass(5);
  deepEqual([west.names, east.names], [["XAUTH_I0"], ["XAUTH_R0"]]);
  say();
  await world.pass(1);
  deepEqual(west.names, []);
  ok(west.host.told.includes("003 received Delete SA payload: deleting ISAKMP State #1"), world.story);
  ok(west.host.events.includes("gave up #1"), world.story);
});

Deno.test("no Quick Mode before XAUTH is through", async () => {
  const world = rolesWorld({ xauth: true });
  const { west, east } = world;
  east.host.delay = () => new Promise(() => {});
  startMain(west, east);
  await world.pass(5);
  const started = west.engine.startQuick(west.isakmp[0], west.host.connections[0], { replaces: 0, attempt: 1 });
  deepEqual(started, { refused: "ISAKMP SA #1 is not established", notify: 0 });
});

Deno.test("a client that skips XAUTH gets no Quick Mode from the server", async () => {
  const world = rolesWorld({ xauth: true });
  const { west, east } = world;
  startMain(west, east);
  // In flight: all of Main Mode; then the server's Transactions are lost, and the client pretends that all is well.
  world.wire = ({ datagram, from }) =>
    from === east && datagram[18] === EXCHANGE.MODE_CFG ? [] : [{ datagram, afterMs: 1 }];
  await world.pass(2);
  (west.isakmp[0] as { isEstablished: boolean }).isEstablished = true;
  startQuick(west);
  await world.pass(5);
  ok(
    east.host.told.includes("003 Quick Mode message is unacceptable because it is for an incomplete ISAKMP SA"),
    world.story,
  );
  deepEqual(ipsecSas(east), []);
});

Deno.test("a server of Mode Config answers although it would have told by itself", async () => {
  const world = rolesWorld({ modecfg: true, pull: true }, { east: { modecfgPull: false } });
  startMain(world.west, world.east);
  await world.pass(60);
  ok(world.west.established && world.east.established, world.story);
  ok(world.west.isakmp[0].assigned?.address, world.story);
});

Deno.test("a client that announces Cisco Unity is waited for, not told", async () => {
  const unity = (services: EngineServices): Phase2 => {
    const phase2 = makePhase2(services);
    return {
      ...phase2,
      afterPhase1(sa) {
        if (sa.role === "responder") sa.peer = { ...sa.peer, unity: true };
        return phase2.afterPhase1(sa);
      },
    };
  };
  const world = rolesWorld({ modecfg: true, pull: true }, { east: { modecfgPull: false }, makePhase2: unity });
  startMain(world.west, world.east);
  await world.pass(5);
  ok(world.west.established && world.east.established, world.story);
  ok(!world.east.host.told.some((line) => line.includes("STATE_MODE_CFG_R1")), world.story);
});

Deno.test("XAUTH and Mode Config come through where one datagram in six is lost", async () => {
  let established = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const world = rolesWorld({ xauth: true, modecfg: true, pull: seed % 2 === 0 }, { seed });
    const next = chance(seed);
    world.wire = ({ datagram }) =>
      next() < 0.16 && datagram[18] === EXCHANGE.MODE_CFG ? [] : [{ datagram, afterMs: 1 + next() * 500 }];
    startMain(world.west, world.east);
    await world.pass(400);
    ok(!world.story.includes("internal error"), `seed ${seed}\n${world.story}`);
    if (world.west.established && world.east.established) established++;
  }
  ok(established >= 30, `${established} of 40`);
});

/** A server with a first request, or an answer to a login, of its own. */
function strangeServer({ ask, onLogin }: {
  readonly ask?: readonly Attribute[];
  readonly onLogin?: Effect;
}): (services: EngineServices) => Phase2 {
  return (services) => {
    const phase2 = makePhase2(services);
    const rows = phase2.transaction.rows.map((row) =>
      row.from === "XAUTH_R0" && onLogin
        ? { ...row, step: () => ({ kind: "advance" as const, effects: [onLogin] }) }
        : row
    );
    return {
      ...phase2,
      afterPhase1: (sa) =>
        sa.role === "responder" && ask ? { next: "open", opening: asking(ask) } : phase2.afterPhase1(sa),
      transaction: { ...phase2.transaction, rows },
    };
  };
}

function asking(attributes: readonly Attribute[]) {
  return opening("XAUTH_R0", "--> HDR*, HASH, ATTR(REQUEST)", () => ({ kind: "REQUEST", attributes }));
}

const empty = new Uint8Array(0);
const STRANGE: [what: string, ask: Attribute[], line: string][] = [
  [
    "RADIUS-CHAP",
    [{ type: CFG_ATTRIBUTE.XAUTH_TYPE, value: 1 }, { type: CFG_ATTRIBUTE.XAUTH_USER_NAME, value: empty }],
    "003 XAUTH: Unsupported type: 1",
  ],
  [
    "the next PIN",
    [{ type: CFG_ATTRIBUTE.XAUTH_NEXT_PIN, value: empty }],
    "003 XAUTH: No username/password request was received: the server asks for XAUTH_NEXT_PIN",
  ],
];
for (const [what, ask, line] of STRANGE) {
  Deno.test(`a server that asks for ${what} gets no password`, async () => {
    const world = rolesWorld({ xauth: true }, { makePhase2: strangeServer({ ask }) });
    startMain(world.west, world.east);
    await world.pass(5);
    ok(world.west.host.told.includes(line), world.story);
    deepEqual(world.west.names, []);
  });
}

Deno.test("a server's message is shown, and its generic type taken", async () => {
  const ask = [
    { type: CFG_ATTRIBUTE.XAUTH_TYPE, value: 0 },
    { type: CFG_ATTRIBUTE.XAUTH_MESSAGE, value: new TextEncoder().encode("Mind the gap") },
    { type: CFG_ATTRIBUTE.XAUTH_USER_NAME, value: empty },
    { type: CFG_ATTRIBUTE.XAUTH_USER_PASSWORD, value: empty },
  ];
  const world = rolesWorld({ xauth: true }, { makePhase2: strangeServer({ ask }) });
  startMain(world.west, world.east);
  await world.pass(5);
  ok(world.west.host.told.includes("002 XAUTH: the server says: Mind the gap"), world.story);
  ok(world.west.established && world.east.established, world.story);
});

Deno.test("a server that goes on asking gets the password three times, and no more", async () => {
  const again: Effect = {
    effect: "open",
    opening: asking([
      { type: CFG_ATTRIBUTE.XAUTH_USER_NAME, value: empty },
      { type: CFG_ATTRIBUTE.XAUTH_USER_PASSWORD, value: empty },
    ]),
  };
  const world = rolesWorld({ xauth: true }, { makePhase2: strangeServer({ onLogin: again }) });
  startMain(world.west, world.east);
  await world.pass(60);
  equal(world.west.host.told.filter((line) => line.startsWith("002 XAUTH: Answering")).length, 3);
  ok(world.west.host.told.includes("003 XAUTH: the server has asked 3 times already"), world.story);
  deepEqual(world.west.names, []);
});

Deno.test("a client that answers many times at once has one guess for each phase 1", async () => {
  const services: EngineServices[] = [];
  const world = rolesWorld({ xauth: true }, {
    makePhase2: (one) => {
      services.push(one);
      return makePhase2(one);
    },
  });
  const { west, east } = world;
  west.host.credentials = () => new Promise(() => {});
  const checked: string[] = [];
  const { promise, resolve } = Promise.withResolvers<boolean>();
  east.host.checkPassword = (_connection, user) => {
    checked.push(user);
    return promise;
  };
  startMain(west, east);
  await world.pass(1);
  for (const user of ["alice", "bob", "carol"]) {
    services[0].openTransaction(
      west.isakmp[0] as IsakmpState,
      opening("XAUTH_I1", "--> HDR*, HASH, ATTR(REPLY)", () => ({
        kind: "REPLY",
        attributes: [
          { type: CFG_ATTRIBUTE.XAUTH_USER_NAME, value: new TextEncoder().encode(user) },
          { type: CFG_ATTRIBUTE.XAUTH_USER_PASSWORD, value: new TextEncoder().encode("guess") },
        ],
      })),
    );
    await world.pass(1);
  }
  deepEqual(checked, ["alice"]);
  resolve(false);
  await world.pass(1);
  deepEqual(checked, ["alice"]);
  ok(!east.established, world.story);
});
