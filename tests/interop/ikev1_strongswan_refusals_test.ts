/**
 * IKEv1 with strongSwan: what the two do not agree upon, each end beginning. Nothing comes up, and both logs say why in
 * words that lead to the cause.
 */
import { equal } from "node:assert/strict";
import { fourHosts } from "../../tools/_net.ts";
import type { Parameters } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import type { Settings } from "./_charon.ts";
import { ourConn, SECRETS, startOffice, theirOffice } from "./_office.ts";

interface Row {
  readonly name: string;
  readonly ours?: Parameters;
  readonly secrets?: string;
  readonly theirs?: Settings;
  readonly child?: Settings;
  /** What our log says where ours begins, and where strongSwan does. */
  readonly says: readonly [begin: RegExp, answer: RegExp];
}

const ROWS: readonly Row[] = [
  {
    name: "another preshared key",
    secrets: ': PSK "another"\n',
    says: [
      /perhaps the peer refuses us; compare the preshared keys and identities of both ends/,
      /probable authentication failure \(mismatch of preshared secrets\?\)|malformed payload in packet/,
    ],
  },
  {
    name: "no transform of phase 1 in common",
    ours: { ike: "aes256-sha2_512-modp4096" },
    says: [/NO_PROPOSAL_CHOSEN/, /no acceptable Oakley Transform/],
  },
  {
    name: "no proposal of phase 2 in common",
    ours: { esp: "aes256-sha2_512" },
    says: [/NO_PROPOSAL_CHOSEN/, /no acceptable Proposal in IPsec SA/],
  },
  {
    name: "another identity of the peer",
    ours: { rightid: "@someone.else" },
    says: [
      /we require peer to have ID '@someone\.else', but peer declares '192\.0\.2\.2'/,
      /no suitable connection for peer '192\.0\.2\.2'/,
    ],
  },
  {
    name: "other subnets",
    ours: { rightsubnet: "10.9.0.0/24" },
    says: [
      /INVALID_ID_INFORMATION|NO_PROPOSAL_CHOSEN/,
      /cannot respond to IPsec SA request because no connection is known for 10\.1\.0\.0\/24===192\.0\.2\.1\.\.\.192\.0\.2\.2===10\.2\.0\.0\/24/,
    ],
  },
];

scenario("strongSwan: what is not agreed upon is refused, and said", fourHosts, async (four) => {
  const { west, step } = four;
  const { pluto, charon } = await startOffice(
    four,
    { conns: [ourConn("office", { auto: "ignore" })], secrets: SECRETS },
    theirOffice(),
  );
  // of what it has established; what is half open goes by itself
  const forget = () => charon.trySwanctl("--terminate --ike office --force --timeout 1");
  for (const { name, ours, secrets = SECRETS, theirs, child, says } of ROWS) {
    await step(name, async () => {
      await pluto.write({ conns: [ourConn("office", { auto: "ignore", ...ours })], secrets });
      await west.ipsec("auto --rereadsecrets");
      await charon.load(theirOffice(theirs, child).swanctl);
      await pluto.auto("--replace office");
      const start = pluto.log.length;
      const asked = pluto.auto("--async --up office");
      await pluto.says(says[0], start);
      await asked;
      await pluto.auto("--down office");
      await pluto.auto("--delete office");
      await forget();
      await pluto.auto("--add office");
      const answer = pluto.log.length;
      const theirWords = charon.trySwanctl("--initiate --child net --timeout 4");
      await pluto.says(says[1], answer);
      equal((await theirWords).status === 0, false, "strongSwan believes that it is up");
      equal((await pluto.established("ipsec")).length, 0);
      await pluto.auto("--delete office");
      await forget();
    });
  }
}, ["charon"]);
