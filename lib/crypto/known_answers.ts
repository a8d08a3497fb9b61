/**
 * One published answer per algorithm: a provider is used only if it gives them all. Everything is hexadecimal; the text
 * of an AEAD ends with its tag.
 */
import { PacketMemory } from "../packet/memory.ts";
import { type AeadName, AUTHENTICATORS, type AuthName, type CbcName } from "./algorithms.ts";
import { equalBytes } from "./constant_time.ts";
import type { Provider } from "./provider.ts";

export interface CbcAnswer {
  readonly key: string;
  readonly iv: string;
  readonly plain: string;
  readonly sealed: string;
}

export interface AeadAnswer {
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  readonly plain: string;
  readonly sealed: string;
}

export interface MacAnswer {
  readonly key: string;
  readonly data: string;
  readonly icv: string;
}

// NIST SP 800-38A F.2: one IV and text for all key lengths.
const SP800_38A = {
  iv: "000102030405060708090a0b0c0d0e0f",
  plain: "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
};

export const CBC_ANSWERS: Readonly<Record<CbcName, CbcAnswer>> = {
  // NIST CAVP, TDES multi-block message test in CBC mode, three keys, encryption 2
  "3des": {
    key: "1a5d4c0825072a15a8ad9dfdaeda8c048adffb85bc4fced0",
    iv: "7fcfa736f7548b6f",
    plain: "983c3edacd939406010e1bc6ff9e12320ac5008117fa8f84",
    sealed: "d84fa24f38cf451ca2c9adc960120bd8ff9871584fe31cee",
  },
  // RFC 3602 §4, case 2
  aes128: {
    key: "c286696d887c9aa0611bbb3e2025a45a",
    iv: "562e17996d093d28ddb3ba695a2e6f58",
    plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    sealed: "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1",
  },
  aes192: {
    ...SP800_38A,
    key: "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    sealed: "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a" +
      "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
  },
  aes256: {
    ...SP800_38A,
    key: "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
    sealed: "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d" +
      "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
  },
};

// The Galois/Counter Mode of Operation (McGrew, Viega), appendix B, test cases 4 and 16.
const GCM_SPECIFICATION = {
  nonce: "cafebabefacedbaddecaf888",
  aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
  plain: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
};

export const AEAD_ANSWERS: Readonly<Record<AeadName, AeadAnswer>> = {
  aes128gcm16: {
    ...GCM_SPECIFICATION,
    key: "feffe9928665731c6d6a8f9467308308",
    sealed: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
      "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
  },
  aes256gcm16: {
    ...GCM_SPECIFICATION,
    key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
  },
  // RFC 7634 appendix A: an ICMP echo in ESP
  chacha20poly1305: {
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    nonce: "a0a1a2a31011121314151617",
    aad: "0102030400000005",
    plain: "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10" +
      "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223" +
      "2425262728292a2b2c2d2e2f303132333435363701020204",
    sealed: "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6" +
      "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3" +
      "cbec163fac469b502773f6fb94e664da9165b82829f641e076aaa8266b7fb0f7b11b369907e1ad43",
  },
};

const HI_THERE = "4869205468657265";

export const MAC_ANSWERS: Readonly<Record<AuthName, MacAnswer>> = {
  // RFC 2202 §2 and §3, case 1, cut to 96 bits by RFC 2403 and RFC 2404
  "md5-96": { key: "0b".repeat(16), data: HI_THERE, icv: "9294727a3638bb1c13f48ef8" },
  "sha1-96": { key: "0b".repeat(20), data: HI_THERE, icv: "b617318655057264e28bc0b6" },
  // RFC 4868 §2.7.2: AUTH256-1, AUTH384-1, AUTH512-1
  "sha2_256-128": { key: "0b".repeat(32), data: HI_THERE, icv: "198a607eb44bfbc69903a0f1cf2bbdc5" },
  "sha2_384-192": { key: "0b".repeat(48), data: HI_THERE, icv: "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973" },
  "sha2_512-256": {
    key: "0b".repeat(64),
    data: HI_THERE,
    icv: "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8",
  },
};

/** Offsets of the check; the text stands at an odd one. */
const IV = 8;
const AAD = 32;
const TEXT = 101;
const MEMORY_BYTES = 512;

/**
 * @throws {Error} naming the first algorithm that `provider` lacks or gets wrong
 */
export function checkProvider(provider: Provider): void {
  const memory = new PacketMemory(MEMORY_BYTES);
  for (const [name, answer] of rows(CBC_ANSWERS)) {
    check(provider, name, () => cbcIsRight(provider, name, answer, memory));
  }
  for (const [name, answer] of rows(AEAD_ANSWERS)) {
    check(provider, name, () => aeadIsRight(provider, name, answer, memory));
  }
  for (const [name, answer] of rows(MAC_ANSWERS)) {
    check(provider, name, () => macIsRight(provider, name, answer, memory));
  }
}

function rows<Name extends string, Row>(table: Readonly<Record<Name, Row>>): [Name, Row][] {
  return Object.entries(table) as [Name, Row][];
}

function check(provider: Provider, algorithm: string, isRight: () => boolean): void {
  let right: boolean;
  try {
    right = isRight();
  } catch (cause) {
    throw new Error(`Cannot use ${provider.name}: ${algorithm} fails (${reason(cause)})`, { cause });
  }
  if (!right) throw new Error(`Cannot use ${provider.name}: ${algorithm} gives a wrong result for the known answer`);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function cbcIsRight(provider: Provider, name: CbcName, answer: CbcAnswer, memory: PacketMemory): boolean {
  const { bytes } = memory;
  const plain = Uint8Array.fromHex(answer.plain);
  const cbc = provider.cbc(name, Uint8Array.fromHex(answer.key), memory);
  bytes.set(Uint8Array.fromHex(answer.iv), IV);
  bytes.set(plain, TEXT);
  cbc.encrypt(IV, TEXT, plain.length);
  const encrypted = bytes.slice(TEXT, TEXT + plain.length);
  cbc.decrypt(IV, TEXT, plain.length);
  cbc.wipe();
  return equalBytes(encrypted, Uint8Array.fromHex(answer.sealed)) &&
    equalBytes(bytes.subarray(TEXT, TEXT + plain.length), plain);
}

function aeadIsRight(provider: Provider, name: AeadName, answer: AeadAnswer, memory: PacketMemory): boolean {
  const { bytes } = memory;
  const plain = Uint8Array.fromHex(answer.plain);
  const aad = Uint8Array.fromHex(answer.aad);
  const sealed = Uint8Array.fromHex(answer.sealed);
  const aead = provider.aead(name, Uint8Array.fromHex(answer.key), memory);
  bytes.set(Uint8Array.fromHex(answer.nonce), IV);
  bytes.set(aad, AAD);
  bytes.set(plain, TEXT);
  aead.seal(IV, AAD, aad.length, TEXT, plain.length);
  const sealsRight = equalBytes(bytes.subarray(TEXT, TEXT + sealed.length), sealed);
  const opensRight = aead.open(IV, AAD, aad.length, TEXT, plain.length) &&
    equalBytes(bytes.subarray(TEXT, TEXT + plain.length), plain);
  bytes.set(sealed, TEXT);
  bytes[TEXT + sealed.length - 1] ^= 1;
  const opensForged = aead.open(IV, AAD, aad.length, TEXT, plain.length);
  aead.wipe();
  return sealsRight && opensRight && !opensForged;
}

function macIsRight(provider: Provider, name: AuthName, answer: MacAnswer, memory: PacketMemory): boolean {
  const { bytes } = memory;
  const data = Uint8Array.fromHex(answer.data);
  const icv = Uint8Array.fromHex(answer.icv);
  const mac = provider.mac(name, Uint8Array.fromHex(answer.key), memory);
  const end = TEXT + data.length;
  bytes.set(data, TEXT);
  mac.sign(TEXT, data.length, end);
  const signsRight = icv.length === AUTHENTICATORS[name].icvBytes &&
    equalBytes(bytes.subarray(end, end + icv.length), icv);
  const verifies = mac.verify(TEXT, data.length, end);
  bytes[end + icv.length - 1] ^= 1;
  const verifiesForged = mac.verify(TEXT, data.length, end);
  mac.wipe();
  return signsRight && verifies && !verifiesForged;
}
