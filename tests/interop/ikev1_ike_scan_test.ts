/**
 * ike-scan against our responder: what a stranger is told, and what not.
 *
 * ```
 * west 192.0.2.1, ours ====== 192.0.2.2 east, ike-scan
 * ```
 */
import { equal, match } from "node:assert/strict";
import { fourHosts, type Host, until } from "../../tools/_net.ts";
import { Pluto } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import { AT, ourConn, SECRETS } from "./_office.ts";

/** Attributes of phase 1 in ike-scan's form: cipher, length of its key, hash, authentication, group. */
const AES128_SHA256_MODP2048 = "--trans=(1=7,14=128,2=4,3=1,4=14)";
const DES_MD5_MODP768 = "--trans=(1=1,2=1,3=1,4=1)";

async function scan(host: Host, ...words: string[]): Promise<string> {
  return await host.run(["ike-scan", "--nodns", "--multiline", "--sport=0", "--retry=1", ...words, AT.west]);
}

scenario("ike-scan: what our responder tells a stranger", fourHosts, async ({ west, east, step }) => {
  const pluto = await Pluto.start(west, {
    conns: [ourConn("office", { right: "%any", rightid: "@road.example" })],
    secrets: SECRETS,
  });
  await step("Main Mode with what the conn has", async () => {
    const found = await scan(east, AES128_SHA256_MODP2048);
    match(found, /Main Mode Handshake returned/);
    match(found, /SA=\(Enc=AES KeyLength=128 Hash=SHA2-256 Auth=PSK Group=14:modp2048\)/);
    equal(/VID=/.test(found), false, "it tells what it is to one who has not said what he is");
    match(found, /1 returned handshake; 0 returned notify/);
  });
  await step("the first transform that is acceptable, in ike-scan's order", async () => {
    const found = await scan(east, DES_MD5_MODP768, "--trans=(1=7,14=256,2=4,3=1,4=14)", AES128_SHA256_MODP2048);
    match(found, /SA=\(Enc=AES KeyLength=128 /);
  });
  await step("DES, MODP768 and its default transforms are refused", async () => {
    for (const words of [[DES_MD5_MODP768], []]) {
      const found = await scan(east, ...words);
      match(found, /Notify message 14 \(NO-PROPOSAL-CHOSEN\)/);
      match(found, /0 returned handshake; 1 returned notify/);
    }
    await pluto.says(/no acceptable Oakley Transform/);
  });
  await step("no Aggressive Mode where no conn says so: no identity, no hash", async () => {
    const found = await scan(
      east,
      "--aggressive",
      "--id=road.example",
      "--idtype=2",
      "--dhgroup=14",
      AES128_SHA256_MODP2048,
    );
    match(found, /0 returned handshake/);
    equal(/ID\(|Hash\(/.test(found), false, found);
  });
  await step("one answer to one message: nothing is repeated to an address that may be another's", async () => {
    const found = await scan(east, "--showbackoff=3", AES128_SHA256_MODP2048);
    equal(found.match(/^192\.0\.2\.1\t\d+\t/gm)?.length, 1, found);
  });
  await step("half-open exchanges do not stay", async () => {
    equal((await pluto.established("isakmp")).length, 0);
    await until("pluto answers still", async () => (await pluto.auto("--status")).status === 0);
  });
}, ["ike-scan"]);
