/** An ISAKMP SA that has had very many exchanges is replaced before it ends. */
import { deepStrictEqual as deepEqual, ok } from "node:assert/strict";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import { WORN_AT } from "../../lib/ike/message_ids.ts";
import { description, type House, Wire } from "./_fakes.ts";

function isakmp({ pluto }: House): IsakmpState[] {
  return [...pluto.parts.engine.states.values()].filter((state): state is IsakmpState => state.kind === "isakmp");
}

Deno.test("the initiator replaces an ISAKMP SA that has had very many exchanges, and uses the new one", async () => {
  const wire = new Wire();
  const { west, east } = wire;
  for (const house of [west, east]) await house.add("net-net", description());
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(1);
  const [old] = isakmp(west);
  for (let id = 1; old.messageIds.size < WORN_AT.initiator - 1; id++) old.messageIds.add(id);
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(1);
  const [, successor] = isakmp(west);
  ok(successor?.isEstablished && successor.replaces === old.number, west.log.join("\n"));
  ok(west.log.includes('"net-net" #1: replacing worn ISAKMP SA'));
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(1);
  const newest = west.connection("net-net").newestIpsec;
  const quick = west.pluto.parts.engine.states.get(newest);
  deepEqual(quick?.kind === "ipsec" && [quick.isakmp, quick.isEstablished], [successor.number, true]);
});
