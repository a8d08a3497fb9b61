/** Two engines before and in phase 1. */
import { createHash } from "node:crypto";
import { ok } from "node:assert/strict";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";
import type { RsaPrivateKey } from "../../lib/crypto/rsa.ts";
import type { IkeConnection } from "../../lib/ike/connection.ts";
import type { IsakmpSa } from "../../lib/ike/state.ts";
import { makePhase2 } from "../../lib/ike/under_isakmp.ts";
import { connection, end } from "./_test_host.ts";
import { chance, type Nat, randomBytes, type Side, World, type WorldOptions } from "./_two_engines.ts";
import { address } from "./_test_host.ts";

export interface Given extends Partial<WorldOptions> {
  /** Of both ends' connections; then what is other at one end. */
  readonly both?: Partial<IkeConnection>;
  readonly ofWest?: Partial<IkeConnection>;
  readonly ofEast?: Partial<IkeConnection>;
  readonly westId?: string;
  readonly eastId?: string;
  readonly westNat?: Nat;
  readonly eastNat?: Nat;
}

// west 192.0.2.1 ====== 192.0.2.2 east
export function pair(given: Given = {}): World {
  const { both, ofWest, ofEast, westId = "@west", eastId = "@east", westNat, eastNat } = given;
  const world = new World({ makePhase2, ...given });
  const { west, east } = world;
  west.nat = westNat;
  east.nat = eastNat;
  const at = ({ name, address, nat }: Side, id: string, from: "inside" | "outside") => ({
    ...end(name.startsWith("west") ? "192.0.2.1" : "192.0.2.2", id),
    host: from === "outside" && nat ? nat.outside : address,
  });
  west.host.connections = [
    connection("net-net", at(west, westId, "inside"), at(east, eastId, "outside"), { ...both, ...ofWest }),
  ];
  east.host.connections = [
    connection("net-net", at(east, eastId, "inside"), at(west, westId, "outside"), { ...both, ...ofEast }),
  ];
  for (const { host } of [west, east]) host.secrets.set("*", "how now brown cow");
  return world;
}

export function start({ west, east }: World): IsakmpSa {
  const sa = west.engine.startPhase1(west.host.connections[0], west.pathTo(east), { replaces: 0, attempt: 1 });
  ok(!("refused" in sa), JSON.stringify(sa));
  return sa;
}

export async function establish(world: World): Promise<World> {
  start(world);
  await world.pass(5);
  ok(world.west.established && world.east.established, world.story);
  return world;
}

const NAT_OUTSIDE = { west: "203.0.113.1", east: "203.0.113.2" };

export function natBefore(which: "west" | "east", inside: string, shift = 10_000): Nat {
  return { inside: address(inside), outside: address(NAT_OUTSIDE[which]), shift };
}

const RSA_BITS = 1024;
const keys = new Map<string, RsaPrivateKey>();

/** The same for the same name, in one run. */
export function rsaKey(name: string): RsaPrivateKey {
  let key = keys.get(name);
  if (!key) {
    const random = randomBytes(chance(createHash("sha256").update(name).digest().readUInt32BE()));
    key = generateRsaKey({ bits: RSA_BITS, rounds: 2, seed: random, random });
    keys.set(name, key);
  }
  return key;
}

/** Both have their own key and the other's. */
export function withRsa(world: World, { westId = "@west", eastId = "@east" } = {}): World {
  const { west, east } = world;
  west.host.ownKey = rsaKey("west");
  east.host.ownKey = rsaKey("east");
  west.host.keysOf.set(eastId, [rsaKey("east").publicKey]);
  east.host.keysOf.set(westId, [rsaKey("west").publicKey]);
  return world;
}
