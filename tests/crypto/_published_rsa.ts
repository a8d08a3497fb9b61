/**
 * RSA Security's vectors for PKCS #1 v1.5 signatures, as Debian's python3-cryptography-vectors installs them: a text
 * with a heading before each number.
 */

const FILE = "/usr/lib/python3/dist-packages/cryptography_vectors/asymmetric/RSA/pkcs1v15sign-vectors.txt";

export interface PublishedRsaKey {
  readonly bits: number;
  readonly modulus: bigint;
  readonly exponent: bigint;
  readonly prime1: bigint;
  readonly prime2: bigint;
  readonly signed: readonly { readonly message: Uint8Array; readonly signature: Uint8Array }[];
}

export function publishedRsaKeys(): PublishedRsaKey[] {
  const [, ...examples] = Deno.readTextFileSync(FILE).split(/^# Example \d+: (?=A )/m);
  return examples.map((text) => {
    const found = (heading: string) =>
      [...text.matchAll(new RegExp(`^# ${heading}:\\s*\\n((?:[0-9a-f]{2} ?|\\s)+)`, "gm"))]
        .map(([, digits]) => digits.replace(/\s/g, ""));
    const number = (heading: string) => BigInt(`0x${found(heading)[0]}`);
    const messages = found("Message to be signed");
    const signatures = found("Signature");
    return {
      bits: Number(/^A (\d+)-bit/.exec(text)![1]),
      modulus: number("Modulus"),
      exponent: number("Public exponent"),
      prime1: number("Prime 1"),
      prime2: number("Prime 2"),
      signed: messages.map((message, i) => ({
        message: Uint8Array.fromHex(message),
        signature: Uint8Array.fromHex(signatures[i]),
      })),
    };
  });
}
