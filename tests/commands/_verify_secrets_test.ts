/** Whether ipsec.secrets has what the connections of ipsec.conf need, as `ipsec verify` sees it. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { missingSecrets } from "../../commands/_verify_secrets.ts";
import { readSecrets } from "../../lib/config/secrets.ts";
import { formatRsaRecord } from "../../lib/config/secrets_format.ts";
import { encodeRsaPublicKey, rsaKeyId } from "../../lib/crypto/rsa.ts";
import { parseNumericAddress } from "../../lib/text/address.ts";
import { formatData } from "../../lib/text/data.ts";
import { fakeFiles } from "../config/_fake_files.ts";
import { secretFiles } from "../config/_secret_files.ts";
import { rsaKey } from "../ike/_phase1.ts";

const WEST = rsaKey("west"), EAST = rsaKey("east");
const written = (key: typeof WEST) => formatData(encodeRsaPublicKey(key.publicKey), "s");
const KEYS = `\tleftrsasigkey=${written(WEST)}\n\trightrsasigkey=${written(EAST)}\n`;
const [WEST_ID, EAST_ID] = [WEST, EAST].map(({ publicKey }) => rsaKeyId(publicKey));

const PSK = '192.0.2.1 192.0.2.2 : PSK "a secret"\n';
const NO_PSK = "conn a: no shared secret for 192.0.2.1 and 192.0.2.2";

/** On 192.0.2.1, which is left. */
const CASES: [what: string, conn: string, secrets: string, missing: string[]][] = [
  ["a shared secret for the two", "\tauthby=secret\n", PSK, []],
  ["a shared secret for everybody", "\tauthby=secret\n", ': PSK "a secret"\n', []],
  ["no secrets at all", "\tauthby=secret\n", "", [NO_PSK]],
  ["a shared secret for another peer", "\tauthby=secret\n", PSK.replace("2.2", "2.3"), [NO_PSK]],
  ["a host key in place of a shared secret", "\tauthby=secret\n", formatRsaRecord(WEST, ""), [NO_PSK]],
  [
    "an identity that ipsec.secrets does not name",
    "\tauthby=secret\n\tleftid=@west.example\n",
    PSK,
    ["conn a: no shared secret for @west.example and 192.0.2.2"],
  ],
  ["a secret by a host's name, which is not looked up here", "\tauthby=secret\n", 'gw.example : PSK "a secret"\n', []],
  ["our key", KEYS, formatRsaRecord(WEST, ""), []],
  ["no key", KEYS, PSK, ["conn a: no RSA key for 192.0.2.1 and 192.0.2.2"]],
  ["a key where ipsec.conf has none", "", formatRsaRecord(EAST, ""), []],
  [
    "the key of the other host: left and right exchanged, or ipsec.secrets copied",
    KEYS,
    formatRsaRecord(EAST, ""),
    [`conn a: leftrsasigkey is ${WEST_ID}, and ipsec.secrets has ${EAST_ID}`],
  ],
  ["one of two ways to prove it", "\tauthby=secret|rsasig\n", PSK, []],
  ["a connection that is not loaded", "\tauthby=secret\n\tauto=ignore\n", "", []],
  ["a peer who may be anybody", "\tauthby=secret\n\tright=%any\n", "", []],
  ["a connection of other hosts", "\tauthby=secret\n\tleft=192.0.2.9\n", "", []],
];
for (const [what, more, secrets, missing] of CASES) {
  Deno.test(`missingSecrets() with ${what}`, () => {
    const given = (name: string, value: string) => more.includes(`\t${name}=`) ? "" : `\t${name}=${value}\n`;
    const base = given("left", "192.0.2.1") + given("right", "192.0.2.2") + given("auto", "add");
    const conf = fakeFiles({ "/etc/ipsec.conf": `version 2\nconn a\n${base}${more}` });
    const read = readSecrets("/s", secretFiles({ "/s": secrets }));
    deepEqual(read.complaints, []);
    const here = parseNumericAddress("192.0.2.1", 0);
    if (!here.ok) throw new Error(here.error);
    deepEqual(missingSecrets("/etc/ipsec.conf", conf, [here.value], read), missing);
  });
}
