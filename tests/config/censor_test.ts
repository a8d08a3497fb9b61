import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { censorKey } from "../../lib/config/key_censor.ts";
import { SecretCensor } from "../../lib/config/secret_censor.ts";
import { formatOrigin, formatRsaKey, formatRsaRecord } from "../../lib/config/secrets_format.ts";
import { encodeRsaPublicKey, rsaKeyFromPrimes, rsaKeyId } from "../../lib/crypto/rsa.ts";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";
import { textSum } from "../../lib/crypto/text_sum.ts";

/** As barf of FreeS/WAN showed the comment behind every key. */
Deno.test('textSum() of "}" is 7d9d', () => equal(textSum("}"), "7d9d"));

const KEYS: [line: string, shown: string][] = [
  ["\tleftrsasigkey=0sAQNzGEFs1xyz", "\tleftrsasigkey=[keyid AQNzGEFs1]"],
  ["\trightrsasigkey2=0sAQNzGEFs1xyz", "\trightrsasigkey2=[keyid AQNzGEFs1]"],
  ["\tleftrsasigkey=0x0103abcd", `\tleftrsasigkey=[sums to ${textSum("0x0103abcd")}...]`],
  ["\tespenckey=0x12ab # old", `\tespenckey=[sums to ${textSum("0x12ab")}...]`],
  ["\tespauthkey = 0x12ab", `\tespauthkey = [sums to ${textSum("0x12ab")}...]`],
  ["\tahkey=0x12ab", `\tahkey=[sums to ${textSum("0x12ab")}...]`],
  ["\tLeftAHkey=0x12ab", `\tLeftAHkey=[sums to ${textSum("0x12ab")}...]`],
  ["\tespenckey=0sAQNzGEFs1xyz", `\tespenckey=[sums to ${textSum("0sAQNzGEFs1xyz")}...]`],
  ["#\tespenckey=0x12ab", `#\tespenckey=[sums to ${textSum("0x12ab")}...]`],
  ["\tauthkey=it's", "\tauthkey=[cannot be condensed]"],
];
for (const [line, shown] of KEYS) {
  Deno.test(`censorKey() condenses "${line.trim()}"`, () => equal(censorKey(line), shown));
}

for (const line of ["\tleftrsasigkey=%dnsondemand", "\trekey=no", "\tkeylife=8h", "\tleftrsasigkey=", "# a key", ""]) {
  Deno.test(`censorKey() leaves "${line.trim()}"`, () => equal(censorKey(line), line));
}

function censor(text: string): string {
  const censor = new SecretCensor();
  return text.split("\n").map((line) => censor.line(line)).join("\n");
}

const KEY = rsaKeyFromPrimes(2n ** 521n - 1n, 2n ** 127n - 1n, { e: 65537n })!;
const ORIGIN = formatOrigin(KEY.publicKey, "xy.example.com", "Thu Jan  2 12:41:44 2003");

Deno.test("SecretCensor shows of an RSA key its comments and its key id", () => {
  const fields = [
    "Modulus",
    "PublicExponent",
    "# everything after this point is secret",
    "PrivateExponent",
    "Prime1",
    "Prime2",
    "Exponent1",
    "Exponent2",
    "Coefficient",
  ].map((one) => one.startsWith("#") ? `\t${one}\n` : `\t${one}: [...]\n`);
  equal(
    censor(formatRsaRecord(KEY, ORIGIN)),
    `: RSA\t{\n\t# ${ORIGIN}\n\t# for signatures only, UNSAFE FOR ENCRYPTION\n` +
      `\t#pubkey=[keyid ${rsaKeyId(KEY.publicKey)}]\n${fields.join("")}\t}\n` +
      '# do not change the indenting of that "[sums to 7d9d...]"\n',
  );
});

const sum = (text: string) => `[sums to ${textSum(text)}...]`;
const PUBLIC = `0s${encodeRsaPublicKey(KEY.publicKey).toBase64()}`;
const SECRETS: [what: string, text: string, shown: string][] = [
  ["a string", '10.0.0.1 10.0.0.2 : PSK "secret"', `10.0.0.1 10.0.0.2 : PSK "${sum("secret")}"`],
  ["a string in single quotes", "@a: PSK 'secret'", `@a: PSK '${sum("secret")}'`],
  ["a string with an apostrophe", `: PSK "it's"`, ': PSK "[cannot be summed]"'],
  ["a second string", ': PSK "secret" "more"', `: PSK "${sum("secret")}" "${sum("more")}"`],
  ["the old form", '@a "secret"', `@a "${sum("secret")}"`],
  ["a string without end", ': PSK "secret and more', ': PSK "[cannot be summed]"'],
  ["a public key in quotes", `: PSK "${PUBLIC}"`, `: PSK "[keyid ${PUBLIC.slice(2, 11)}]"`],
  ["a string that begins like one", ': PSK "0sAQOF8tZ2NZt"', `: PSK "${sum("0sAQOF8tZ2NZt")}"`],
  ["an empty string", ': PSK ""', ': PSK ""'],
  ["data without quotes", "@a : PSK 0xdeadbeef", `@a : PSK ${sum("0xdeadbeef")}`],
  ["text to the end of the line", "@a : PSK 0tmy own # one", `@a : PSK ${sum("0tmy own # one")}`],
  ["data in a line of its own", ": PSK\n\t0sc2VjcmV0", `: PSK\n\t${sum("0sc2VjcmV0")}`],
  ["a secret without PSK", "@a : secret", "@a : [...]"],
  ["a secret stuck to the colon", "@a :secret", "@a :[...]"],
  ["a string stuck to the colon", '@a :"my secret"', `@a :"${sum("my secret")}"`],
  ["a secret after a colon without blank", "@a:PSK secret", `@a:PSK ${sum("secret")}`],
  ["a secret without colon", "@a PSK secret", `@a PSK ${sum("secret")}`],
  ["a passphrase", ": RSA west.pem secret", ": RSA west.pem [...]"],
  ["a number at the left margin", "Prime1: 0xdeadbeef", "Prime1: [...]"],
  ["a number in the line after its name", ": RSA {\n\tPrime1:\n\t 0xdeadbeef", ": RSA {\n\tPrime1:\n\t [...]"],
  [
    "what a broken line leaves at the margin",
    "dd3cf8a2dd3cf8a2dd\n\tPrime2: 0x12",
    `${sum("dd3cf8a2dd3cf8a2dd")}\n\tPrime2: [...]`,
  ],
  ["a PIN", ": PIN %smartcard1:50 1234", ": PIN %smartcard1:50 [...]"],
  ["a password", "user : XAUTH secret", "user : XAUTH [...]"],
  ["a password in quotes, without its sum", '@joe : XAUTH "secret"', '@joe : XAUTH "[...]"'],
  ["a record in a comment", '#@a : PSK secret "more"', `#@a : PSK ${sum("secret")} "${sum("more")}"`],
  ["data in a comment", '@a "x" # was 0xdeadbeef', `@a "${sum("x")}" # was [...]`],
  ["an old public key", "\t#IN KEY 0x4200 4 1 AQOF8tZ2NZt", "\t#IN KEY 0x4200 4 1 [keyid AQOF8tZ2N]"],
  ["a public key in hexadecimal", "\t#pubkey=0x0103ab", `\t#pubkey=${sum("0x0103ab")}`],
];
for (const [what, text, shown] of SECRETS) {
  Deno.test(`SecretCensor hides ${what}`, () => equal(censor(text), shown));
}

const SHOWN = [
  "10.0.0.1 2001:db8:: ::1 %any @a.example user@b.example C=CA,CN=west :",
  "include /etc/ipsec.d/*.secrets",
  ": RSA west.pem %prompt",
  "# two gateways, since Thu Jan  2 12:41:44 2003",
  "",
];
for (const text of SHOWN) Deno.test(`SecretCensor leaves "${text}"`, () => equal(censor(text), text));

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const OTHER = generateRsaKey({ bits: 512, seed: random, random });
const PIECES = [OTHER.prime2, OTHER.privateExponent, OTHER.coefficient].flatMap((secret) => {
  const hex = secret.reveal().toHex();
  return Array.from({ length: hex.length - 25 }, (_, i) => hex.slice(i, i + 26));
});
const SAMPLE = formatRsaKey(OTHER, ORIGIN);

Deno.test("SecretCensor hides the numbers of a key wherever its lines are broken, indented or not", () => {
  const cut = fc.record({
    at: fc.nat(SAMPLE.length),
    text: fc.constantFrom("\n", "\n\t", "\r\n", " ", "\t", ":", "{", "}", "#", "\n#"),
  }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.constantFrom(": RSA {\n", ":RSA{\n", ""), fc.array(cut, { maxLength: 3 }), (head, cuts) => {
      const text = cuts.reduce((old, { at, text }) => old.slice(0, at) + text + old.slice(at), SAMPLE);
      const shown = censor(head + text);
      equal(PIECES.find((piece) => shown.includes(piece)), undefined);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("SecretCensor gives every line a line", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
    const shown = censor(text);
    equal(shown.split("\n").length, text.split("\n").length);
    ok(shown.length <= 40 * (text.length + 1));
  }));
  deepEqual(censor("a\n\nb\n"), "a\n\nb\n");
});
