/**
 * IKEv1 with strongSwan: a password after phase 1 (XAUTH), and an address for the client (Mode Config), strongSwan as
 * client and as server.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { fourHosts, until } from "../../tools/_net.ts";
import { scenario } from "../netns/_scenario.ts";
import { passwordLine } from "./_passwords.ts";
import { AT, ourConn, SECRETS, startOffice, THEIR_SECRETS, theirConnection } from "./_office.ts";
import { clientConn, DNS, GIVEN, PASSWORD, PASSWORD_SECRETS, serverOf, USER } from "./_road_client.ts";

/** What the client gets. */
const CLIENT = "10.3.0.7";

const AS_SERVER = {
  right: "%any",
  rightsubnet: undefined,
  rightsourceip: CLIENT,
  leftxauthserver: "yes",
  rightxauthclient: "yes",
  leftmodecfgserver: "yes",
  rightmodecfgclient: "yes",
  modecfgpull: "yes",
  modecfgdns1: "10.1.0.53",
} as const;

const xauthClient = (user: string, password: string) => ({
  connections: {
    office: theirConnection({
      vips: "0.0.0.0",
      "local-1": { auth: "psk" },
      "local-2": { auth: "xauth", xauth_id: user },
      local: undefined,
    }, { local_ts: "dynamic" }),
  },
  secrets: { ...THEIR_SECRETS, "xauth-client": { id: user, secret: `"${password}"` } },
});

scenario("strongSwan is a client with a password, and gets an address", fourHosts, async (four) => {
  const { sunset, east, step } = four;
  const { pluto, charon } = await startOffice(four, {
    conns: [ourConn("road", AS_SERVER)],
    secrets: SECRETS,
    files: { passwd: passwordLine(USER, PASSWORD) },
  }, { swanctl: xauthClient(USER, PASSWORD) });
  await step("the right password", async () => {
    await charon.swanctl("--initiate --child net");
    match(pluto.log, new RegExp(`XAUTH: User ${USER}: Attempting to login`));
    match(pluto.log, new RegExp(`XAUTH: User ${USER}: Authentication Successful`));
    const { ike, child } = await charon.established();
    deepEqual([ike["local-vips"], child["local-ts"]], [[CLIENT], [`${CLIENT}/32`]]);
    await east.pings(AT.sunset, `-c 2 -i 0.05 -W 2 -I ${CLIENT}`);
    await sunset.pings(CLIENT);
    await charon.swanctl("--terminate --ike office");
    await until("ours has no state left", async () => (await pluto.states()).length === 0);
  });
  await step("a wrong one", async () => {
    await charon.load(xauthClient(USER, "not her password"));
    equal((await charon.trySwanctl("--initiate --child net --timeout 4")).status === 0, false);
    await pluto.says(new RegExp(`XAUTH: User ${USER}: Authentication Failed: Incorrect Username or Password`));
    await until("ours has no state left", async () => (await pluto.states()).length === 0);
  });
  equal(pluto.log.includes(PASSWORD), false, "the password is in the log");
}, ["charon"]);

scenario("strongSwan is a server that asks for a password, and gives an address", fourHosts, async (four) => {
  const { west, sunrise, step } = four;
  const { pluto, charon } = await startOffice(four, { conns: [clientConn()], secrets: SECRETS }, {
    swanctl: serverOf(),
  });
  const routes = await west.ip("route"), addresses = await west.ip("addr");
  const isUp = async () => {
    const { ike, child } = await charon.established();
    deepEqual([ike["remote-xauth-id"], ike["remote-vips"], child["remote-ts"]], [USER, [GIVEN], [`${GIVEN}/32`]]);
    match(await west.ip("addr show dev ipsec0"), new RegExp(`inet ${GIVEN}/32 `));
    match(await west.ip("route"), new RegExp(`${AT.eastNet} via ${AT.east} dev ipsec0 src ${GIVEN} onlink`));
    await west.pings(AT.sunrise);
    await sunrise.pings(GIVEN);
  };
  const goesDown = async () => {
    await pluto.down("office");
    await until("strongSwan has no SA left", async () => (await charon.sas()).length === 0);
    deepEqual([await west.ip("route"), await west.ip("addr")], [routes, addresses]);
  };
  await step("the right password, by whack", async () => {
    await west.ipsec(["whack", "--name", "office", "--initiate", "--xauthname", USER, "--xauthpass", PASSWORD]);
    await isUp();
    match(pluto.log, new RegExp(`Received DNS ${DNS}`));
    await goesDown();
  });
  await step("a wrong one", async () => {
    const wrong = ["whack", "--name", "office", "--initiate", "--xauthname", USER, "--xauthpass", "a guess"];
    const { status, stdout } = await west.tryIpsec(wrong);
    equal(status === 0, false);
    match(stdout, /XAUTH: Authentication Failed/);
    equal((await pluto.established("ipsec")).length, 0);
  });
  await step("the right one, by ipsec.secrets", async () => {
    await pluto.write({ conns: [clientConn()], secrets: PASSWORD_SECRETS });
    await west.ipsec("auto --rereadsecrets");
    await west.ipsec("auto --replace office"); // and with it what whack said
    await pluto.up("office");
    await isUp();
    await goesDown();
  });
  equal(pluto.log.includes(PASSWORD), false, "the password is in the log");
}, ["charon"]);
