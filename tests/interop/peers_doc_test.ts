/**
 * docs/peers.md as it is written there: our connection, and those of strongSwan and libreswan.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1, ours ====== 192.0.2.2 east, the other -- sunrise 10.2.0.10
 * ```
 */
import { equal, match, ok } from "node:assert/strict";
import { fourHosts, until } from "../../tools/_net.ts";
import { Pluto } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import { Charon } from "./_charon.ts";
import { Libreswan } from "./_libreswan.ts";
import { protectedTraffic, SECRET } from "./_office.ts";
import { newKey } from "./_rsa_forms.ts";

const text = await Deno.readTextFile(new URL("../../docs/peers.md", import.meta.url));
const [ours, libreswan] = [...text.matchAll(/^```\n(conn office\n[^`]+)```$/gm)].map(([, conn]) => conn);
const [, swanctl] = /^```\n(connections \{\n[^`]+)```$/m.exec(text)!;
const [, withKeys] = /^```\n(local \{\n[^`]+)```$/m.exec(text)!;
const PSK_LINE = /`(@west\.example @east\.example : PSK) "\.\.\."`/.exec(text)![1];
const SECRETS = `${PSK_LINE} "${SECRET}"\n`;

/** With its ESP in user space, strongSwan has it in UDP only. */
const charonsOwn = (conf: string) => conf.replace("version = 1\n", "version = 1\n    encap = yes\n");

scenario("docs/peers.md: strongSwan, with a secret and with RSA keys", fourHosts, async (four) => {
  const { west, east, step } = four;
  const theirKey = newKey();
  const charon = await Charon.start(east, {
    swanctl: charonsOwn(swanctl.replace('secret = "..."', `secret = "${SECRET}"`)),
    files: { "rsa/east.pem": theirKey.pem },
  });
  const pluto = await Pluto.start(west, { conns: [ours], secrets: SECRETS });
  const comesUp = async () => {
    await pluto.has(1, "office");
    await protectedTraffic(four);
    await pluto.down("office");
    await until("strongSwan has no SA left", async () => (await charon.sas()).length === 0);
    await charon.swanctl("--initiate --child office");
    await pluto.has(1, "office");
    await protectedTraffic(four);
    await pluto.down("office");
    await until("strongSwan has no SA left again", async () => (await charon.sas()).length === 0);
  };
  await step("a secret", comesUp);
  await step("RSA keys", async () => {
    const folder = `${east.directory}/strongswan/swanctl`, secrets = `${west.directory}/key.secrets`;
    await west.ipsec(`newhostkey --output ${secrets} --bits 2048 --quiet`);
    await Deno.mkdir(`${folder}/pubkey`, { recursive: true });
    await Deno.writeTextFile(`${folder}/pubkey/west.pem`, await west.ipsec(`showhostkey --file ${secrets} --pem`));
    await east.run([
      "openssl",
      "pkey",
      "-in",
      `${folder}/rsa/east.pem`,
      "-pubout",
      "-out",
      `${folder}/pubkey/east.pem`,
    ]);
    const left = await west.ipsec(`showhostkey --file ${secrets} --left`);
    const right = await west.ipsec(`showhostkey --right --from ${folder}/pubkey/east.pem`);
    ok(ours.includes("    authby=secret\n"));
    const keyed = swanctl.replace(/^ {4}local \{[^]*? {4}\}\n {4}remote \{[^]*? {4}\}\n/m, withKeys);
    await charon.load(charonsOwn(keyed));
    await pluto.write({
      conns: [ours.replace("    authby=secret\n", left + right)],
      secrets: await Deno.readTextFile(secrets),
    });
    for (const words of ["--rereadsecrets", "--replace office"]) equal((await pluto.auto(words)).status, 0);
    await pluto.up("office");
    await comesUp();
  });
}, ["charon", "openssl"]);

scenario("docs/peers.md: libreswan, with a secret", fourHosts, async ({ west, east }) => {
  // no route or firewall of the host is its business here
  const updown = "    leftupdown=/bin/true\n    rightupdown=/bin/true\n";
  const theirs = await Libreswan.start(east, { conns: libreswan + updown, secrets: SECRETS });
  await theirs.add("office");
  const pluto = await Pluto.start(west, { conns: [ours.replace("auto=start", "auto=add")], secrets: SECRETS });
  match(await pluto.up("office"), /IPsec SA established/);
  await pluto.down("office");
  await until("libreswan has none", async () => !/STATE_QUICK_R2/.test((await theirs.whack("--status")).stdout));
  equal((await pluto.states()).length, 0);
}, ["libreswan"]);
