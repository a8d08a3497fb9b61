/** SAs whose time has come are replaced by their like, whoever has begun them, and at each attempt. */
import { deepStrictEqual as deepEqual, ok } from "node:assert/strict";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { description, type House, Wire } from "./_fakes.ts";

function newest({ pluto }: House): IpsecSa {
  const all = [...pluto.parts.engine.states.values()].filter((state): state is IpsecSa => state.kind === "ipsec");
  return all.sort((a, b) => b.number - a.number)[0];
}

Deno.test("what the peer asked for beyond our policy is in the replacement, at the second attempt, too", async () => {
  const wire = new Wire();
  const { west, east } = wire;
  const life = { ipsecLifetimeSeconds: 1200, rekeyMarginSeconds: 600, rekeyFuzzPercent: 0 };
  await west.add("net-net", description({ ...life, rekeyMarginSeconds: 60 }));
  await east.add("net-net", description({ ...life, pfs: false, keyingTries: 0 }));
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(1);
  const first = newest(east);
  ok(first.isEstablished && first.role === "responder" && first.pfsGroup !== undefined);
  await wire.seconds(1200 - 300 - 20); // east is the responder: half of its margin
  wire.isCut = true;
  await wire.seconds(100);
  wire.isCut = false;
  await wire.seconds(150);
  const second = newest(east);
  deepEqual([second.role, second.isEstablished, second.attempt > 1], ["initiator", true, true]);
  deepEqual([second.pfsGroup, second.mode], [first.pfsGroup, first.mode]);
});
