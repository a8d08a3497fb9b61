/**
 * IKEv1 with strongSwan as a client: a password after phase 1 (XAUTH), and an address (Mode Config).
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

const USER = "alice", PASSWORD = "her own password";
/** What the client gets. */
const CLIENT = "10.3.0.7", DNS = "10.1.0.53";

const AS_SERVER = {
  right: "%any",
  rightsubnet: undefined,
  rightsourceip: CLIENT,
  leftxauthserver: "yes",
  rightxauthclient: "yes",
  leftmodecfgserver: "yes",
  rightmodecfgclient: "yes",
  modecfgpull: "yes",
  modecfgdns1: DNS,
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
