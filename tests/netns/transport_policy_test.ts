/**
 * Transport mode for one protocol: a peer that sends another one by the same SA is not heard.
 *
 * ```
 * west 192.0.2.1 ====== 192.0.2.2 east
 * ```
 */
import { match, ok } from "node:assert/strict";
import { ADDRESS, fourHosts, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import { SECRETS, startBoth, tunnel } from "./_two_plutos.ts";
import { isEsp, Wire } from "./_wire.ts";

const { west: WEST, east: EAST } = ADDRESS.inet;

scenario("an SA for pings lets no UDP in", fourHosts, async (four) => {
  const { west, east, step } = four;
  const pings = tunnel("pings", {
    type: "transport",
    leftsubnet: undefined,
    rightsubnet: undefined,
    leftprotoport: "1",
    rightprotoport: "1",
  });
  const { west: onWest } = await startBoth(four, { conns: [pings], secrets: SECRETS });
  await onWest.up("pings");
  const wire = new Wire(await west.capture("eth0"));
  await step("pings pass, both ways", async () => {
    await west.pings(EAST);
    await east.pings(WEST);
    await wire.saw("ESP", isEsp, 4);
  });
  const dropped = async () => {
    const status = JSON.parse(await east.ipsec("klips --status --json"));
    return /"WRONG_POLICY":(\d+)/.exec(JSON.stringify(status))?.[1] ?? "0";
  };
  await step("UDP by the same SA is dropped", async () => {
    const said = /^(esp0x[0-9a-f]+@192\.0\.2\.2) /m.exec(await west.ipsec("spi"))?.[1];
    ok(said);
    await west.ipsec(`eroute --add --eraf inet --src ${WEST}/32 --dst ${EAST}/32 --transport-proto 17 --said ${said}`);
    const before = wire.count(isEsp);
    await west.run(["bash", "-c", `echo plain > /dev/udp/${EAST}/9`]);
    await wire.saw("one more", isEsp, before + 1);
    await until("east drops it", async () => await dropped() === "1");
  });
  match(await east.ipsec("spi"), new RegExp(`^esp0x\\w+@${EAST} \\S+: dir=in +src=${WEST} policy=`, "m"));
});
