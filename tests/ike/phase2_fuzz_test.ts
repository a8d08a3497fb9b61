/**
 * A peer that has the keys and sends nonsense under them: in each exchange of phase 2, at each state, payloads are spoiled
 * before the HASH is made, so that every parser and step sees them. Nobody may trip, and no two ends may differ about keys.
 */
import { deepEqual, ok } from "node:assert/strict";
import type { IkeEnd } from "../../lib/ike/connection.ts";
import { PAYLOAD } from "../../lib/ike/constants.ts";
import type { ExchangeTable, Opening, Outcome, Row } from "../../lib/ike/exchange_table.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import type { IpsecState } from "../../lib/ike/ipsec_sa.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import { encodeBody, payloadNumber } from "../../lib/ike/payload_codec.ts";
import type { EngineServices, Phase2 } from "../../lib/ike/phase2.ts";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { makePhase2 } from "../../lib/ike/under_isakmp.ts";
import { Chance } from "../fuzz/_chance.ts";
import { mutate } from "../fuzz/_mutate.ts";
import { EAST_NET, ipsecSas, keysOf, mirrored, startMain, startQuick, WEST_NET, worldOf } from "./_phase2.ts";
import type { World } from "./_two_engines.ts";

const CAPACITY = 6000;

/** Spoils one or a few of the payloads, or their order. */
class Spoiler {
  readonly #chance: Chance;
  readonly #bytes = new Uint8Array(CAPACITY);
  readonly #view = new DataView(this.#bytes.buffer);
  #last = new Uint8Array([1, 2, 3]);
  spoiled = 0;

  /** @param oneIn of how many messages one is spoiled */
  constructor(seed: number, readonly oneIn: number) {
    this.#chance = new Chance(seed);
  }

  spoil(payloads: readonly Payload[]): readonly Payload[] {
    const chance = this.#chance;
    if (payloads.length === 0 || !chance.oneIn(this.oneIn)) return payloads;
    this.spoiled++;
    const list = [...payloads];
    const at = chance.below(list.length);
    switch (chance.below(8)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(at, 0, list[chance.below(list.length)]);
        break;
      case 2:
        list.push(list.splice(at, 1)[0]);
        break;
      default:
        list[at] = this.#spoilBody(list[at]);
    }
    return list;
  }

  #spoilBody(payload: Payload): Payload {
    const body = encodeBody(payload);
    this.#bytes.set(body);
    const room = { bytes: this.#bytes, view: this.#view, at: 0, capacity: CAPACITY };
    const length = body.length ? mutate(room, body.length, this.#chance, this.#last) : 0;
    this.#last = body.length ? body : this.#last;
    const number = this.#chance.oneIn(16) ? 1 + this.#chance.below(PAYLOAD.FRAG) : payloadNumber(payload);
    return { type: "unknown", payloadNumber: number, data: this.#bytes.slice(0, length) };
  }
}

type Stepped = IsakmpState & IpsecState;

function spoilTable<S extends IsakmpState | IpsecState>(table: ExchangeTable<S>, spoiler: Spoiler): ExchangeTable<S> {
  const spoil = (outcome: Outcome<Stepped>): Outcome<Stepped> => {
    if (outcome.kind !== "advance") return outcome;
    const effects = outcome.effects?.map((effect) =>
      effect.effect === "open" ? { ...effect, opening: spoilOpening(effect.opening as never) as never } : effect
    );
    const reply = outcome.reply && { ...outcome.reply, payloads: spoiler.spoil(outcome.reply.payloads) };
    return { ...outcome, effects, reply };
  };
  const spoilOpening = (opening: Opening<Stepped>): Opening<Stepped> => ({
    ...opening,
    step: async (...args) => spoil(await opening.step(...args)),
  });
  const rows = (table.rows as unknown as Row<Stepped>[]).map((row) => ({
    ...row,
    step: async (...args: Parameters<typeof row.step>) => spoil(await row.step(...args)),
  }));
  const openings = (table.openings as unknown as Opening<Stepped>[]).map(spoilOpening);
  return { ...table, openings, rows } as unknown as ExchangeTable<S>;
}

function spoiledPhase2(spoiler: Spoiler): (services: EngineServices) => Phase2 {
  return (services) => {
    const inform: EngineServices["inform"] = (sa, payloads) => services.inform(sa, spoiler.spoil(payloads));
    const phase2 = makePhase2({ ...services, inform });
    const transaction = spoilTable(phase2.transaction, spoiler);
    return {
      ...phase2,
      quick: spoilTable(phase2.quick, spoiler),
      transaction,
      afterPhase1(sa) {
        const after = phase2.afterPhase1(sa);
        if (after.next !== "open") return after;
        const opening = transaction.openings[phase2.transaction.openings.indexOf(after.opening)];
        return { next: "open", opening };
      },
      deletes: (state) => spoiler.spoil(phase2.deletes(state)),
    };
  };
}

/** Whoever sends another SPI than its own gets another SA: only ends that have the same SPIs can have the same keys. */
function checkKeys(world: World, about: string): void {
  const easts = new Map(ipsecSas(world.east).map((sa) => [spis(sa, "outboundSpi", "inboundSpi"), sa]));
  for (const west of ipsecSas(world.west)) {
    const east = easts.get(spis(west, "inboundSpi", "outboundSpi"));
    if (!west.isEstablished || !east?.isEstablished) continue;
    deepEqual(mirrored(keysOf(west)), keysOf(east).sort(), about);
  }
}

type SpiName = "inboundSpi" | "outboundSpi";

function spis({ protocols }: IpsecSa, wests: SpiName, easts: SpiName): string {
  return protocols.map((one) => `${one.suite.protocol} ${one[wests]} ${one[easts]}`).join();
}

async function round(
  seed: number,
  roles: { readonly west: Partial<IkeEnd>; readonly east: Partial<IkeEnd> },
): Promise<number> {
  const spoiler = new Spoiler(seed, 2);
  const dpd = { delaySeconds: 20, timeoutSeconds: 100, action: "hold" } as const;
  const world = worldOf({
    seed,
    both: { pfs: seed % 3 === 0, modecfgPull: seed % 2 === 0, dpd, compress: seed % 5 === 0 },
    westEnd: { ...WEST_NET, ...roles.west },
    eastEnd: { ...EAST_NET, ...roles.east },
    makePhase2: spoiledPhase2(spoiler),
  });
  world.west.host.secrets.set("password", "sesame");
  world.east.host.secrets.set("user alice", "sesame");
  startMain(world.west, world.east);
  await world.pass(10);
  for (const side of [world.west, world.east]) if (side.established) startQuick(side);
  await world.pass(30);
  const about = `seed ${seed}\n${world.story}`;
  checkKeys(world, about);
  for (const side of [world.west, world.east]) {
    for (const sa of ipsecSas(side)) side.engine.remove(sa, true);
    for (const sa of side.isakmp) side.engine.remove(sa, true);
  }
  await world.pass(600);
  ok(!world.story.includes("internal error while"), about);
  ok(!/internal error in/.test(world.story), about);
  deepEqual([world.west.names, world.east.names], [[], []], about);
  return spoiler.spoiled;
}

const SEEDS = 120;

Deno.test("no nonsense under the right keys trips Quick Mode, Deletes or DPD", async () => {
  let spoiled = 0;
  for (let seed = 1; seed <= SEEDS; seed++) spoiled += await round(seed, { west: {}, east: {} });
  ok(spoiled > SEEDS, `${spoiled} messages were spoiled`);
});

Deno.test("no nonsense under the right keys trips XAUTH or Mode Config", async () => {
  const client = { xauthClient: true, modecfgClient: true }, server = { xauthServer: true, modecfgServer: true };
  let spoiled = 0;
  for (let seed = 1; seed <= SEEDS; seed++) spoiled += await round(seed, { west: client, east: server });
  ok(spoiled > SEEDS, `${spoiled} messages were spoiled`);
});
