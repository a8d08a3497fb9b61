/**
 * A captured Main Mode and Quick Mode, opened by tshark with the keys that pluto logs for debugging "private"; without them,
 * nobody reads identities or networks.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ==== captured here ==== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { fourHosts, run } from "../../tools/_net.ts";
import { scenario } from "../netns/_scenario.ts";
import { SECRETS, startBoth, tunnel } from "../netns/_two_plutos.ts";

const FIELDS = [
  "isakmp.exchangetype",
  "isakmp.typepayload",
  "isakmp.id.data.fqdn",
  "isakmp.id.data.ipv4_addr",
  "isakmp.id.data.ipv4_subnet",
  "isakmp.ipsec.attr.group_description",
  "_ws.malformed",
];
/** RFC 2408 §3.1, as RFC 2409 §5 names what follows; the numbers are those of payloads. */
const MAIN = "2", QUICK = "32", NETWORKS = ["10.1.0.0,10.2.0.0", "255.255.255.0,255.255.255.0"], ECP256 = "19";
const SEALED = ["", "", "", "", ""];
const OPENED = [
  [MAIN, "4,10,20,20", ...SEALED], // KE, Ni, NAT-D, NAT-D
  [MAIN, "4,10,20,20", ...SEALED],
  [MAIN, "5,8,11", "west.example", "", "", "", ""], // IDii, HASH_I, INITIAL-CONTACT
  [MAIN, "5,8", "east.example", "", "", "", ""],
  [QUICK, "8,1,2,3,10,4,5,5", "", ...NETWORKS, ECP256, ""], // HASH(1), SA, Ni, KE, IDci, IDcr
  [QUICK, "8,1,2,3,10,4,5,5", "", ...NETWORKS, ECP256, ""],
  [QUICK, "8", "", "", "", "", ""], // HASH(3)
];

scenario("tshark opens Main Mode and Quick Mode with the keys that pluto logs", fourHosts, async (four) => {
  const capture = await four.west.capture("eth0", "udp port 500");
  const conns = [tunnel("office", { leftid: "@west.example", rightid: "@east.example" })];
  const plutos = await startBoth(four, {
    west: { conns, secrets: SECRETS, setup: ["plutodebug=private"] },
    east: { conns, secrets: SECRETS, setup: ["plutodebug=all"] },
  });
  await plutos.west.up("office");
  const file = await capture.stop();
  const rows = [...plutos.west.log.matchAll(/ikev1_decryption_table: ([0-9a-f]{16},[0-9a-f]+)$/gm)];
  equal(rows.length, 1);
  equal(plutos.east.log.includes("ikev1_decryption_table"), false, "debugging `all' has told keys");

  const keys = ["-o", `uat:ikev1_decryption_table:${rows[0][1]}`];
  // behind MI1 and MR1, whose vendor ids are no matter here
  deepEqual((await dissect(file, keys)).slice(2), OPENED);
  ok((await dissect(file, [])).slice(4).every(([, payloads]) => payloads === ""), "read without keys");
}, ["tshark"]);

async function dissect(file: string, words: readonly string[]): Promise<string[][]> {
  const fields = FIELDS.flatMap((field) => ["-e", field]);
  const lines = await run(["tshark", "-r", file, ...words, "-Y", "isakmp", "-T", "fields", ...fields]);
  return lines.split("\n").filter(Boolean).map((line) => line.split("\t"));
}
