/**
 * The symptoms that FreeS/WAN's FAQ and its chapter on troubleshooting quote, produced for real: what the logs and the
 * terminal say leads to the answer there.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 * West asks, except where a row says otherwise; east answers.
 */
import { equal, match } from "node:assert/strict";
import { fourHosts } from "../../tools/_net.ts";
import type { Parameters } from "./_pluto.ts";
import { newHostKey } from "../interop/_office.ts";
import { scenario } from "./_scenario.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";

interface Row {
  readonly name: string;
  /** What is other than in a tunnel that comes up. */
  readonly west?: Parameters;
  readonly east?: Parameters;
  readonly westSecrets?: string;
  /** The conn of east is not loaded. */
  readonly notLoaded?: boolean;
  /** Words of `auto --up` on west; its log has them too. */
  readonly asked?: RegExp;
  /** Words of east's log. */
  readonly answers?: RegExp;
}

const ROWS: readonly Row[] = [
  {
    name: "we have no ipsecN interface",
    west: { left: "192.0.2.77" },
    asked: /^022 "office": we have no ipsecN interface for either end of this connection$/m,
  },
  {
    name: "no connection has been authorized",
    notLoaded: true,
    answers:
      /packet from 192\.0\.2\.1:500: initial Main Mode message received on 192\.0\.2\.2:500 but no connection has been authorized/,
  },
  {
    name: "no suitable connection for peer",
    west: { leftid: "@xforce" },
    answers: /"office" #\d+: no suitable connection for peer '@xforce'/,
  },
  {
    name: "we require peer to have another ID",
    west: { rightid: "@banshee.example" },
    asked: /we require peer to have ID '@banshee\.example', but peer declares '192\.0\.2\.2'/,
  },
  {
    name: "no connection is known for mismatched subnets",
    west: { leftsubnet: "10.1.0.64/26" },
    answers: new RegExp(
      "cannot respond to IPsec SA request because no connection is known for " +
        "10\\.2\\.0\\.0/24===192\\.0\\.2\\.2\\.\\.\\.192\\.0\\.2\\.1===10\\.1\\.0\\.64/26",
    ),
  },
  {
    name: "another preshared key",
    westSecrets: ': PSK "another one"\n',
    answers: /probable authentication failure \(mismatch of preshared secrets\?\): malformed payload in packet/,
  },
  {
    name: "no acceptable Oakley Transform",
    west: { ike: "aes256-sha2_512-ecp521" },
    asked: /NO_PROPOSAL_CHOSEN/,
    answers: /no acceptable Oakley Transform/,
  },
  {
    name: "no acceptable Proposal in IPsec SA",
    west: { esp: "aes256-sha2_512" },
    asked: /NO_PROPOSAL_CHOSEN/,
    answers: /no acceptable Proposal in IPsec SA/,
  },
  {
    name: "no private key",
    west: { authby: "rsasig", leftrsasigkey: "%none", rightrsasigkey: "%none" },
    asked: /unable to locate my private key for RSA Signature/,
  },
];

/** @param keys of west, of east, and of somebody else */
function rsaRows(keys: { readonly west: string; readonly east: string; readonly other: string }): Row[] {
  const rsa = {
    authby: "rsasig",
    leftid: "@west",
    rightid: "@east",
    leftrsasigkey: keys.west,
    rightrsasigkey: keys.east,
  };
  return [
    {
      name: "RSA where the peer wants a preshared key",
      west: rsa,
      answers: /policy does not allow OAKLEY_RSA_SIG authentication/,
    },
    // before the next one: pluto keeps a key once it has it
    {
      name: "no public key of the peer",
      west: rsa,
      east: { ...rsa, leftrsasigkey: "%none" },
      answers: /no RSA public key known for '@west'/,
    },
    {
      name: "another public key than the peer's",
      west: rsa,
      east: { ...rsa, leftrsasigkey: keys.other },
      answers: /Signature check \(on @west\) failed \(wrong key\?\); tried \*\S+/,
    },
  ];
}

scenario("symptoms of the FAQ, between two of ours", fourHosts, async (four) => {
  const conns = (more?: Parameters) => [tunnel("office", { auto: "ignore", ...more })];
  const plutos = await startBoth(four, { conns: conns(), secrets: SECRETS });
  const [ours, theirs, other] = await Promise.all([four.west, four.east, four.sunset].map(newHostKey));
  const secrets = { west: `${SECRETS}${ours.record}`, east: `${SECRETS}${theirs.record}` };
  const rows = [...ROWS, ...rsaRows({ west: ours.data, east: theirs.data, other: other.data })];
  for (const { name, west, east, westSecrets, notLoaded, asked, answers } of rows) {
    await four.step(name, async () => {
      await plutos.west.write({
        conns: conns(west),
        secrets: westSecrets ?? (west?.leftid === "@west" ? secrets.west : SECRETS),
      });
      await plutos.east.write({ conns: conns(east), secrets: secrets.east });
      for (const pluto of [plutos.west, plutos.east]) await pluto.auto("--rereadsecrets");
      await plutos.west.auto("--replace office");
      if (!notLoaded) await plutos.east.auto("--replace office");
      const from = { west: plutos.west.log.length, east: plutos.east.log.length };
      const up = plutos.west.auto("--verbose --up office");
      if (answers) await plutos.east.says(answers, from.east);
      if (asked) await plutos.west.says(new RegExp(asked.source.replace(/^\^\d+ /, "").replace(/\$$/, "")), from.west);
      await plutos.west.auto("--delete office");
      const { status, stdout } = await up;
      equal(status === 0, false, stdout);
      if (asked) match(stdout, asked);
      equal((await plutos.west.established("ipsec")).length, 0);
      await plutos.east.auto("--delete office");
    });
  }
});

scenario("stuck at STATE_MAIN_I1: IKE cannot travel", fourHosts, async (four) => {
  const plutos = await startBoth(four, { conns: [tunnel()], secrets: SECRETS });
  await four.east.run(["nft", "-f", "-"], {
    input: "table ip t {\n chain in {\n type filter hook input priority 0\n udp dport 500 drop\n }\n}\n",
  });
  const up = plutos.west.auto("--up office");
  await four.step("the terminal and --status show where it is", async () => {
    const [state] = await plutos.west.hasState("MAIN_I1");
    match(state.line, /^000 #1: "office" STATE_MAIN_I1 \(sent MI1, expecting MR1\); EVENT_RETRANSMIT in \d+s/);
  });
  await plutos.west.auto("--down office");
  match((await up).stdout, /^104 "office" #1: STATE_MAIN_I1: initiate$/m);
}, ["nft"]);

scenario("ECONNREFUSED: nobody listens on the peer", fourHosts, async (four) => {
  const plutos = await startBoth(four, { conns: [tunnel()], secrets: SECRETS });
  await four.east.ipsec("setup stop");
  const up = plutos.west.auto("--up office");
  const refused = new RegExp(
    '"office" #1: ERROR: asynchronous network error report on eth0 for message to 192\\.0\\.2\\.2 port 500, complainant ' +
      "192\\.0\\.2\\.2: Connection refused \\[errno 111, origin ICMP type 3 code 3 \\(not authenticated\\)\\]",
  );
  await plutos.west.says(refused);
  await plutos.west.auto("--down office");
  const { stdout } = await up;
  match(stdout, new RegExp(`^003 ${refused.source}$`, "m"));
});

scenario("ignoring payloads: what is not known is passed over, and said", fourHosts, async (four) => {
  // strongSwan's and libreswan's vendor ids are seen in tests/interop; here are our own
  const plutos = await startBoth(four, { conns: [tunnel()], secrets: SECRETS });
  const transcript = await plutos.west.up("office");
  match(transcript, /^004 "office" #2: STATE_QUICK_I2: sent QI2, IPsec SA established/m);
  await four.sunset.pings(AT.sunrise);
  await plutos.east.says(/Vendor ID/);
});
