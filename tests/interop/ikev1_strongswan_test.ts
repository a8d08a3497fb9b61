/**
 * IKEv1 with strongSwan's charon: how the two prove to each other who they are, in both modes of phase 1, each end
 * beginning, each end deleting. Data flows, and the wire shows nothing else.
 */
import { equal, match } from "node:assert/strict";
import { fourHosts, until } from "../../tools/_net.ts";
import type { Parameters } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import type { Settings } from "./_charon.ts";
import {
  newHostKey,
  ourConn,
  protectedTraffic,
  SECRETS,
  startOffice,
  THEIR_SECRETS,
  theirConnection,
} from "./_office.ts";
import { newKey, pemOf } from "./_rsa_forms.ts";

const IDS = { leftid: "@west.example", rightid: "@east.example" };
const AGGRESSIVE = { aggrmode: "yes" };

interface Row {
  readonly name: string;
  readonly ours: Parameters;
  readonly theirs: Settings;
}

scenario("strongSwan: PSK and RSA, Main and Aggressive Mode, each end begins", fourHosts, async (four) => {
  const { west, step } = four;
  const ourKey = await newHostKey(west), theirKey = newKey();
  const ids = { local: { auth: "psk", id: "east.example" }, remote: { auth: "psk", id: "west.example" } };
  const rsa = {
    local: { auth: "pubkey", id: "east.example", pubkeys: "east.pem" },
    remote: { auth: "pubkey", id: "west.example", pubkeys: "west.pem" },
  };
  const keys = { authby: "rsasig", leftrsasigkey: ourKey.data, rightrsasigkey: theirKey.data, ...IDS };
  const rows: Row[] = [
    { name: "psk", ours: {}, theirs: {} },
    { name: "psk-ids", ours: { ...IDS, ...AGGRESSIVE }, theirs: { ...ids, aggressive: true } },
    { name: "rsa", ours: keys, theirs: rsa },
    { name: "rsa-aggressive", ours: { ...keys, ...AGGRESSIVE }, theirs: { ...rsa, aggressive: true } },
  ];
  const { pluto, charon } = await startOffice(four, {
    conns: rows.map(({ name, ours }) => ourConn(name, { ...ours, auto: "ignore" })),
    secrets: `${SECRETS}${ourKey.record}`,
  }, {
    swanctl: {
      connections: Object.fromEntries(
        rows.map(({ name, theirs }) => [name, theirConnection({ ...theirs, children: childrenOf(name) })]),
      ),
      secrets: THEIR_SECRETS,
    },
    files: {
      "rsa/east.pem": theirKey.pem,
      "pubkey/west.pem": pemOf(ourKey.data),
      "pubkey/east.pem": pemOf(theirKey.data),
    },
    charon: { i_dont_care_about_security_and_use_aggressive_mode_psk: true },
  });
  for (const { name, ours } of rows) {
    const begun = ours.aggrmode ? /STATE_AGGR_I2/ : /STATE_MAIN_I4/;
    await step(`${name}: ours begins and deletes`, async () => {
      await pluto.add(name);
      const transcript = await pluto.up(name);
      match(transcript, begun);
      match(transcript, /^004 .*STATE_QUICK_I2: sent QI2, IPsec SA established/m);
      await charon.established(name);
      await protectedTraffic(four);
      await pluto.down(name);
      await until("strongSwan has no SA left", async () => (await charon.sas()).length === 0);
    });
    await step(`${name}: strongSwan begins and deletes`, async () => {
      await charon.swanctl(`--initiate --child ${name}`);
      await pluto.has(1, name);
      await protectedTraffic(four);
      await charon.swanctl(`--terminate --ike ${name}`);
      await until("ours has no state left", async () => (await pluto.states()).length === 0);
      equal((await pluto.auto(`--delete ${name}`)).status, 0);
    });
  }
}, ["charon"]);

/** A CHILD_SA with the connection's own name. */
function childrenOf(name: string): Settings {
  return { [name]: (theirConnection().children as Settings).net };
}
