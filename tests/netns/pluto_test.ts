/**
 * Two gateways that pluto keys, driven as an administrator does it: `setup start`, `auto --up`, traffic, `auto --down`.
 *
 * ```
 * sunset 10.1.0.10 -- 10.1.0.1 west 192.0.2.1 ====== 192.0.2.2 east 10.2.0.1 -- 10.2.0.10 sunrise
 * ```
 */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert/strict";
import { ADDRESS, type FourHosts, fourHosts, until } from "../../tools/_net.ts";
import { runFiles } from "./_setup.ts";
import { conn, Pluto, type PlutoOptions } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { isEsp, PROTOCOL, Wire } from "./_wire.ts";

const { west: WEST, east: EAST, westNet: WEST_NET, eastNet: EAST_NET, sunrise: SUNRISE } = ADDRESS.inet;
const NET_NET = conn("net-net", {
  left: WEST,
  leftsubnet: WEST_NET,
  right: EAST,
  rightsubnet: EAST_NET,
  authby: "secret",
  auto: "add",
});
const OPTIONS: PlutoOptions = { conns: [NET_NET], secrets: `${WEST} ${EAST} : PSK "a secret of the two"\n` };

async function both({ west, east }: FourHosts, options: PlutoOptions = OPTIONS): Promise<[Pluto, Pluto]> {
  return await Promise.all([Pluto.start(west, options), Pluto.start(east, options)]);
}

/** A transcript with what differs from run to run made the same. */
function plain(transcript: string): string {
  return transcript.replace(/0x[0-9a-f]{8}/g, "0xSPI");
}

scenario("auto --up tells how it goes, line by line, and traffic follows", fourHosts, async (four) => {
  const { sunset, west, east, step } = four as FourHosts & typeof four;
  const [onWest] = await both(four);
  await step("setup status", async () => {
    match(await west.ipsec("setup status"), /^IPsec running\npluto pid \d+\n$/);
  });
  await step("the transcript of auto --up", async () => {
    equal(
      plain(await onWest.up("net-net")),
      `104 "net-net" #1: STATE_MAIN_I1: initiate
106 "net-net" #1: STATE_MAIN_I2: sent MI2, expecting MR2
108 "net-net" #1: STATE_MAIN_I3: sent MI3, expecting MR3
004 "net-net" #1: STATE_MAIN_I4: ISAKMP SA established
112 "net-net" #2: STATE_QUICK_I1: initiate
004 "net-net" #2: STATE_QUICK_I2: sent QI2, IPsec SA established {ESP=>0xSPI <0xSPI}
`,
    );
  });
  await step("traffic is encrypted", async () => {
    const wire = new Wire(await west.capture("eth0", `host ${WEST}`));
    await sunset.pings(SUNRISE);
    await wire.saw("ESP", isEsp);
    equal((await wire.stop()).filter(({ protocol }) => protocol === PROTOCOL.icmp).length, 0);
  });
  await step("east has it, too", async () => {
    match(await east.ipsec("auto --status"), /STATE_QUICK_R2 \(IPsec SA established\); .*newest IPSEC; eroute owner/);
    match(await east.ipsec("spi"), /^esp0x.*addtime\(\d+,0,29100\)/m);
  });
  await step("the second time only phase 2 is negotiated, --verbose shows the log", async () => {
    const { stdout, status } = await west.tryIpsec("auto --verbose --up net-net");
    equal(status, 0);
    match(stdout, /^002 "net-net" #3: initiating Quick Mode PSK\+ENCRYPT\+TUNNEL\+PFS\+UP \{using isakmp#1\}\n112 /);
  });
  await step("auto --down", async () => {
    await onWest.down("net-net");
    deepEqual(await onWest.established("ipsec"), []);
    await until("east forgets it", async () => !(await east.ipsec("auto --status")).includes("QUICK_R2"));
  });
  await step("stop leaves nothing", async () => {
    await west.ipsec("setup stop");
    deepEqual(runFiles(west).filter((name) => /^(pluto\.(ctl|pid|updown)|ike\.sock)$/.test(name)), []);
    match(onWest.log, /\nshutting down interface ipsec0\/eth0 192\.0\.2\.1\n$/);
  });
});
