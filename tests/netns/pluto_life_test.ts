/**
 * What becomes of pluto: killed, without KLIPS, told to end, with updown commands of the administrator's, with logs of its
 * peers. All is started by `ipsec setup`.
 *
 * ```
 * sunset 10.1.0.10 -- 10.1.0.1 west 192.0.2.1 ====== 192.0.2.2 east 10.2.0.1 -- 10.2.0.10 sunrise
 * ```
 */
import { match, ok, strictEqual as equal } from "node:assert/strict";
import { ADDRESS, type FourHosts, fourHosts, ipsecCommand, until } from "../../tools/_net.ts";
import { conn, type Parameters, Pluto, type PlutoOptions } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";

const { west: WEST, east: EAST, westNet: WEST_NET, eastNet: EAST_NET, sunrise: SUNRISE } = ADDRESS.inet;
const SECRETS = `${WEST} ${EAST} : PSK "a secret of the two"\n`;

function netNet(more: Parameters = {}): string {
  return conn("net-net", {
    left: WEST,
    leftsubnet: WEST_NET,
    right: EAST,
    rightsubnet: EAST_NET,
    authby: "secret",
    ...more,
  });
}

async function both(four: FourHosts, west: PlutoOptions, east: PlutoOptions): Promise<[Pluto, Pluto]> {
  const onEast = await Pluto.start(four.east, east);
  return [await Pluto.start(four.west, west), onEast];
}

const STARTS: PlutoOptions = { conns: [netNet({ auto: "start" })], secrets: SECRETS };
const WAITS: PlutoOptions = { conns: [netNet({ auto: "add" })], secrets: SECRETS };

scenario("auto=start comes up by itself, and again after pluto or KLIPS was killed", fourHosts, async (four) => {
  const { sunset, west, step } = four;
  const [onWest] = await both(four, STARTS, WAITS);
  await step("at start", async () => {
    await onWest.has(1, "net-net");
    await sunset.pings(SUNRISE);
  });
  await step("pluto is killed: another one knows the conn and brings it up", async () => {
    const before = onWest.pid;
    Deno.kill(before, "SIGKILL");
    await until("another pluto", () => {
      try {
        return onWest.pid !== before;
      } catch {
        return false;
      }
    });
    await until("it answers", async () => (await west.tryIpsec("auto --status")).status === 0);
    await onWest.has(1, "net-net");
    await sunset.pings(SUNRISE);
    match(await west.ipsec("setup status"), /^IPsec running\npluto pid \d+\n$/);
  });
  await step("KLIPS is killed: pluto begins anew with it", async () => {
    const before = onWest.pid;
    Deno.kill(Number(Deno.readTextFileSync(`${west.directory}/run/klips.pid`)), "SIGKILL");
    await until("another pluto", async () => {
      try {
        return onWest.pid !== before && (await west.tryIpsec("auto --status")).status === 0;
      } catch {
        return false;
      }
    });
    await onWest.has(1, "net-net");
    await until("traffic", async () => (await sunset.attempt(["ping", "-c", "1", "-W", "1", SUNRISE])).status === 0);
    match(onWest.log, /FATAL ERROR: KLIPS has ended, and with it every SA/);
  });
  await step("whack --shutdown ends it for good", async () => {
    const { status, stdout } = await west.tryIpsec("whack --shutdown");
    equal(status, 0);
    match(
      stdout,
      /^002 shutting down\n[\s\S]*002 "net-net": deleting connection\n[\s\S]*002 shutting down interface ipsec0/,
    );
    await until(
      "status says so",
      async () => (await west.tryIpsec("setup status")).stdout.includes("no Pluto running!"),
    );
    equal(
      (await west.tryIpsec("auto --status")).stderr.replace(west.directory, "DIR"),
      `whack: Pluto is not running (no "DIR/run/pluto.ctl"); start it with 'ipsec setup start'\n`,
    );
  });
});

scenario("updown commands of the administrator's run; those that pluto alone names do not", fourHosts, async (four) => {
  const { west } = four;
  const mark = `${west.directory}/updown`;
  const own = `"echo $PLUTO_VERB $PLUTO_PEER $PLUTO_MY_CLIENT >> ${mark}; ${ipsecCommand().join(" ")} _updown"`;
  const [onWest] = await both(four, {
    ...WAITS,
    conns: [netNet({ auto: "add", leftupdown: own })],
  }, WAITS);
  await onWest.up("net-net");
  await onWest.down("net-net");
  const verbs = Deno.readTextFileSync(mark).trim().split("\n");
  for (const verb of ["prepare-client", "route-client", "up-client", "down-client"]) {
    ok(verbs.includes(`${verb} ${EAST} ${WEST_NET}`), `${verb} in ${verbs}`);
  }
  // a description that comes by the control socket alone, as from a pluto that strangers have taken over
  const request = (await west.ipsec("auto --showonly --replace net-net")).replaceAll("net-net", "forged");
  match(request, /--updown "echo \\\$PLUTO_VERB/);
  using socket = await Deno.connect({ transport: "unix", path: `${west.directory}/run/pluto.ctl` });
  const end = { host: EAST };
  const forged = {
    ...{ psk: true, rsasig: false, encrypt: true, authenticate: false, compress: false, tunnel: true, pfs: true },
    ...{ disableArrivalCheck: false, dontRekey: false, shunt: "drop", failure: "none", ikeLifetimeSeconds: 3600 },
    ...{ ipsecLifetimeSeconds: 28800, rekeyMarginSeconds: 540, rekeyFuzzPercent: 100, keyingTries: 1 },
    left: { host: WEST, updown: `touch ${mark}.forged` },
    right: { ...end, client: "203.0.113.0/24" },
  };
  await socket.write(
    new TextEncoder().encode(`${JSON.stringify({ version: 1, name: "forged", connection: forged, route: true })}\n`),
  );
  let answer = "";
  const buffer = new Uint8Array(4096);
  for (let n = await socket.read(buffer); n !== null; n = await socket.read(buffer)) {
    answer += new TextDecoder().decode(buffer.subarray(0, n));
  }
  match(answer, /updown command not run: nobody has said that a connection has it/);
  ok(![...Deno.readDirSync(west.directory)].some(({ name }) => name === "updown.forged"));
});

scenario("pluto has no right but to read and to speak on the network", fourHosts, async ({ west }) => {
  const onWest = await Pluto.start(west, {
    ...WAITS,
    setup: ['plutoopts="--perpeerlog --perpeerlogbase /proc/nowhere"'],
  });
  const libraries = Deno.readTextFileSync(`/proc/${onWest.pid}/maps`);
  ok(!/libcrypto|libffi/.test(libraries), "no library was loaded");
  equal((await west.tryIpsec("auto --ready")).status, 0); // the log of a peer that cannot be written hinders nothing
});

scenario("each peer has a log of its own where that is wanted", fourHosts, async (four) => {
  const { west } = four;
  const base = `${west.directory}/peers`;
  const [onWest] = await both(four, { ...WAITS, setup: [`plutoopts="--perpeerlog --perpeerlogbase ${base}"`] }, WAITS);
  await onWest.up("net-net");
  const log = `${base}/192/0/2/2/${EAST}.log`;
  await until("the log", () => {
    try {
      return Deno.readTextFileSync(log).includes("ISAKMP SA established");
    } catch {
      return false;
    }
  });
  match(Deno.readTextFileSync(log), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "net-net" #1: /m);
});

scenario("a pluto that is started by hand goes to the background, and only once", fourHosts, async ({ west }) => {
  await west.ipsec("klips --start");
  await west.ipsec("pluto");
  equal((await west.tryIpsec("whack --status")).status, 0);
  const second = await west.tryIpsec("pluto --nofork");
  equal(second.status, 10);
  match(second.stderr, /^pluto: lock file ".*\/pluto\.pid" already exists\n$/);
  const pid = Number(Deno.readTextFileSync(`${west.directory}/run/pluto.pid`));
  const gone = () =>
    until(
      "its files are gone",
      () => ![...Deno.readDirSync(`${west.directory}/run`)].some(({ name }) => /^pluto\./.test(name)),
    );
  Deno.kill(pid, "SIGTERM");
  await gone();
  equal(await west.ipsec("pluto --noklips"), "");
  match((await west.tryIpsec("auto --ready")).stdout, /^$|^003 /);
  match(await west.ipsec("auto --status"), /^000 interface virtual192\.0\.2\.1\/eth0 192\.0\.2\.1$/m);
  await west.ipsec("whack --shutdown");
  await gone();
  await west.ipsec("klips --stop");
  const absent = await west.tryIpsec("pluto --nofork");
  equal(absent.status, 1);
  match(absent.stderr, /^pluto: KLIPS is not running: .*--noklips does without\n$/);
});

scenario("an address that changes reaches the conns that have %defaultroute", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  const secrets = '@west @east : PSK "a secret of the two"\n';
  const ids = { leftid: "@west", rightid: "@east" };
  await west.ip(`route add default via ${EAST}`);
  const onEast = await Pluto.start(east, {
    conns: [netNet({ ...ids, left: "%any", auto: "add" })],
    secrets: `: PSK "a secret of the two"\n`,
  });
  const onWest = await Pluto.start(west, {
    conns: [netNet({ ...ids, left: "%defaultroute", auto: "start" })],
    secrets,
    setup: ["myid=@west"],
    interfaces: "%defaultroute",
  });
  match(await west.ipsec("auto --status"), /^000 %myid = @west$/m);
  await onWest.has(1, "net-net");
  await sunset.pings(SUNRISE);

  await west.ip(`addr del ${WEST}/24 dev eth0`);
  await west.ip("addr add 192.0.2.77/24 dev eth0");
  await west.ip(`route replace default via ${EAST}`);
  await west.ipsec("_ppp up eth0 - 0 192.0.2.77 192.0.2.2");
  await until(
    "the conn has the new address",
    async () => /"net-net": [^\n]*192\.0\.2\.77/.test(await west.ipsec("auto --status")),
  );
  await onWest.has(1, "net-net");
  await until("traffic", async () => (await sunset.attempt(["ping", "-c", "1", "-W", "1", SUNRISE])).status === 0);
  match(onEast.log, /192\.0\.2\.77/);
});
