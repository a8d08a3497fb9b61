/**
 * IKEv1 with strongSwan: algorithms of both phases, with and without PFS. Each row is negotiated by each end once, and
 * what strongSwan lists is what was wanted; data flows by every suite.
 *
 * `ike`, `esp`, `group` are in our spelling; strongSwan's is made of it.
 */
import { deepEqual } from "node:assert/strict";
import { fourHosts, until } from "../../tools/_net.ts";
import { scenario } from "../netns/_scenario.ts";
import { AT, ourConn, SECRETS, startOffice, theirOffice } from "./_office.ts";
import type { Vici } from "./_vici.ts";

interface Row {
  readonly ike: string;
  readonly esp: string;
  /** PFS with this group. */
  readonly pfs?: string;
  /** As `swanctl --list-sas` names them: of phase 1, and of phase 2. */
  readonly listed: readonly [ike: string, child: string];
}

const AES128 = "AES_CBC-128", GCM128 = "AES_GCM_16-128";

const ROWS: readonly Row[] = [
  // phase 1: ciphers, hashes, groups
  { ike: "3des-md5-modp1024", esp: "aes128gcm16", listed: ["3DES_CBC PRF_HMAC_MD5 MODP_1024", GCM128] },
  { ike: "3des-sha1-modp1536", esp: "aes128gcm16", listed: ["3DES_CBC PRF_HMAC_SHA1 MODP_1536", GCM128] },
  { ike: "aes128-sha1-modp2048", esp: "aes128gcm16", listed: [`${AES128} PRF_HMAC_SHA1 MODP_2048`, GCM128] },
  { ike: "aes192-sha2_384-modp3072", esp: "aes128gcm16", listed: ["AES_CBC-192 PRF_HMAC_SHA2_384 MODP_3072", GCM128] },
  { ike: "aes256-sha2_512-modp4096", esp: "aes128gcm16", listed: ["AES_CBC-256 PRF_HMAC_SHA2_512 MODP_4096", GCM128] },
  { ike: "aes128-sha2_256-ecp256", esp: "aes128gcm16", listed: [`${AES128} PRF_HMAC_SHA2_256 ECP_256`, GCM128] },
  { ike: "aes256-sha2_384-ecp384", esp: "aes128gcm16", listed: ["AES_CBC-256 PRF_HMAC_SHA2_384 ECP_384", GCM128] },
  { ike: "aes256-sha2_512-ecp521", esp: "aes128gcm16", listed: ["AES_CBC-256 PRF_HMAC_SHA2_512 ECP_521", GCM128] },
  // phase 2
  ...[
    ["aes256gcm16", undefined, "AES_GCM_16-256"],
    ["aes128-sha1", "modp1536", "AES_CBC-128 HMAC_SHA1_96 MODP_1536"],
    ["aes192-sha2_384", "modp2048", "AES_CBC-192 HMAC_SHA2_384_192 MODP_2048"],
    ["aes256-sha2_512", "ecp521", "AES_CBC-256 HMAC_SHA2_512_256 ECP_521"],
    ["aes128-sha2_256", "ecp256", "AES_CBC-128 HMAC_SHA2_256_128 ECP_256"],
    ["aes128-md5", undefined, "AES_CBC-128 HMAC_MD5_96"],
    ["3des-sha1", "modp3072", "3DES_CBC HMAC_SHA1_96 MODP_3072"],
    ["aes256gcm16", "modp4096", "AES_GCM_16-256 MODP_4096"],
  ].map(([esp, pfs, listed]): Row => ({
    ike: "aes128-sha2_256-ecp256",
    esp: esp!,
    pfs,
    listed: [`${AES128} PRF_HMAC_SHA2_256 ECP_256`, listed!],
  })),
];

const nameOf = ({ ike, esp, pfs }: Row) => ["ike", ike, "esp", esp, pfs ?? "no-pfs"].join("-");
const inTheirs = (words: string) => words.replaceAll("sha2_", "sha");

function listingOf(fields: Vici, names: readonly string[]): string {
  const words = names.map((name) => fields[name]).filter(Boolean);
  if (fields["encr-keysize"] && fields["encr-alg"] !== "3DES_CBC") words[0] = `${words[0]}-${fields["encr-keysize"]}`;
  return words.join(" ");
}

scenario("strongSwan: algorithms of both phases", fourHosts, async (four) => {
  const { sunset, step } = four;
  const conns = ROWS.map((row) =>
    ourConn(nameOf(row), {
      ike: row.ike,
      esp: row.esp,
      pfs: row.pfs ? "yes" : "no",
      pfsgroup: row.pfs,
      auto: "ignore",
    })
  );
  const { pluto, charon } = await startOffice(four, { conns, secrets: SECRETS }, theirOffice());
  for (const row of ROWS) {
    const name = nameOf(row);
    await step(name, async () => {
      const suite = inTheirs(row.esp) + (row.pfs ? `-${row.pfs}` : "");
      await charon.load(theirOffice({ proposals: inTheirs(row.ike) }, { esp_proposals: suite }).swanctl);
      await pluto.add(name);
      try {
        for (const begin of [() => pluto.up(name), () => charon.swanctl("--initiate --child net")]) {
          await begin();
          const { ike, child } = await charon.established();
          deepEqual([
            listingOf(ike, ["encr-alg", "prf-alg", "dh-group"]),
            listingOf(child, ["encr-alg", "integ-alg", "dh-group"]),
          ], row.listed);
          await sunset.pings(AT.sunrise);
          await pluto.down(name);
          await until("strongSwan has no SA left", async () => (await charon.sas()).length === 0);
        }
      } finally {
        await pluto.auto(`--delete ${name}`);
      }
    });
  }
}, ["charon"]);
