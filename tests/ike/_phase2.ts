/** Two engines with an ISAKMP SA between them, on which phase 2 may begin. */
import { ok } from "node:assert/strict";
import type { IkeConnection, IkeEnd } from "../../lib/ike/connection.ts";
import type { QuickOptions } from "../../lib/ike/host.ts";
import type { IpsecSa, IsakmpSa } from "../../lib/ike/state.ts";
import { makePhase2 } from "../../lib/ike/under_isakmp.ts";
import { parseSubnet, type Subnet } from "../../lib/text/subnet.ts";
import { connection, end } from "./_test_host.ts";
import { type Nat, type Side, World } from "./_two_engines.ts";

export function subnet(text: string): Subnet {
  const parsed = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

export interface Given {
  readonly seed?: number;
  /** Of both ends' connections; then what is other at one end. */
  readonly both?: Partial<IkeConnection>;
  readonly west?: Partial<IkeConnection>;
  readonly east?: Partial<IkeConnection>;
  readonly westEnd?: Partial<IkeEnd>;
  readonly eastEnd?: Partial<IkeEnd>;
  readonly westNat?: Nat;
  /** Both ends have it. */
  readonly makePhase2?: typeof makePhase2;
}

// sunset 10.1.0.0/24 -- west 192.0.2.1 ====== 192.0.2.2 east -- 10.2.0.0/24 sunrise
export const WEST_NET: Partial<IkeEnd> = { client: subnet("10.1.0.0/24") };
export const EAST_NET: Partial<IkeEnd> = { client: subnet("10.2.0.0/24") };

/** The connection as each end has it, and no ISAKMP SA yet. */
export function worldOf(given: Given): World {
  const world = new World({ seed: given.seed, makePhase2: given.makePhase2 ?? makePhase2 });
  const { west, east } = world;
  const westEnd = end("192.0.2.1", "@west", given.westEnd ?? WEST_NET);
  const eastEnd = end("192.0.2.2", "@east", given.eastEnd ?? EAST_NET);
  west.host.connections = [connection("net", westEnd, eastEnd, { ...given.both, ...given.west })];
  const seen = given.westNat ? { ...westEnd, host: given.westNat.outside } : westEnd;
  east.host.connections = [connection("net", eastEnd, seen, { ...given.both, ...given.east })];
  west.nat = given.westNat;
  for (const { host } of [west, east]) host.secrets.set("*", "how now brown cow");
  return world;
}

export async function keyedWorld(given: Given = {}): Promise<World> {
  const world = worldOf(given);
  startMain(world.west, world.east);
  await world.pass(5);
  ok(world.west.established && world.east.established, world.story);
  for (const { host } of [world.west, world.east]) {
    host.lines.length = 0;
    host.events.length = 0;
  }
  return world;
}

export function startMain(from: Side, to: Side): IsakmpSa {
  const started = from.engine.startPhase1(from.host.connections[0], from.pathTo(to), { replaces: 0, attempt: 1 });
  if ("refused" in started) throw new Error(started.refused);
  return started;
}

/** Under the newest ISAKMP SA. */
export function startQuick(side: Side, options: Partial<QuickOptions> = {}, which = side.host.connections[0]): IpsecSa {
  const sa = side.isakmp[side.isakmp.length - 1];
  const started = side.engine.startQuick(sa, which, { replaces: 0, attempt: 1, ...options });
  if ("refused" in started) throw new Error(started.refused);
  return started;
}

export function ipsecSas({ engine }: Side): IpsecSa[] {
  return [...engine.states.values()].filter((state) => state.kind === "ipsec");
}

/** What a packet engine would get: SPIs and keys of a side, as hex, its own direction `<` and the peer's `>`. */
export function keysOf(sa: IpsecSa): string[] {
  return sa.protocols.flatMap(({ suite, inboundSpi, outboundSpi, inboundKeys, outboundKeys }) => {
    const text = (keys: typeof inboundKeys) =>
      [keys.cipher, keys.auth].map((key) => key?.reveal().toHex() ?? "-").join(" ");
    return [
      `${suite.protocol} < ${inboundSpi.toString(16)} ${text(inboundKeys)}`,
      `${suite.protocol} > ${outboundSpi.toString(16)} ${text(outboundKeys)}`,
    ];
  });
}

/** The same SA seen from the other side. */
export function mirrored(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ ([<>]) /, (_all, way) => way === "<" ? " > " : " < ")).sort();
}
