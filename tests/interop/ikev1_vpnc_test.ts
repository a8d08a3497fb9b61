/**
 * vpnc as a road warrior: Aggressive Mode with a group's key, XAUTH, Mode Config, and its own ESP in user space.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1, ours ====== 192.0.2.2 east, vpnc with 10.3.0.7
 * ```
 */
import { equal, match, notEqual } from "node:assert/strict";
import { fourHosts, until } from "../../tools/_net.ts";
import { conn, Pluto } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import { isEspInUdp, Wire } from "../netns/_wire.ts";
import { AT } from "./_office.ts";
import { passwordLine } from "./_passwords.ts";
import { noneLeft, Vpnc, type VpncOptions } from "./_vpnc.ts";

const CLIENT = "10.3.0.7", DNS = "10.1.0.53";
const GROUP = "office", SECRET = "of the group", USER = "alice", PASSWORD = "her own password";
const keyId = (name: string) => `@#${new TextEncoder().encode(name).toHex()}`;

const OPTIONS: VpncOptions = {
  gateway: AT.west,
  group: GROUP,
  secret: SECRET,
  user: USER,
  password: PASSWORD,
  networks: [AT.westNet],
  more: ["IKE DH Group dh14", "NAT Traversal Mode force-natt"],
};

scenario("vpnc: Aggressive Mode, XAUTH, Mode Config, and traffic", fourHosts, async ({ sunset, west, east, step }) => {
  const road = conn("road", {
    left: AT.west,
    leftsubnet: "0.0.0.0/0",
    right: "%any",
    rightid: keyId(GROUP),
    rightsourceip: CLIENT,
    authby: "secret",
    aggrmode: "yes",
    ike: "aes128-sha1-modp2048",
    esp: "aes128-sha1",
    pfs: "no",
    leftxauthserver: "yes",
    rightxauthclient: "yes",
    leftmodecfgserver: "yes",
    rightmodecfgclient: "yes",
    modecfgpull: "yes",
    modecfgdns1: DNS,
    auto: "add",
  });
  const pluto = await Pluto.start(west, {
    conns: [road],
    secrets: `${AT.west} ${keyId(GROUP)} : PSK "${SECRET}"\n`,
    files: { passwd: passwordLine(USER, PASSWORD) },
  });
  await step("it comes up and data flows", async () => {
    const vpnc = await Vpnc.start(east, OPTIONS);
    const { INTERNAL_IP4_ADDRESS, INTERNAL_IP4_DNS } = await vpnc.up();
    equal(INTERNAL_IP4_ADDRESS, CLIENT);
    equal(INTERNAL_IP4_DNS, DNS);
    match(pluto.log, new RegExp(`XAUTH: User ${USER}: Authentication Successful`));
    const wire = new Wire(await west.capture("eth0"));
    await until("data flows", () => east.canPing(AT.sunset));
    await east.pings(AT.sunset);
    await sunset.pings(CLIENT);
    await wire.saw("ESP in UDP", isEspInUdp, 8);
    await wire.stop();
    await vpnc.stop();
    await noneLeft(pluto, "road");
  });
  await step("a wrong password", async () => {
    const vpnc = await Vpnc.start(east, { ...OPTIONS, password: "not hers" });
    await pluto.says(new RegExp(`XAUTH: User ${USER}: Authentication Failed: Incorrect Username or Password`));
    await vpnc.daemon.end();
    notEqual(vpnc.daemon.ended, 0);
    await noneLeft(pluto, "road");
  });
  await step("a wrong key of the group", async () => {
    const vpnc = await Vpnc.start(east, { ...OPTIONS, secret: "another" });
    await vpnc.daemon.end();
    match(vpnc.log, /hash comparison failed/);
    equal((await pluto.established("isakmp")).length, 0);
  });
  equal(pluto.log.includes(PASSWORD), false, "the password is in the log");
}, ["vpnc"]);
