/**
 * The life of a road warrior's address, which strongSwan gives us by Mode Config: renewed, changed, refused, for all there is,
 * and told to a command of the administrator's.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { fourHosts, type Host, until } from "../../tools/_net.ts";
import { scenario } from "../netns/_scenario.ts";
import { murder } from "../netns/_setup.ts";
import { AT, startOffice } from "./_office.ts";
import { clientConn, DNS, GIVEN, PASSWORD_SECRETS, serverOf } from "./_road_client.ts";
import { SteadyPing } from "./_steady_ping.ts";

const CHILD_UP = /CHILD_SA net\{\d+\} established/g;
const IKE_UP = /IKE_SA office\[\d+\] established/g;
const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;
const given = async (west: Host) =>
  [...(await west.ip("-4 addr show dev ipsec0")).matchAll(/inet (\S+)\/32 .*ipsec0:cfg/g)].map(([, address]) =>
    address
  );

scenario(
  "a road warrior keeps its address, and its traffic, while both phases are renewed",
  fourHosts,
  async (four) => {
    const { west, sunrise } = four;
    // phase 2 is replaced after 3 seconds, phase 1, with password and address, after 5
    const lives = { keylife: "6s", ikelifetime: "8s", rekeymargin: "3s", rekeyfuzz: "0%" };
    const { pluto, charon } = await startOffice(
      four,
      { conns: [clientConn(lives)], secrets: PASSWORD_SECRETS },
      { swanctl: serverOf() },
    );
    await pluto.up("office");
    const ping = await SteadyPing.start(west, AT.sunrise);
    await until("both phases are replaced twice", () => {
      return count(charon.log, CHILD_UP) >= 3 && count(charon.log, IKE_UP) >= 3;
    }, 30_000);
    await ping.goesOn();
    await ping.lostWhatOvertook(count(pluto.log, /initiating Quick Mode .* to replace/g));
    deepEqual([...new Set(charon.log.match(/virtual IP \S+ to peer/g))], [`virtual IP ${GIVEN} to peer`]);
    ok(count(pluto.log, /XAUTH: Successfully Authenticated/g) >= 3);
    await sunrise.pings(GIVEN);
    deepEqual(await given(west), [GIVEN]);
    doesNotMatch(pluto.log, /is replaced by 10/);
  },
  ["charon"],
);

scenario("a road warrior is given an address without having asked", fourHosts, async (four) => {
  const { west, sunrise } = four;
  const { pluto } = await startOffice(
    four,
    { conns: [clientConn({ modecfgpull: undefined })], secrets: PASSWORD_SECRETS },
    { swanctl: serverOf({ pull: false }) },
  );
  await pluto.up("office");
  await west.pings(AT.sunrise);
  await sunrise.pings(GIVEN);
}, ["charon"]);

scenario("a road warrior takes another address, when its server has one for it", fourHosts, async (four) => {
  const { west, sunrise } = four;
  const { pluto, charon } = await startOffice(
    four,
    // phase 1 is replaced after 5 seconds
    {
      conns: [clientConn({ auto: "start", ikelifetime: "8s", rekeymargin: "3s", rekeyfuzz: "0%" })],
      secrets: PASSWORD_SECRETS,
    },
    { swanctl: serverOf() },
  );
  await pluto.has(1, "office");
  await west.pings(AT.sunrise);
  await charon.load(serverOf({ pool: "other" }));
  await pluto.says(/assigned address 10\.3\.0\.1 is replaced by 10\.3\.0\.20/);
  await until("the new address is there", async () => (await given(west)).includes("10.3.0.20"));
  deepEqual(await given(west), ["10.3.0.20"]);
  await until("data flows", () => west.canPing(AT.sunrise));
  await sunrise.pings("10.3.0.20");
  await pluto.has(1, "office");
  await pluto.down("office");
  deepEqual(await given(west), []);
  match(await west.ipsec("eroute"), /%trap/); // as auto=start has it
  await west.ipsec("auto --delete office");
  doesNotMatch(await west.ip("route"), /ipsec0/);
}, ["charon"]);

scenario("a road warrior whose server has no address for it, or none of use", fourHosts, async (four) => {
  const { west, step } = four;
  const { pluto, charon } = await startOffice(
    four,
    { conns: [clientConn()], secrets: PASSWORD_SECRETS },
    { swanctl: serverOf({ pool: "none" }) },
  );
  const addresses = await west.ip("addr");
  const refused = async (why: RegExp) => {
    const { status, stdout } = await pluto.auto("--up office");
    equal(status === 0, false);
    match(stdout, why);
    await until("nobody has an SA left", async () => (await charon.sas()).length + (await pluto.states()).length === 0);
    equal(await west.ip("addr"), addresses);
  };
  await step("none", async () => {
    await refused(/003 "office": the peer has assigned no address \(Mode Config\).*pool may be exhausted/);
  });
  await step("that of the server itself", async () => {
    await charon.load(serverOf({ pool: "east" }));
    await refused(/003 "office": the peer has assigned the address 192\.0\.2\.2, which is its own/);
  });
  await step("one that this host has already is used, and stays", async () => {
    await charon.load(serverOf({ pool: "west" }));
    await pluto.up("office");
    await pluto.says(/up-client output: .*10\.1\.0\.1, which the peer has assigned, is an address of eth1 already/);
    await west.pings(AT.sunrise);
    await pluto.down("office");
    equal(await west.ip("addr"), addresses);
  });
}, ["charon"]);

scenario("a road warrior sends everything through the tunnel", fourHosts, async (four) => {
  const { west, sunrise } = four;
  const { pluto } = await startOffice(
    four,
    { conns: [clientConn({ rightsubnet: "0.0.0.0/0", auto: "route" })], secrets: PASSWORD_SECRETS },
    { swanctl: serverOf({ localTs: "0.0.0.0/0" }) },
  );
  const routes = await west.ip("route");
  await west.canPing(AT.sunrise); // by which it comes up
  await pluto.has(1, "office");
  await west.pings(AT.sunrise);
  await sunrise.pings(GIVEN);
  match(await west.ip("route get 203.0.113.9"), new RegExp(`dev ipsec0 src ${GIVEN}`));
  await pluto.down("office");
  deepEqual([await given(west), await west.ip("route")], [[], routes]);
}, ["charon"]);

scenario(
  "a road warrior whose pluto is killed has one address when it is back, and none when it is down",
  fourHosts,
  async (four) => {
    const { west } = four;
    const { pluto, charon } = await startOffice(
      four,
      { conns: [clientConn({ auto: "start" })], secrets: PASSWORD_SECRETS },
      { swanctl: serverOf() },
    );
    await pluto.has(1, "office");
    await charon.load(serverOf({ pool: "other" }));
    await murder(pluto.pid);
    await until("another address is there", async () => (await given(west)).includes("10.3.0.20"), 20_000);
    await until("data flows", () => west.canPing(AT.sunrise));
    deepEqual(await given(west), ["10.3.0.20"]);
    await pluto.down("office");
    deepEqual(await given(west), []);
  },
  ["charon"],
);

scenario(
  "a command of the administrator's is told what has been assigned, and the address is its business",
  fourHosts,
  async (four) => {
    const { west } = four;
    const { pluto } = await startOffice(four, {
      conns: [clientConn({ leftupdown: '"env | grep ^PLUTO_"' })],
      secrets: PASSWORD_SECRETS,
    }, { swanctl: serverOf() });
    await pluto.up("office");
    await pluto.down("office");
    for (const verb of ["up", "route", "down", "unroute"]) {
      for (const text of [`MY_CLIENT=${GIVEN}/32`, `MY_SOURCEIP=${GIVEN}`, "CFG_CLIENT=1", `PEER_DNS_INFO=${DNS}`]) {
        ok(pluto.log.includes(`${verb}-client output: PLUTO_${text}`), `${verb}: ${text}`);
      }
    }
    deepEqual(await given(west), []);
  },
  ["charon"],
);
