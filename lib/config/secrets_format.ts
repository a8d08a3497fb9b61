/** RSA keys as ipsec.secrets holds them and as ipsec.conf and zone files publish them (config.md §19.6, §20). */
import { encodeRsaPublicKey, modulusBits, type RsaPrivateKey, type RsaPublicKey } from "../crypto/rsa.ts";
import type { Secret } from "../crypto/secret.ts";
import { formatData } from "../text/data.ts";

/** @param date as ctime(3) writes it, without its newline */
export function formatOrigin(key: RsaPublicKey, host: string, date: string): string {
  return `RSA ${modulusBits(key)} bits   ${host}   ${date}`;
}

/** What rsasigkey prints: the lines between the braces, indented, in the order that every reader wants. */
export function formatRsaKey(key: RsaPrivateKey, origin: string): string {
  const hex = (bytes: Uint8Array) => formatData(bytes, "x");
  const secret = (part: Secret) => hex(part.reveal());
  const { publicKey } = key;
  return [
    `# ${origin}`,
    "# for signatures only, UNSAFE FOR ENCRYPTION",
    `#pubkey=${formatData(encodeRsaPublicKey(publicKey), "s")}`,
    `Modulus: ${hex(publicKey.modulus)}`,
    `PublicExponent: ${hex(publicKey.exponent)}`,
    "# everything after this point is secret",
    `PrivateExponent: ${secret(key.privateExponent)}`,
    `Prime1: ${secret(key.prime1)}`,
    `Prime2: ${secret(key.prime2)}`,
    `Exponent1: ${secret(key.exponent1)}`,
    `Exponent2: ${secret(key.exponent2)}`,
    `Coefficient: ${secret(key.coefficient)}`,
  ].map((line) => `\t${line}\n`).join("");
}

/** The whole record for everybody. */
export function formatRsaRecord(key: RsaPrivateKey, origin: string): string {
  return `: RSA\t{\n${formatRsaKey(key, origin)}\t}\n# do not change the indenting of that "}"\n`;
}

/** Longest character string of a TXT record (RFC 1035 §3.3.14). */
const TXT_BYTES = 255;

/** Strings of a TXT record for opportunistic encryption; one where all fits. */
export function splitTxt(gateway: string, key: string): string[] {
  const head = `X-IPsec-Server(10)=${gateway}`;
  if (`${head} ${key}`.length <= TXT_BYTES) return [`${head} ${key}`];
  return [head, ...` ${key}`.match(new RegExp(`.{1,${TXT_BYTES}}`, "g"))!];
}
