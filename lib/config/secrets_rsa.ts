/** The RSA private key of a record in ipsec.secrets: eight numbers between braces (config.md §19.6). */
import { bitLength, bytesToNumber } from "../crypto/big_number.ts";
import { checkRsaKey, refuseSize, RSA_BITS, type RsaPrivateKey, withoutZeroes } from "../crypto/rsa.ts";
import { Secret } from "../crypto/secret.ts";
import { parseData } from "../text/data.ts";
import type { Word } from "./secrets_lexer.ts";

/** In this order, all of them. */
export const RSA_FIELDS = [
  "Modulus",
  "PublicExponent",
  "PrivateExponent",
  "Prime1",
  "Prime2",
  "Exponent1",
  "Exponent2",
  "Coefficient",
] as const;
type Field = typeof RSA_FIELDS[number];

/** Openswan and libreswan name the key in an NSS database; the numbers from PrivateExponent on may then be that name. */
const NSS_FIELD = "CKAIDNSS";

const MOST_BYTES = RSA_BITS.most / 8;

/** Says what is wrong in the line of `word`, or at the end of the record. */
export type Refuse = (message: string, word?: Word) => void;

/**
 * @param words what follows the opening brace
 * @returns undefined after complaints
 */
export function parseRsaKey(words: readonly Word[], refuse: Refuse): RsaPrivateKey | undefined {
  const values = new Map<Field, Uint8Array<ArrayBuffer>>();
  let at = 0, sound = true;
  const complain: Refuse = (message, word) => {
    sound = false;
    refuse(message, word);
  };
  for (const field of RSA_FIELDS) {
    const name = words[at++];
    if (!name) return void refuse("premature end of RSA key");
    if (name.quoted || name.text.toLowerCase() !== field.toLowerCase()) {
      return void refuse(`${field} keyword not found where expected in RSA key`, name);
    }
    if (words[at]?.text === ":" && !words[at].quoted) at++;
    const number = words[at++];
    if (!number) return void refuse("premature end of RSA key", name);
    // The word may be secret: it is not shown, unlike FreeS/WAN's.
    const data = parseData(number.text, 0);
    if (!data.ok) complain(`RSA data malformed (${data.error}): ${field} (not shown)`, number);
    else {
      const bytes = withoutZeroes(data.value);
      if (bytes.length > MOST_BYTES) complain(sizeComplaint(field), number);
      values.set(field, bytes);
    }
  }
  const isNss = words[at]?.text.toLowerCase() === NSS_FIELD.toLowerCase() && !words[at].quoted;
  if (isNss) at += words[at + 1]?.text === ":" && !words[at + 1].quoted ? 3 : 2;
  const end = words[at++];
  if (end?.text !== "}" || end.quoted) {
    return void refuse("malformed end of RSA private key -- indented '}' required", end ?? words[at - 2]);
  }
  if (words[at]) return void refuse("malformed end of RSA private key -- unexpected token after '}'", words[at]);
  return sound ? checkedKey(values, { first: words[0], isNss }, refuse) : undefined;
}

function sizeComplaint(field: Field): string {
  if (field === "Modulus") return `RSA modulus too large: more than ${RSA_BITS.most} bits`;
  return field === "PublicExponent" ? "public key takes too many bytes" : `${field} is larger than any modulus`;
}

const NOT_HERE = `the private key is not in this file but in an NSS database, which is not read (${NSS_FIELD}); ` +
  "make a new one with: ipsec newhostkey";

function checkedKey(
  values: ReadonlyMap<Field, Uint8Array<ArrayBuffer>>,
  { first, isNss }: { first: Word; isNss: boolean },
  refuse: Refuse,
): RsaPrivateKey | undefined {
  const secret = (field: Field) => new Secret(values.get(field)!);
  const modulus = values.get("Modulus")!;
  const key: RsaPrivateKey = {
    publicKey: { modulus, exponent: values.get("PublicExponent")! },
    privateExponent: secret("PrivateExponent"),
    prime1: secret("Prime1"),
    prime2: secret("Prime2"),
    exponent1: secret("Exponent1"),
    exponent2: secret("Exponent2"),
    coefficient: secret("Coefficient"),
  };
  const size = refuseSize(bitLength(bytesToNumber(modulus)));
  const wrong = size ? [size] : checkRsaKey(key);
  const complaints = isNss && wrong.length ? [NOT_HERE] : wrong;
  for (const complaint of complaints) refuse(complaint, first);
  return complaints.length ? undefined : key;
}
