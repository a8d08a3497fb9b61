import { deepEqual, equal, ok } from "node:assert/strict";
import { formatComplaint } from "../../lib/config/complaint.ts";
import { readSecrets, type SecretEntry } from "../../lib/config/secrets.ts";
import { formatOrigin, formatRsaRecord } from "../../lib/config/secrets_format.ts";
import { formatIdentity } from "../../lib/text/identity.ts";
import { checkRsaKey, rsaKeyFromPrimes } from "../../lib/crypto/rsa.ts";
import { Chance } from "../fuzz/_chance.ts";
import { type Contents, secretFiles } from "./_secret_files.ts";

const FILE = "/etc/ipsec.secrets";
/** 607 bits; the primes of Mersenne with these exponents are 1 modulo 3, which 65537 does not mind. */
const KEY = rsaKeyFromPrimes(2n ** 521n - 1n, 2n ** 127n - 1n, { e: 65537n })!;
const RECORD = formatRsaRecord(KEY, formatOrigin(KEY.publicKey, "xy.example.com", "Thu Jan  2 12:41:44 2003"));

function read(text: string, others: Contents = {}) {
  const { entries, complaints } = readSecrets(FILE, secretFiles({ [FILE]: text, ...others }));
  return {
    entries,
    complaints: complaints.map(formatComplaint),
    said: complaints.map(({ at, message }) => `${at.line}: ${message}`),
  };
}

/** `@a @b: PSK 616263` */
function show({ ids, key }: SecretEntry): string {
  if (key.kind === "XAUTH") return `${key.users.join(" ")}: XAUTH ${key.secret.reveal().toHex()}`;
  const what = key.kind === "PSK"
    ? `PSK ${key.secret.reveal().toHex()}`
    : key.kind === "RSA"
    ? "RSA"
    : `RSA ${key.path} ${
      key.passphrase === undefined ? "-" : key.passphrase === "%prompt" ? "?" : key.passphrase.reveal().toHex()
    }`;
  return `${ids.map(formatIdentity).join(" ")}: ${what}`;
}

const READ: [what: string, text: string, entries: string[]][] = [
  ["a string", '10.0.0.1 10.0.0.2 : PSK "abc"\n', ["10.0.0.1 10.0.0.2: PSK 616263"]],
  ["a string in single quotes, the others being part of it", `: PSK 'a"b'\n`, [": PSK 612262"]],
  ["hexadecimal digits", ": PSK 0x0123_4567\n", [": PSK 01234567"]],
  ["base64", ": PSK 0sYWJj\n", [": PSK 616263"]],
  ["text to the end of the line", ": PSK 0ta b # c  \n", [": PSK 61206220232063"]],
  ["a string that is not ASCII, byte by byte", ': PSK "\xc3\xa0\xff"\n', [": PSK c3a0ff"]],
  ["text that is not ASCII, byte by byte", ": PSK 0t\xc3\xa0\n", [": PSK c3a0"]],
  ["the old form", '@a "abc"\n', ["@a: PSK 616263"]],
  ["the old form with a colon", '@a : "abc"\n', ["@a: PSK 616263"]],
  ["the old form for everybody", '"abc"\n', [": PSK 616263"]],
  ["a colon without a blank before it", '10.0.0.2: PSK "a"\n', ["10.0.0.2: PSK 61"]],
  ["an IPv6 address that ends in colons", '2001:db8:: : PSK "a"\n', ["2001:db8::: PSK 61"]],
  ["keywords in any case", ': psk "a"\n', [": PSK 61"]],
  ["a record over several lines", '@a\n\n# note\n\t@b\n  : PSK\n "a"\n', ["@a @b: PSK 61"]],
  ["a comment after a record", ': PSK "a" # note\n', [": PSK 61"]],
  ["a # within a word", '@a#b : PSK "a"\n', ["@a#b: PSK 61"]],
  ["lines that end in CR LF", '@a : PSK "a"\r\n@b : PSK 0tb\r\n', ["@a: PSK 61", "@b: PSK 62"]],
  ["a last line without an end", ": PSK 0x0123", [": PSK 0123"]],
  ["a byte order mark", '\xef\xbb\xbf@a : PSK "a"\n', ["@a: PSK 61"]],
  ["lines of any length", `: PSK 0x${"61".repeat(5000)}\n`, [`: PSK ${"61".repeat(5000)}`]],
  ["wildcards, names and addresses", '%any %any6 a.example u@b.example @#0AFF @~3000 C=CA,CN=x @CN=y : PSK "a"\n', [
    "%any %any6 a.example u@b.example @#0aff @~3000 C=CA,CN=x CN=y: PSK 61",
  ]],
  ["an RSA key", RECORD, [": RSA"]],
  ["an RSA key in capitals and without colons", RECORD.replace(/(\w+): 0x/g, (_, name) => `${name.toUpperCase()} 0x`), [
    ": RSA",
  ]],
  ["an RSA key with colons apart", RECORD.replace(/(\w+): 0x/g, "$1 : 0x"), [": RSA"]],
  ["the name of a key file", '@a : RSA west.pem "pass word"\n', ["@a: RSA west.pem 7061737320776f7264"]],
  ["the name of a key file in quotes", ': RSA "a b.pem"\n', [": RSA a b.pem -"]],
  ["a key file with a prompt", ": RSA /k.pem %PROMPT\n", [": RSA /k.pem ?"]],
  ["a password", '@joe : XAUTH "x"\n', ["joe: XAUTH 78"]],
  ["a password of a user with another's form of name", "1234 joe@there %x : xauth 0x00ff\n", [
    "1234 joe@there %x: XAUTH 00ff",
  ]],
  ["a password of any user", ": XAUTH 'x'\n", [": XAUTH 78"]],
  ["a file without records", "# nothing\n\n", []],
  ["an empty file", "", []],
];
for (const [what, text, entries] of READ) {
  Deno.test(`readSecrets() reads ${what}`, () => {
    const { entries: found, complaints } = read(text);
    deepEqual([found.map(show), complaints], [entries, []]);
  });
}

Deno.test("readSecrets() gives every part of an RSA key, and the comment that says whence it is", () => {
  const [{ key, at }] = read(`# note\n@west ${RECORD}`).entries;
  ok(key.kind === "RSA");
  equal(key.origin, "RSA 648 bits   xy.example.com   Thu Jan  2 12:41:44 2003");
  deepEqual(at, { file: FILE, line: 2 });
  deepEqual(checkRsaKey(key.key), []);
  deepEqual(key.key.publicKey, KEY.publicKey);
  ok(key.key.coefficient.equals(KEY.coefficient));
});

Deno.test("readSecrets() finds the comment of a key beside its brace", () => {
  const [{ key }] = read(RECORD.replace(/\{\n\t#.*\n/, "{\t# RSA 648 bits   xy   Thu Jan\n")).entries;
  ok(key.kind === "RSA");
  equal(key.origin, "RSA 648 bits   xy   Thu Jan");
});

const without = (line: RegExp) => RECORD.replace(line, "");
const other = (name: string, value: string) => RECORD.replace(new RegExp(`${name}: \\S+`), `${name}: ${value}`);
const REFUSED: [what: string, text: string, said: string[]][] = [
  ["an indented start", '  @a : PSK "a"\n', ["1: file starts with indentation (continuation notation)"]],
  ["a string without end", ': PSK "a\n', ["1: unterminated string"]],
  ["a record without key", "@a @b\n", ["1: unexpected end of id list"]],
  ["a colon without key", "@a :\n", ["1: unexpected end of id list"]],
  ["a colon stuck to the keyword", '@a :PSK "x"\n', ['1: a blank must stand after the colon in ":PSK"']],
  ["a colon stuck to both sides", '@a:PSK "x"\n', ['1: a blank must stand after the colon in "@a:PSK"']],
  ["PSK without data", "@a\n : PSK\n", ["2: unexpected end of record in PSK"]],
  ["data without prefix", ": PSK hushhush\n", [
    "1: PSK data malformed (input does not begin with format prefix): (not shown)",
  ]],
  ["data of half a byte", ": PSK 0x123\n", [
    "1: PSK data malformed (input ends in mid-byte, perhaps truncated): (not shown)",
  ]],
  ["a password that is empty", 'joe : XAUTH ""\n', [
    "1: XAUTH data malformed (no data bytes specified by input): an empty string",
  ]],
  ["more after a password", 'joe : XAUTH "a" b\n', ["1: expected record boundary in key"]],
  ["an empty string", ': PSK ""\n', ["1: PSK data malformed (no data bytes specified by input): an empty string"]],
  ["more after a PSK", ': PSK "a"\n b\n', ["2: expected record boundary in key"]],
  ["a word that is no kind", ": hushhush\n", [
    "1: unrecognized key format: (not shown); PSK, RSA or XAUTH must stand here, with a blank after it",
  ]],
  ["a kind of other programs", ": ECDSA x\n", [
    "1: unrecognized key format: ECDSA; PSK, RSA or XAUTH must stand here, with a blank after it",
  ]],
  ["a smart card", ": PIN %smartcard1:45 1234\n", [
    "1: Smartcard not supported: put the key into a file, or between braces after RSA",
  ]],
  ["PIN without card", ": PIN 1234\n", ["1: PIN keyword must be followed by %smartcard<reader>:<id>"]],
  ["PIN without number", ": PIN %smartcard\n", ["1: PIN statement must be terminated either by <pin code> or %prompt"]],
  ["RSA alone", ": RSA\n", ["1: bad RSA key syntax"]],
  ["RSA with a number", ": RSA 0x1234\n", ["1: bad RSA key syntax"]],
  ["more after a passphrase", ': RSA a.pem "b" c\n', ["1: RSA private key file -- unexpected token after passphrase"]],
  ["an open RSA key", ": RSA {\n", ["1: premature end of RSA key"]],
  ["an RSA key without data", ": RSA {\n Modulus:\n", ["2: premature end of RSA key"]],
  ["a field left out", without(/\tPrime1.*\n/), [
    "9: Prime1 keyword not found where expected in RSA key",
  ]],
  ["a brace in column 1", RECORD.replace("\t}", "}"), [
    "13: malformed end of RSA private key -- indented '}' required",
    "14: a '}' in column 1 ends no key: indent it",
  ]],
  ["more after the brace", RECORD.replace("\t}", "\t} x"), [
    "14: malformed end of RSA private key -- unexpected token after '}'",
  ]],
  ["an RSA number of two kinds of errors", other("Prime1", "hushhush").replace(/Prime2: 0x/, "Prime2: 0xz"), [
    "9: RSA data malformed (input does not begin with format prefix): Prime1 (not shown)",
    "10: RSA data malformed (unknown character (`z') in input): Prime2 (not shown)",
  ]],
  ["a small modulus", other("Modulus", "0x0123"), ["5: RSA modulus too small for security: less than 512 bits"]],
  ["a large modulus", other("Modulus", `0x${"ff".repeat(1025)}`), ["5: RSA modulus too large: more than 8192 bits"]],
  ["a large exponent", other("PublicExponent", `0x${"ff".repeat(1025)}`), ["6: public key takes too many bytes"]],
  ["a large prime", other("Prime1", `0x${"ff".repeat(1025)}`), ["9: Prime1 is larger than any modulus"]],
  ["a modulus that is another's", RECORD.replace(/Modulus: 0x../, "Modulus: 0x7f"), ["5: n != p * q"]],
  ["exponents of zero", other("Exponent1", "0x00").replace(/Exponent2: \S+/, "Exponent2: 0x00"), [
    "5: dP is not congruent to d mod (p-1)",
    "5: dQ is not congruent to d mod (q-1)",
  ]],
  ["include alone", "include\n", ["1: unexpected end of include directive"]],
  ["include with two names", "include a b\n", [
    "1: ignoring malformed INCLUDE -- expected Record Boundary after filename",
  ]],
  ["include of what is not there", "\n\ninclude /no/*.secrets\n", ['3: no secrets filename matched "/no/*.secrets"']],
  ["include of a missing file", "include gone\n", [
    '1: problem with secrets file "/etc/gone": No such file or directory',
  ]],
  ["entries whose indices are all wrong, lest they be everybody's", '10.0.0.256 : PSK "a"\n', [
    '1: index "10.0.0.256" byte overflow in dotted-decimal address',
    "1: no index of this entry can be used, so it is left out",
  ]],
];
for (const [what, text, said] of REFUSED) {
  Deno.test(`readSecrets() refuses ${what}`, () => {
    const { entries, said: found } = read(text);
    deepEqual([entries.map(show), found], [[], said]);
  });
}

Deno.test("readSecrets() tells all complaints of all files in one run, and reads what is sound", () => {
  const { entries, complaints } = read(
    '@a : PSK hushhush\n@b "b"\ninclude more\n@c\n@x=1 @d : PSK "d"\n',
    { "/etc/more": '\n@e : PIN\n@f : PSK "f"\n' },
  );
  deepEqual(entries.map(show), ["@b: PSK 62", "@f: PSK 66", "@d: PSK 64"]);
  deepEqual(complaints, [
    `${FILE}:1: PSK data malformed (input does not begin with format prefix): (not shown)`,
    `${FILE}:4: unexpected end of id list`,
    `${FILE}:5: index (not shown) unknown OID in ID_DER_ASN1_DN`,
    "/etc/more:2: PIN keyword must be followed by %smartcard<reader>:<id>",
  ]);
});

Deno.test("readSecrets() warns of 0.0.0.0, which is no wildcard, and keeps it", () => {
  const { entries, complaints } = read('0.0.0.0 @a : PSK "a"\n');
  deepEqual(entries.map(show), ["0.0.0.0 @a: PSK 61"]);
  deepEqual(complaints, [`${FILE}:1: warning: 0.0.0.0 stands for a peer without identity; for any peer write %any`]);
});

Deno.test("readSecrets() follows includes by pattern, beside the file that includes", () => {
  const { entries, complaints } = read("INCLUDE d/*.secrets\n", {
    "/etc/d/b.secrets": "include ../e\n",
    "/etc/d/a.secrets": '"a"\n',
    "/etc/d/c.other": '"c"\n',
    "/etc/d/../e": '"e"\n',
  });
  deepEqual([entries.map(show), complaints], [[": PSK 61", ": PSK 65"], []]);
});

Deno.test("readSecrets() reads ten levels of includes, and no more", () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 12; i++) files[`/etc/${i}`] = `include ${i + 1}\n: PSK 0x${i.toString(16).padStart(2, "0")}\n`;
  const { entries, complaints } = read("include 0\n", files);
  deepEqual(entries.map(show), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((i) => `: PSK 0${i}`));
  deepEqual(complaints, ['/etc/9:1: preshared secrets file "/etc/10" nested too deeply']);
});

Deno.test("readSecrets() leaves out a file that includes itself", () => {
  const { entries, complaints } = read(`include ipsec.*\n"a"\n`);
  deepEqual(entries.map(show), [": PSK 61"]);
  deepEqual(complaints, [`${FILE}:1: "${FILE}" includes itself: this include is left out`]);
});

Deno.test("readSecrets() ends where many files include each other", () => {
  const files = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`/etc/x${i}`, "include x*\n"]));
  const { complaints } = read("include x*\n", files);
  ok(complaints.some((said) => said.endsWith("more than 1000 files are included")));
});

for (const mode of [0o644, 0o640, 0o604, 0o660, 0o602, 0o100644]) {
  Deno.test(`readSecrets() refuses a file with mode ${mode.toString(8)} and says what to do`, () => {
    const { entries, complaints } = readSecrets(FILE, secretFiles({ [FILE]: { text: '"a"\n', mode } }));
    const shown = `0${(mode & 0o777).toString(8)}`;
    deepEqual([entries, complaints.map(formatComplaint)], [[], [
      `${FILE}: not read: with mode ${shown} others can read or change the secrets; run: chmod 600 ${FILE}`,
    ]]);
  });
}
for (const mode of [0o600, 0o400, 0o700, 0o100600]) {
  Deno.test(`readSecrets() reads a file with mode ${mode.toString(8)}`, () => {
    equal(readSecrets(FILE, secretFiles({ [FILE]: { text: '"a"\n', mode } })).entries.length, 1);
  });
}

Deno.test("what readSecrets() gives prints without secrets", () => {
  const text = Deno.inspect(read(`"hush"\n: RSA a "hush"\n${RECORD}`), { depth: 9 });
  ok(!text.includes("hush") && text.includes("<secret, 4 bytes>"));
});

const PIECES = [
  " ",
  "\t",
  "\n",
  "\r",
  ":",
  "{",
  "}",
  '"',
  "'",
  "#",
  "include ",
  "*",
  "PSK",
  "RSA",
  "PIN",
  "0x",
  "0s",
  "0t",
  "@",
  "::",
  "=",
  ",",
  "\0",
  "\xff",
  "Modulus",
  "0x00",
  "%any",
  "ipsec.*",
];
const SAMPLE =
  `10.0.0.1 %any : PSK "abc"\n@a\n C=CA,CN=x : RSA a.pem "b"\ninclude m*\n2001:db8:: : PSK 0sYWJj\n${RECORD}`;

Deno.test("readSecrets() of a spoilt file gives entries and complaints with their lines, never a throw", () => {
  const chance = new Chance(20261124);
  for (let round = 0; round < 2000; round++) {
    let text = SAMPLE;
    for (let n = 1 + chance.below(6); n > 0; n--) {
      const from = chance.below(text.length), to = chance.oneIn(2) ? from : from + chance.below(80);
      const piece = chance.oneIn(5) ? text.slice(to, to + chance.below(200)) : chance.pick(PIECES);
      text = text.slice(0, from) + piece + text.slice(to);
    }
    const { entries, complaints } = readSecrets(FILE, secretFiles({ [FILE]: text, "/etc/more": text }));
    const lines = text.split("\n").length;
    for (const { at } of [...entries, ...complaints]) ok(at.line > 0 && at.line <= lines, JSON.stringify(text));
  }
});

Deno.test("formatRsaRecord() writes what readSecrets() reads, again and again the same", () => {
  const [{ key }] = read(RECORD).entries;
  ok(key.kind === "RSA");
  equal(formatRsaRecord(key.key, key.origin), RECORD);
});
