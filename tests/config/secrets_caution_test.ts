/** What ipsec.secrets must never do by mistake: show a secret in a complaint, or give one to more peers than were named. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { formatComplaint } from "../../lib/config/complaint.ts";
import { readSecrets, type Secrets } from "../../lib/config/secrets.ts";
import { formatRsaRecord } from "../../lib/config/secrets_format.ts";
import { type Identity, parseIdentity } from "../../lib/text/identity.ts";
import { resolveNames, SecretTable } from "../../lib/config/secrets_match.ts";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";

const FILE = "/etc/ipsec.secrets";

function read(text: string): Secrets {
  return readSecrets(FILE, {
    read: (path) => path === FILE ? { text, identity: path, mode: 0o600 } : "no such file",
    list: () => [],
  });
}

function complaintsOf(text: string): string[] {
  return read(text).complaints.map((complaint) => formatComplaint(complaint).replace(`${FILE}:`, ""));
}

function id(text: string): Identity {
  const parsed = parseIdentity(text);
  ok(parsed.ok);
  return parsed.value;
}

const MISPLACED: [name: string, text: string, complaints: string[]][] = [
  ["a string for which the colon is forgotten", '10.0.0.1 PSK "hunter2"\n', [
    "1: warning: the colon before PSK is missing",
  ]],
  ["data without colon", "10.0.0.1 PSK 0x68756e746572\n", [
    "1: unexpected end of id list: the colon before PSK is missing",
  ]],
  ["base64 without colon and PSK", "10.0.0.1 0shunter2hunter2=\n", ["1: unexpected end of id list"]],
  ["a string stuck to its colon", '10.0.0.1 :"hunter2"\n', ["1: unexpected end of id list"]],
  ["a string stuck to its colon, before another", '10.0.0.1 :"hunter2" : PSK "x"\n', [
    "1: index (not shown) illegal leading `:' in IPv6 numeric address",
  ]],
  ["data among the indices", '10.0.0.1 0shunter2== : PSK "x"\n', [
    "1: index (not shown) unknown OID in ID_DER_ASN1_DN",
  ]],
  ["a word after the colon", "10.0.0.1 : hunter2\n", [
    "1: unrecognized key format: (not shown); PSK, RSA or XAUTH must stand here, with a blank after it",
  ]],
  ["text without quotes", "10.0.0.1 : PSK hunter2\n", [
    "1: PSK data malformed (input does not begin with format prefix): (not shown)",
  ]],
  ["a string without end", '10.0.0.1 : PSK "hunter2\n', ["1: unterminated string"]],
];
for (const [name, text, complaints] of MISPLACED) {
  Deno.test(`readSecrets() does not show ${name}`, () => deepEqual(complaintsOf(text), complaints));
}

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const KEY = generateRsaKey({ bits: 512, seed: random, random });
const SECRETS = ["Xq7ZvKw9Jx", "Gb4WzQj8Yk", "0sVnFqZ2tKd3JhWGp4", "0xfedcba9876543210"];
const SAMPLE = `10.0.0.1 10.0.0.2 : PSK "${SECRETS[0]}"
@west user@east: PSK '${SECRETS[1]}'
10.0.0.3 %any : PSK ${SECRETS[2]}
10.0.0.4
\tC=CA,CN=east : PSK ${SECRETS[3]}
10.0.0.5 : RSA west.pem "${SECRETS[0]}"
10.0.0.6 "${SECRETS[1]}"
${formatRsaRecord(KEY, "RSA 512 bits   west   Thu Jan  2 12:41:44 2003")}`;
/** Six characters on end of a secret, in lower case. */
const PIECES = [
  ...SECRETS.map((secret) => secret.replace(/^0[sx]/, "")),
  ...[KEY.prime1, KEY.prime2, KEY.privateExponent, KEY.coefficient].map((secret) => secret.reveal().toHex()),
].flatMap((secret) => Array.from({ length: secret.length - 5 }, (_, i) => secret.slice(i, i + 6).toLowerCase()));

Deno.test("readSecrets() reads the sample that is mutated below", () => {
  const { entries, complaints } = read(SAMPLE);
  deepEqual([entries.length, complaints], [7, []]);
});

/** Everything but a change of what a comment or a file name is made of, which nobody takes for secret. */
const mutation = fc.record({
  at: fc.nat(SAMPLE.length),
  length: fc.constantFrom(0, 0, 1, 1, 2, 40),
  text: fc.constantFrom(
    "",
    "",
    " ",
    "\n",
    "\n\t",
    ":",
    '"',
    "'",
    "{",
    "}",
    "#",
    "=",
    "@",
    "%",
    "\r\n",
    "\0",
    "\xff",
    "0",
  ),
}, { noNullPrototype: true });

Deno.test("readSecrets() never throws, places every complaint, and shows no piece of a secret, however a file is spoilt", () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const text = mutations.reduce(
        (old, { at, length, text }) => old.slice(0, at) + text + old.slice(at + length),
        SAMPLE,
      );
      const lines = text.split("\n").length;
      for (const complaint of read(text).complaints) {
        ok(complaint.at.file === FILE && complaint.at.line >= 1 && complaint.at.line <= lines);
        const said = complaint.message.toLowerCase();
        equal(PIECES.find((piece) => said.includes(piece)), undefined, complaint.message);
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("readSecrets() never throws for any text", () => {
  const word = fc.constantFrom(
    ":",
    "PSK",
    "RSA",
    "{",
    "}",
    "\n",
    "\n\t",
    '"',
    "'",
    "include",
    "0x",
    "@",
    "%any",
    " ",
    "#",
  );
  const texts = fc.array(fc.oneof(word, fc.string({ maxLength: 6 })), { maxLength: 40 }).map((words) => words.join(""));
  fc.assert(fc.property(texts, (text) => {
    for (const { at } of read(text).complaints) ok(at.line >= 1);
  }));
});

const NARROW: [name: string, text: string][] = [
  ["an index that cannot be read", '10.0.0.1 %bad : PSK "x"\n'],
  ["a name without address", '10.0.0.1 nowhere.example.com : PSK "x"\n'],
  ["two addresses of one name, the peer's not among them", '10.0.0.1 twice.example.com : PSK "x"\n'],
];
const ADDRESSES: Record<string, string[]> = {
  "twice.example.com": ["10.0.0.8", "10.0.0.9"],
  "self.example.com": ["10.0.0.1", "2001:db8::1"],
};
const lookup = (name: string) => Promise.resolve((ADDRESSES[name] ?? []).map(id));
for (const [name, text] of NARROW) {
  Deno.test(`SecretTable.find() gives the secret to nobody else because of ${name}`, async () => {
    const { entries } = await resolveNames(read(text).entries, lookup);
    equal(new SecretTable(entries).find("PSK", id("10.0.0.1"), id("10.0.0.2")), undefined);
  });
}

Deno.test("SecretTable.find() takes a name with two addresses for one index", async () => {
  const { entries } = await resolveNames(read('self.example.com : PSK "x"\n').entries, lookup);
  for (const me of ["10.0.0.1", "2001:db8::1"]) ok(new SecretTable(entries).find("PSK", id(me), id("10.0.0.2")), me);
});

Deno.test("readSecrets() says of a key in an NSS database where it is", () => {
  const name = "0x1a2b3c4d5e";
  const record = formatRsaRecord(KEY, "RSA 512 bits   west   Thu Jan  2 12:41:44 2003")
    .replace(/((?:PrivateExponent|Prime.|Exponent.|Coefficient):) 0x\w+/g, `$1 ${name}`)
    .replace("\t}\n", `\tCKAIDNSS: ${name}\n\t}\n`);
  deepEqual(complaintsOf(record), [
    "5: the private key is not in this file but in an NSS database, which is not read (CKAIDNSS); " +
    "make a new one with: ipsec newhostkey",
  ]);
});

Deno.test("readSecrets() reads a whole key with a CKAIDNSS line", () => {
  const record = formatRsaRecord(KEY, "").replace("\t}\n", "\tCKAIDNSS: 0x1a2b\n\t}\n");
  const { entries, complaints } = read(record);
  deepEqual([entries.length, complaints], [1, []]);
});
