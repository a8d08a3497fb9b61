/** Mode Config, client's side, between two engines in fake time. */
import { deepEqual, ok } from "node:assert/strict";
import { wantedAttributes } from "../../lib/ike/config_attributes.ts";
import type { IkeEnd } from "../../lib/ike/connection.ts";
import { EXCHANGE } from "../../lib/ike/constants.ts";
import type { Address, Family } from "../../lib/text/address.ts";
import { EAST_NET, startMain, WEST_NET, worldOf } from "./_phase2.ts";
import { address } from "./_test_host.ts";

const BEFORE = { inet: address("10.9.0.7"), inet6: address("fd01:9::7") };
for (const [family, before] of Object.entries(BEFORE) as [Family, Address][]) {
  Deno.test(`a client asks for the ${family} address that it had before`, () => {
    const [first, ...others] = wantedAttributes(family, before), [empty, ...rest] = wantedAttributes(family, undefined);
    deepEqual([first.value, empty.value], [before.bytes, new Uint8Array(0)]);
    deepEqual([first.type, others], [empty.type, rest]);
    const other = BEFORE[family === "inet" ? "inet6" : "inet"];
    deepEqual(wantedAttributes(family, other), [empty, ...rest]);
  });
}

const SILENCES: [what: string, west: Partial<IkeEnd>, state: string, hint: string][] = [
  [
    "an address",
    { modecfgClient: true },
    "MODE_CFG_I1",
    "it sends no address unasked; modecfgpull=yes asks for one",
  ],
  [
    "a question for the password",
    { xauthClient: true },
    "XAUTH_I0",
    "it does not ask for a password; is leftxauthclient= right?",
  ],
];
for (const [what, west, state, hint] of SILENCES) {
  Deno.test(`a client waits in vain for ${what}, and says what may help`, async () => {
    const world = worldOf({ westEnd: { ...WEST_NET, ...west }, eastEnd: EAST_NET });
    world.wire = ({ datagram }) => datagram[18] === EXCHANGE.MODE_CFG ? [] : [{ datagram, afterMs: 1 }];
    startMain(world.west, world.east);
    await world.pass(130);
    const detail = `The peer has not begun what it should within 120 seconds: ${hint}`;
    ok(world.west.host.told.includes(`031 gave up in STATE_${state}.  ${detail}`), world.story);
    deepEqual(world.west.names, []);
  });
}
