/**
 * tshark opens what two engines have said, given the one key that the log has: so the IVs of both phases, the padding and
 * the length of the key are what others take them for.
 */
import assert from "node:assert/strict";
import type { IkeSuite } from "../../lib/ike/suite.ts";
import { fileHeader, record } from "../../tools/_capture.ts";
import type { DebugArea, IkeHost } from "../../lib/ike/host.ts";
import { startMain, startQuick, worldOf } from "../ike/_phase2.ts";
import { type Flying, PERFECT } from "../ike/_two_engines.ts";
import { ikePacket } from "./_ike_packet.ts";
import { testWith } from "./_needs.ts";

// Every cipher, every hash; keys that are cut from SKEYID_e, and keys that are longer.
const SUITES: IkeSuite[] = [
  { cipher: "3des", keyBits: 192, hash: "md5", group: "modp1024" },
  { cipher: "3des", keyBits: 192, hash: "sha1", group: "modp1536" },
  { cipher: "aes", keyBits: 128, hash: "sha1", group: "modp2048" },
  { cipher: "aes", keyBits: 192, hash: "md5", group: "modp1024" },
  { cipher: "aes", keyBits: 256, hash: "sha1", group: "modp1024" },
  { cipher: "aes", keyBits: 256, hash: "sha2_256", group: "ecp256" },
];

interface Seen {
  readonly datagrams: readonly Flying[];
  /** What west's log would have under each area of debugging. */
  readonly logged: ReadonlyMap<DebugArea, readonly string[]>;
}

/** Main Mode and Quick Mode, from the first message to the last. */
async function converse(suite: IkeSuite): Promise<Seen> {
  const world = worldOf({ both: { ikeSuites: [suite] } });
  const datagrams: Flying[] = [];
  const logged = new Map<DebugArea, string[]>();
  world.wire = (flying) => {
    datagrams.push(flying);
    return PERFECT(flying);
  };
  const debug: IkeHost["debug"] = (_about, area, text) => {
    logged.set(area, [...logged.get(area) ?? [], text()]);
  };
  Object.assign(world.west.host, { debug });
  startMain(world.west, world.east);
  await world.pass(5);
  startQuick(world.west);
  await world.pass(5);
  assert.equal(datagrams.length, 9, world.story);
  return { datagrams, logged };
}

/** @returns what tshark shows of each datagram */
async function dissect({ datagrams }: Seen, row: string): Promise<string[]> {
  const file = await Deno.makeTempFile({ suffix: ".pcap" });
  try {
    const packets = datagrams.map(({ from, datagram }) => record(ikePacket(datagram, from.name === "west"), 0));
    await Deno.writeFile(file, new Blob([fileHeader(), ...packets] as Uint8Array<ArrayBuffer>[]).stream());
    const args = ["-r", file, "-V", "-o", `uat:ikev1_decryption_table:${row}`];
    const { stdout } = await new Deno.Command("tshark", { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout).split(/^Frame \d+:.*$/m).slice(1);
  } finally {
    await Deno.remove(file);
  }
}

/** Encrypted messages, and a line that shows only once they are opened. */
const OPENED: [name: string, index: number, line: RegExp][] = [
  ["MI3", 4, /Identification Data:west\b/],
  ["MR3", 5, /Identification Data:east\b/],
  ["QI1", 6, /Identification Data:10\.1\.0\.0/],
  ["QR1", 7, /Identification Data:10\.2\.0\.0/],
  ["QI2", 8, /Hash DATA: /],
];

for (const suite of SUITES) {
  const { cipher, keyBits, hash, group } = suite;
  testWith(["tshark"], `tshark opens both phases: ${cipher}-${keyBits}, ${hash}, ${group}`, async (t) => {
    const seen = await converse(suite);
    const lines = [...seen.logged.values()].flat().filter((line) => line.includes("ikev1_decryption_table"));
    assert.deepEqual(lines, seen.logged.get("private"));
    const [, row] = /^ikev1_decryption_table: ([0-9a-f]{16},[0-9a-f]+)$/.exec(lines.join("\n"))!;
    const frames = await dissect(seen, row);
    const closed = await dissect(seen, row.replace(/,.*/, `,${"00".repeat(keyBits / 8)}`));
    for (const [name, index, line] of OPENED) {
      await t.step(name, () => {
        assert.match(frames[index], line);
        assert.ok(!frames[index].includes("Malformed"), frames[index]);
        assert.doesNotMatch(closed[index], line);
      });
    }
  });
}
