/** Makes the transform of an SA from what a PF_KEY message asks for, or says why not. */
import {
  type AeadName,
  AUTHENTICATORS,
  type AuthName,
  type CbcName,
  type CipherName,
  CIPHERS,
  isAead,
} from "../crypto/algorithms.ts";
import type { Provider } from "../crypto/provider.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { SmallBytes } from "../packet/small_bytes.ts";
import { COMP_DEFLATE, SATYPES } from "../pfkey/constants.ts";
import type { KeyExtension } from "../pfkey/message.ts";
import { ok, refuse, type Result } from "../text/result.ts";
import type { Transform } from "./sa.ts";

export interface TransformRequest {
  readonly satype: number;
  readonly auth: number;
  readonly encrypt: number;
  readonly keyAuth: KeyExtension | undefined;
  readonly keyEncrypt: KeyExtension | undefined;
}

export interface TransformDeps {
  readonly provider: Provider;
  readonly memory: PacketMemory;
  /** Where IVs and salts are kept. */
  readonly bytes: SmallBytes;
  random(bytes: Uint8Array<ArrayBuffer>): void;
}

const NO_SALT = new Uint8Array(0);
const DES_CBC = 2, NULL_CIPHER = 11;

export function makeTransform(request: TransformRequest, deps: TransformDeps): Result<Transform> {
  switch (request.satype) {
    case SATYPES.IPIP.number:
      return ok({ kind: "ipip" });
    case SATYPES.COMP.number:
      if (request.encrypt !== COMP_DEFLATE) return refuse(`compression algorithm ${request.encrypt} is unknown`);
      if (request.auth !== 0) return refuse("IPCOMP does not authenticate");
      return ok({ kind: "comp", failures: 0, skip: 0, uncompressedBytes: 0, compressedBytes: 0 });
    case SATYPES.AH.number:
      return makeAh(request, deps);
    case SATYPES.ESP.number:
      return makeEsp(request, deps);
    default:
      return refuse(`SA type ${request.satype} has no transform`);
  }
}

function makeAh({ auth, encrypt, keyAuth }: TransformRequest, { provider, memory }: TransformDeps): Result<Transform> {
  if (encrypt !== 0) return refuse("AH does not encrypt");
  const name = authenticator(auth);
  if (!name) return refuse(`authentication algorithm ${auth} is unknown`);
  const key = checkedKey("authentication", keyAuth, AUTHENTICATORS[name].keyBits);
  if (!key.ok) return key;
  return ok({
    kind: "ah",
    auth: name,
    mac: provider.mac(name, key.value, memory),
    icvBytes: AUTHENTICATORS[name].icvBytes,
  });
}

function makeEsp(request: TransformRequest, { provider, memory, bytes, random }: TransformDeps): Result<Transform> {
  const { auth, encrypt, keyAuth, keyEncrypt } = request;
  if (encrypt === DES_CBC) return refuse("single DES can be broken in hours and is never used");
  if (encrypt === NULL_CIPHER || encrypt === 0) {
    return refuse("ESP without encryption hides nothing; use AH to authenticate");
  }
  const cipher = cipherFor(encrypt, keyEncrypt?.bits ?? 0);
  if (!cipher.ok) return cipher;
  const row = CIPHERS[cipher.value];
  const key = checkedKey("encryption", keyEncrypt, row.keyBits);
  if (!key.ok) return key;
  const iv = bytes.take(row.ivBytes);
  random(iv);
  const common = { kind: "esp", cipher: cipher.value, iv, ivBytes: row.ivBytes, blockBytes: row.blockBytes } as const;
  if (isAead(cipher.value)) {
    if (auth !== 0) return refuse(`${cipher.value} authenticates by itself and takes no other authenticator`);
    const size = key.value.length - row.saltBytes;
    const aead = provider.aead(cipher.value as AeadName, key.value.slice(0, size), memory);
    const salt = bytes.copy(key.value.subarray(size));
    return ok({ ...common, auth: undefined, aead, cbc: undefined, mac: undefined, salt, icvBytes: row.icvBytes });
  }
  const name = authenticator(auth);
  if (!name) {
    return refuse(
      auth === 0
        ? "ESP without authentication lets anyone change what it carries and is refused"
        : `authentication algorithm ${auth} is unknown`,
    );
  }
  const authKey = checkedKey("authentication", keyAuth, AUTHENTICATORS[name].keyBits);
  if (!authKey.ok) return authKey;
  if (cipher.value === "3des" && isDegenerate(key.value)) {
    return refuse("two of the three DES keys are equal, which makes 3DES single DES");
  }
  return ok({
    ...common,
    auth: name,
    aead: undefined,
    cbc: provider.cbc(cipher.value as CbcName, key.value, memory),
    mac: provider.mac(name, authKey.value, memory),
    salt: NO_SALT,
    icvBytes: AUTHENTICATORS[name].icvBytes,
  });
}

function authenticator(number: number): AuthName | undefined {
  return (Object.keys(AUTHENTICATORS) as AuthName[]).find((name) => AUTHENTICATORS[name].pfkey === number);
}

function cipherFor(number: number, bits: number): Result<CipherName> {
  const names = (Object.keys(CIPHERS) as CipherName[]).filter((name) => CIPHERS[name].pfkey === number);
  if (names.length === 0) return refuse(`encryption algorithm ${number} is unknown`);
  const name = names.find((name) => CIPHERS[name].keyBits === bits);
  if (name) return ok(name);
  return refuse(`encryption key has ${bits} bits, needs ${names.map((name) => CIPHERS[name].keyBits).join(" or ")}`);
}

function checkedKey(what: string, key: KeyExtension | undefined, bits: number): Result<Uint8Array> {
  if (!key) return refuse(`${what} key is missing`);
  return key.bits === bits ? ok(key.key) : refuse(`${what} key has ${key.bits} bits, needs ${bits}`);
}

/** Equal neighbours among the three DES keys, parity bits aside. */
function isDegenerate(key: Uint8Array): boolean {
  const same = (a: number, b: number) => {
    let difference = 0;
    for (let i = 0; i < 8; i++) difference |= (key[a + i] ^ key[b + i]) & 0xfe;
    return difference === 0;
  };
  return same(0, 8) || same(8, 16);
}
