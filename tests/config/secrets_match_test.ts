import { deepEqual, equal, ok } from "node:assert/strict";
import { readSecrets } from "../../lib/config/secrets.ts";
import { splitTxt } from "../../lib/config/secrets_format.ts";
import { formatIdentity, type Identity, parseIdentity, sameIdentity } from "../../lib/text/identity.ts";
import { resolveNames, SecretTable } from "../../lib/config/secrets_match.ts";
import { secretFiles } from "./_secret_files.ts";

function id(text: string): Identity {
  const parsed = parseIdentity(text);
  ok(parsed.ok, text);
  return parsed.value;
}

function entriesOf(text: string) {
  return readSecrets("/s", secretFiles({ "/s": text })).entries;
}

/** Lines of the entry found and of its rival. */
function find(text: string, kind: "PSK" | "RSA", me: string, him?: string): number[] {
  const match = new SecretTable(entriesOf(text)).find(kind, id(me), him === undefined ? undefined : id(him));
  return [match?.entry, match?.rival].flatMap((entry) => entry ? [entry.at.line] : []);
}

const PSKS = `: PSK "all"
@a : PSK "mine"
@a @b : PSK "ours"
@a @c @d : PSK "several"
10.0.0.1 %any : PSK "road"
`;
const KEYS = `: RSA all.pem
@a @b @c : RSA several.pem
@m : RSA mine.pem
`;
const FOUND: [what: string, text: string, kind: "PSK" | "RSA", me: string, him: string | undefined, lines: number[]][] =
  [
    ["both before me alone", PSKS, "PSK", "@a", "@b", [3]],
    ["both, whichever is first", PSKS, "PSK", "@b", "@a", [3]],
    ["me alone before everybody's", PSKS, "PSK", "@a", "@x", [2]],
    ["everybody's for a stranger", PSKS, "PSK", "@x", "@y", [1]],
    ["no entry of mine and others for a PSK", '@a @b : PSK "x"\n', "PSK", "@a", "@z", []],
    ["an entry of mine and others for RSA", KEYS, "RSA", "@a", "@z", [2]],
    ["no entry that only the peer is in", '@b : PSK "x"\n', "PSK", "@a", "@b", []],
    ["the road warriors' entry", PSKS, "PSK", "10.0.0.1", "%any", [5]],
    ["no road warriors' entry for a known peer", PSKS, "PSK", "10.0.0.1", "10.0.0.9", [1]],
    ["0.0.0.0 for a peer without identity", '@a 0.0.0.0 : PSK "x"\n', "PSK", "@a", undefined, [1]],
    ["no 0.0.0.0 for road warriors", '@a 0.0.0.0 : PSK "x"\n', "PSK", "@a", "%any", []],
    ["no PSK where RSA is wanted", PSKS, "RSA", "@a", "@b", []],
    ["the first of two, with its rival", '@a : PSK "x"\n@a : PSK "y"\n', "PSK", "@a", "@b", [1, 2]],
    ["the first of two that are equal", '@a : PSK "x"\n@a : PSK 0x78\n', "PSK", "@a", "@b", [1]],
    ["no rival of lower rank", '@a @b : PSK "x"\n@a : PSK "y"\n', "PSK", "@a", "@b", [1]],
    ["a better one after two rivals", ': PSK "x"\n: PSK "y"\n@a : PSK "z"\n', "PSK", "@a", "@b", [3]],
  ];
for (const [what, text, kind, me, him, lines] of FOUND) {
  Deno.test(`SecretTable.find() takes ${what}`, () => deepEqual(find(text, kind, me, him), lines));
}

const SAME: [a: string, b: string, same: boolean][] = [
  ["@west.example.com", "@WEST.example.com.", true],
  ["@west.example.com", "west.example.com", false],
  ["u@a.example", "U@A.EXAMPLE", true],
  ["10.0.0.1", "0x0a000001", true],
  ["10.0.0.1", "10.0.0.2", false],
  ["2001:db8::1", "2001:DB8:0::1", true],
  ["%any", "%any6", false],
  ["0.0.0.0", "::", true],
  ["@#0aff", "@#0AFF", true],
  ["@#0aff", "@~0aff", false],
  ["C=CA,O=Example,CN=x", "@/c=ca/o=example/cn=X", true],
  ["C=CA,CN=x,E=a", "C=CA,CN=x,emailAddress=a", true],
  ["C=CA,CN=*", "C=CA,CN=x", true],
  ["C=CA,CN=x", "CN=x,C=CA", false],
  ["C=CA,CN=x", "C=CA", false],
];
for (const [a, b, same] of SAME) {
  Deno.test(`sameIdentity() ${same ? "equates" : "tells apart"} ${a} and ${b}`, () => {
    deepEqual([sameIdentity(id(a), id(b)), sameIdentity(id(b), id(a))], [same, same]);
  });
}

const WRONG: [text: string, error: string][] = [
  ["10.0.0.256", "byte overflow in dotted-decimal address"],
  ["@", "empty name after @"],
  ["@#", "no data bytes specified by input"],
  ["@#123", "input ends in mid-byte, perhaps truncated"],
  ["X=1", "unknown OID in ID_DER_ASN1_DN"],
  ["constructor=1", "unknown OID in ID_DER_ASN1_DN"],
  ["C=CA,x", "unknown OID in ID_DER_ASN1_DN"],
  ["%all", "illegal (non-DNS-name) character in name"],
  ["2001::g", "non-hex field in IPv6 numeric address"],
];
for (const [text, error] of WRONG) {
  Deno.test(`parseIdentity() refuses ${text}`, () => deepEqual(parseIdentity(text), { ok: false, error }));
}

Deno.test("formatIdentity() writes what parseIdentity() reads", () => {
  for (
    const text of [
      "10.0.0.1",
      "2001:db8::1",
      "%any",
      "%any6",
      "a.example",
      "@a",
      "u@a",
      "@#0a",
      "@~30",
      "C=CA,CN=x",
      "0.0.0.0",
    ]
  ) {
    equal(formatIdentity(id(text)), text);
  }
});

Deno.test("resolveNames() puts addresses in place of names, and leaves out entries that lose their last index", async () => {
  const entries = entriesOf('west.example @b : PSK "x"\ngone.example : PSK "y"\n: PSK "z"\n');
  const resolved = await resolveNames(
    entries,
    (name) => Promise.resolve(name === "west.example" ? [id("192.0.2.1")] : []),
  );
  deepEqual(resolved.entries.map(({ ids }) => ids.map(formatIdentity)), [["192.0.2.1", "@b"], []]);
  deepEqual(resolved.unknown.map(({ name, entry }) => [name, entry.at.line]), [["gone.example", 2]]);
});

Deno.test("splitTxt() gives one string where all fits into 255 bytes, else pieces of 255", () => {
  const head = "X-IPsec-Server(10)=@a";
  deepEqual(splitTxt("@a", "k".repeat(233)), [`${head} ${"k".repeat(233)}`]);
  deepEqual(splitTxt("@a", "k".repeat(234)), [head, ` ${"k".repeat(234)}`]);
  deepEqual(splitTxt("@a", "k".repeat(600)).map((one) => one.length), [head.length, 255, 255, 91]);
});
