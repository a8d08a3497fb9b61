/**
 * IKEv1 with strongSwan through a NAT that gives every flow another port, and forgets what it gave.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east -- sunrise 10.2.0.10
 *                                       masquerades: east sees 192.0.2.254 and a port of its choice
 * ```
 */
import { equal, match, notEqual } from "node:assert/strict";
import { until } from "../../tools/_net.ts";
import { routedHosts, ROUTER, translate } from "../netns/_nets.ts";
import { Pluto } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import { isEspInUdp, isHousekeeping, type Packet, Wire } from "../netns/_wire.ts";
import { Charon } from "./_charon.ts";
import { AT, ourConn, SECRETS, theirOffice } from "./_office.ts";

const IDS = { leftid: "@west.example", rightid: "@east.example" };
const PSK = (id: string) => ({ auth: "psk", id });
/** There is NAT; and kernel-libipsec makes strongSwan pretend that it is behind one too. */
const REAL = { encap: false };

const isFloated = (packet: Packet) => isEspInUdp(packet) && !packet.ports.every((port) => port === 4500);

scenario("strongSwan: ours is behind a NAT", routedHosts, async (four) => {
  const { sunset, sunrise, west, router, east, step } = four;
  await translate(router, "masquerade to :41000-41999");
  const { swanctl } = theirOffice({
    ...REAL,
    remote_addrs: "%any",
    local: PSK("east.example"),
    remote: PSK("west.example"),
  });
  const [pluto, charon] = await Promise.all([
    Pluto.start(west, {
      setup: ["keep_alive=1"],
      conns: [ourConn("office", { ...IDS, forceencaps: "no", dpddelay: "1", dpdtimeout: "30" })],
      secrets: SECRETS,
    }),
    Charon.start(east, { swanctl }),
  ]);
  await step("it finds the NAT, floats to port 4500, and data flows", async () => {
    await pluto.up("office");
    match(pluto.log, /NAT-Traversal: Result using .*: both are NATed/);
    const { ike } = await charon.established();
    equal(ike["remote-host"], ROUTER.inet);
    const wire = new Wire(await router.capture("eth1"));
    await sunset.pings(AT.sunrise);
    await sunrise.pings(AT.sunset);
    await wire.saw("ESP in UDP from the NAT's ports", isFloated, 8);
    const others = (await wire.stop()).filter((packet) => !isHousekeeping(packet) && !isFloated(packet));
    equal(others.length, 0);
  });
  await step("the NAT gives other ports: strongSwan hears of it from dead peer detection", async () => {
    const before = (await charon.established()).ike["remote-port"];
    await translate(router, "masquerade to :42000-42999");
    await until("strongSwan sends to the new port", async () => {
      return Number((await charon.established()).ike["remote-port"]) >= 42000;
    });
    notEqual((await charon.established()).ike["remote-port"], before);
    await until("data flows", () => sunset.canPing(AT.sunrise));
  });
  await step("it rekeys", async () => {
    const before = charon.log.length;
    await charon.swanctl("--rekey --child net");
    await charon.says(/CHILD_SA net\{\d+\} established/, before);
    await sunset.pings(AT.sunrise);
    await pluto.down("office");
    await until("strongSwan has no SA left", async () => (await charon.sas()).length === 0);
  });
}, ["charon", "nft"]);

scenario("strongSwan: it is behind a NAT, and we follow it", routedHosts, async (four) => {
  const { sunset, sunrise, west, router, east, step } = four;
  await translate(router, "masquerade to :41000-41999");
  const { swanctl } = theirOffice({
    ...REAL,
    local_addrs: AT.west,
    remote_addrs: AT.east,
    local: PSK("west.example"),
    remote: PSK("east.example"),
    dpd_delay: "1s",
    dpd_timeout: "30s",
  }, { local_ts: AT.westNet, remote_ts: AT.eastNet });
  const [pluto, charon] = await Promise.all([
    Pluto.start(east, {
      conns: [ourConn("office", { ...IDS, left: "%any", forceencaps: "no" })],
      secrets: SECRETS,
    }),
    Charon.start(west, { swanctl }),
  ]);
  await step("it comes up from an unknown address, and data flows both ways", async () => {
    await charon.swanctl("--initiate --child net");
    match(pluto.log, /responding to Main Mode from unknown peer 192\.0\.2\.254/);
    match(pluto.log, /NAT-Traversal: Result using .*: peer is NATed/);
    // its last message is on the way to us when strongSwan is done
    await until("data flows", () => sunset.canPing(AT.sunrise));
    await sunrise.pings(AT.sunset);
  });
  await step("the NAT gives other ports: what comes under protection moves the SAs", async () => {
    await translate(router, "masquerade to :42000-42999");
    const wire = new Wire(await router.capture("eth1"));
    await wire.saw("IKE or ESP to the new port", ({ ports: [from, to] }) => from === 4500 && to >= 42000);
    await until("data flows", () => sunrise.canPing(AT.sunset));
    await wire.stop();
  });
  await step("strongSwan deletes", async () => {
    await charon.swanctl("--terminate --ike office");
    await until("ours has no state left", async () => (await pluto.states()).length === 0);
  });
}, ["charon", "nft"]);
