/** Bytes of the kernel's (Linux 6.18), read from a netlink socket, for the ruleset that the comments show. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { decodeAttributes, decodeList, decodeMessages, NetlinkMalformed, textOf } from "../../lib/packet/netlink.ts";
import {
  type BaseChain,
  COMMENT_BYTES,
  decodeBaseChain,
  decodeGeneration,
  decodeRuleEntry,
  decodeTable,
  encodeAcceptRule,
  encodeRuleRemoval,
  type Match,
} from "../../lib/packet/nf_tables.ts";
import { parseSubnet, type Subnet } from "../../lib/text/subnet.ts";

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const messageOf = (hex: string) => decodeMessages(bytesOf(hex))[0];

function net(text: string): Subnet {
  const parsed = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

// table inet t
const TABLE =
  "38000000000a020007000000a17a000001000007060001007400000008000300000000020c00040000000000000000020800020000000000";
// table bridge b
const BRIDGE =
  "38000000000a020007000000a17a000007000007060001006200000008000300000000000c00040000000000000000030800020000000000";
// chain forward { type filter hook forward priority 0; policy drop; }
const FORWARD =
  "6c000000030a020007000000a17a00000100000706000100740000000c000300666f7277617264000c0002000000000000000001" +
  "140004000800010000000002080002000000000008000500000000000b00070066696c746572000008000a00000000010800060000000001";
// chain plain
const PLAIN =
  "3c000000030a020007000000a17a00000100000706000100740000000a000300706c61696e0000000c0002000000000000000002080" +
  "0060000000000";
// ct state established accept comment "mine"
const RULE =
  "0c010000060a020807000000a17a00000100000706000100740000000c000200666f7277617264000c0003000000000000000003cc0" +
  "0040020000100070001006374000014000200080001000000000108000200000000004c0001000c00010062697477697365003c0002000800" +
  "0100000000010800020000000001080003000000000408000600000000000c00040008000100020000000c00050008000100000000002c000" +
  "10008000100636d700020000200080001000000000108000200000000010c0003000800010000000000300001000e000100696d6d65646961" +
  "74650000001c0002000800010000000000100002000c00020008000100000000010b00070000056d696e650000";
const GENERATION = "300000000f0a000007000000a17a00000000000708000100000000070800020000007aa10c000300707974686f6e3300";

const CHAIN: BaseChain = {
  family: "inet",
  table: "t",
  name: "forward",
  type: "filter",
  hook: "forward",
  drops: true,
};

Deno.test("decodeTable() reads a table", () => {
  deepEqual(decodeTable(messageOf(TABLE)), { family: "inet", name: "t" });
});
Deno.test("decodeTable() passes over one of bridges", () => equal(decodeTable(messageOf(BRIDGE)), undefined));
Deno.test("decodeBaseChain() reads a chain with a hook and a policy", () => {
  deepEqual(decodeBaseChain(messageOf(FORWARD)), CHAIN);
});
Deno.test("decodeBaseChain() passes over one without a hook", () =>
  equal(decodeBaseChain(messageOf(PLAIN)), undefined));
Deno.test("decodeRuleEntry() reads a rule's place, handle and comment", () => {
  deepEqual(decodeRuleEntry(messageOf(RULE)), {
    family: "inet",
    table: "t",
    chain: "forward",
    handle: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 3),
    comment: "mine",
    expressions: ["ct", "bitwise", "cmp", "immediate"],
  });
});
Deno.test("decodeGeneration() reads the number of the rules' version", () => {
  equal(decodeGeneration(messageOf(GENERATION)), 7);
});

const MATCH: Match = {
  device: "ipsec0",
  way: "in",
  source: net("10.2.0.0/24"),
  destination: net("0.0.0.0/0"),
  protocol: 0,
  sourcePort: 0,
  destinationPort: 0,
};

Deno.test("encodeRuleRemoval() names a rule as decodeRuleEntry() found it", () => {
  const entry = decodeRuleEntry(messageOf(RULE))!;
  const named = decodeRuleEntry({ type: 0, flags: 0, sequence: 0, body: encodeRuleRemoval(entry) });
  deepEqual(named, { ...entry, comment: "", expressions: [] });
});

/** Names of a rule's expressions in their order. */
function expressions(chain: BaseChain, match: Match): string[] {
  const EXPRESSIONS = 4, NAME = 1, HEAD_BYTES = 4;
  const list = decodeAttributes(encodeAcceptRule(chain, match, "oneswan x"), HEAD_BYTES).get(EXPRESSIONS);
  ok(list);
  return decodeList(list).map(([, element]) => textOf(decodeAttributes(element).get(NAME)!));
}

const END = ["counter", "immediate"];
// as `nft --debug=netlink` shows the same rules
const RULES: [what: string, chain: BaseChain, match: Match, expected: string[]][] = [
  ["a network in a table of both families", CHAIN, MATCH, [
    ...["meta", "cmp", "meta", "cmp"],
    ...["payload", "bitwise", "cmp"],
    ...END,
  ]],
  ["a host in a table of IPv4", { ...CHAIN, family: "ip" }, { ...MATCH, source: net("10.2.0.1/32") }, [
    ...["meta", "cmp"],
    ...["payload", "cmp"],
    ...END,
  ]],
  ["all of IPv6, TCP to port 80", { ...CHAIN, family: "ip6" }, {
    ...MATCH,
    source: net("::/0"),
    destination: net("::/0"),
    protocol: 6,
    destinationPort: 80,
  }, [
    ...["meta", "cmp", "meta", "cmp"],
    ...["payload", "cmp"],
    ...END,
  ]],
];
for (const [what, chain, match, expected] of RULES) {
  Deno.test(`encodeAcceptRule() matches ${what}`, () => deepEqual(expressions(chain, match), expected));
}

for (const length of [0, 1, COMMENT_BYTES]) {
  Deno.test(`encodeAcceptRule() keeps a comment of ${length} bytes, behind a handle that the kernel gives`, () => {
    const comment = "x".repeat(length);
    const body = encodeAcceptRule(CHAIN, MATCH, comment);
    const handled = new Uint8Array([...body, ...bytesOf("0c0003000000000000000009")]);
    equal(decodeRuleEntry({ type: 0, flags: 0, sequence: 0, body: handled })?.comment, comment);
  });
}

const DECODERS = { decodeTable, decodeBaseChain, decodeRuleEntry, decodeGeneration };
const SEEDS = [TABLE, FORWARD, RULE, GENERATION].map(bytesOf);
const changed = fc.tuple(
  fc.constantFrom(...SEEDS),
  fc.array(fc.tuple(fc.nat(270), fc.nat(255)), { maxLength: 4 }),
  fc.nat(270),
)
  .map(([seed, changes, length]) => {
    const bytes = seed.slice(0, length || seed.length);
    for (const [where, value] of changes) if (where < bytes.length) bytes[where] = value;
    return bytes;
  });

for (const [name, decode] of Object.entries(DECODERS)) {
  Deno.test(`${name}() gives a value or NetlinkMalformed for any bytes`, () => {
    const any = fc.oneof(fc.uint8Array({ maxLength: 100 }), changed);
    fc.assert(
      fc.property(any, (bytes) => {
        try {
          for (const message of decodeMessages(bytes)) decode(message);
        } catch (error) {
          ok(error instanceof NetlinkMalformed, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
}
