/**
 * OpenSSL's libcrypto, 3.x or 1.1: one context per SA, keyed once; per packet only the IV changes.
 *
 * Addresses are plain numbers (`u64`), so that no pointer object is made per call. HMAC is HMAC_Init_ex without a key:
 * with OpenSSL 3.0 and 1408 bytes of SHA-1 that takes 1.08 us and 0.7 KB per SA, copying two keyed digest contexts
 * 1.28 us (bench/crypto_bench.ts).
 */
import { type AeadName, AUTHENTICATORS, type AuthName, type CbcName, CIPHERS } from "../crypto/algorithms.ts";
import { checkAuthKey, checkBlocks, checkCipherKey, checkRange } from "../crypto/checks.ts";
import { equalAt } from "../crypto/constant_time.ts";
import type { Aead, Cbc, Mac, Provider } from "../crypto/provider.ts";
import type { PacketMemory } from "../packet/memory.ts";

const SYMBOLS = {
  OpenSSL_version: { parameters: ["i32"], result: "pointer" },
  EVP_get_cipherbyname: { parameters: ["buffer"], result: "u64" },
  EVP_get_digestbyname: { parameters: ["buffer"], result: "u64" },
  EVP_CIPHER_CTX_new: { parameters: [], result: "u64" },
  EVP_CIPHER_CTX_free: { parameters: ["u64"], result: "void" },
  EVP_CIPHER_CTX_set_padding: { parameters: ["u64", "i32"], result: "i32" },
  EVP_CIPHER_CTX_ctrl: { parameters: ["u64", "i32", "i32", "u64"], result: "i32" },
  EVP_CipherInit_ex: { parameters: ["u64", "u64", "u64", "u64", "u64", "i32"], result: "i32" },
  EVP_CipherUpdate: { parameters: ["u64", "u64", "u64", "u64", "i32"], result: "i32" },
  EVP_CipherFinal_ex: { parameters: ["u64", "u64", "u64"], result: "i32" },
  HMAC_CTX_new: { parameters: [], result: "u64" },
  HMAC_CTX_free: { parameters: ["u64"], result: "void" },
  HMAC_Init_ex: { parameters: ["u64", "u64", "i32", "u64", "u64"], result: "i32" },
  HMAC_Update: { parameters: ["u64", "u64", "u64"], result: "i32" },
  HMAC_Final: { parameters: ["u64", "u64", "u64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Calls = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** A `u64` may be given as a number, which is faster; Deno's types know only the bigint. */
type NumberCalls = { readonly [Name in keyof Calls]: TakesNumbers<Calls[Name]> };
type TakesNumbers<Call> = Call extends (...parameters: infer Given) => infer Result
  ? (...parameters: { [I in keyof Given]: Given[I] extends bigint ? number : Given[I] }) => Result
  : never;

const LIBRARIES = ["libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so"];

const CIPHER_NAMES: Record<CbcName | AeadName, string> = {
  "3des": "DES-EDE3-CBC",
  aes128: "AES-128-CBC",
  aes192: "AES-192-CBC",
  aes256: "AES-256-CBC",
  aes128gcm16: "id-aes128-GCM",
  aes256gcm16: "id-aes256-GCM",
  chacha20poly1305: "ChaCha20-Poly1305",
};
const HASH_NAMES: Record<AuthName, string> = {
  "md5-96": "MD5",
  "sha1-96": "SHA1",
  "sha2_256-128": "SHA256",
  "sha2_384-192": "SHA384",
  "sha2_512-256": "SHA512",
};

// openssl/evp.h
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;
const DECRYPT = 0;
const ENCRYPT = 1;

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

// Layout of the scratch memory: out-lengths, digests and what a final step might write, keys while they are set.
const OUT_LENGTH = 0;
const DIGEST = 64;
const TAIL = 128;
const KEY = 192;
const SCRATCH_BYTES = 4096;

/** The library with the scratch memory that all its contexts share: calls are made one at a time. */
interface Libcrypto {
  readonly symbols: NumberCalls;
  readonly scratch: Uint8Array<ArrayBuffer>;
  readonly scratchBase: number;
}

/** @throws {Error} when the host has no libcrypto that can be used */
export function openLibcrypto(names: readonly string[] = LIBRARIES): Provider {
  const symbols = openFirst(names);
  const scratch = new Uint8Array(new ArrayBuffer(SCRATCH_BYTES));
  const library: Libcrypto = { symbols, scratch, scratchBase: addressOf(scratch) };
  const version = symbols.OpenSSL_version(0);
  return {
    name: "libcrypto",
    description: version ? Deno.UnsafePointerView.getCString(version) : "libcrypto of unknown version",
    cbc: (cipher, key, memory) => new LibcryptoCbc(library, cipher, key, memory),
    aead: (cipher, key, memory) => new LibcryptoAead(library, cipher, key, memory),
    mac: (auth, key, memory) => new LibcryptoMac(library, auth, key, memory),
  };
}

function openFirst(names: readonly string[]): NumberCalls {
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return Deno.dlopen(name, SYMBOLS).symbols as unknown as NumberCalls;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`Cannot open OpenSSL's libcrypto (tried ${names.join(", ")}): ${reasons.at(-1) ?? "no name given"}`);
}

/** Of memory that neither moves nor shrinks: an `ArrayBuffer` of its own, held as long as the address is used. */
function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

function findCipher(library: Libcrypto, cipher: CbcName | AeadName): number {
  return found(library.symbols.EVP_get_cipherbyname(cString(CIPHER_NAMES[cipher])), cipher);
}

function found(address: bigint, name: string): number {
  if (address === 0n) throw new Error(`Cannot use ${name}: this libcrypto is built without it`);
  return Number(address);
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** A context with its key set, ready for {@linkcode ENCRYPT} or {@linkcode DECRYPT}. */
function keyedContext(library: Libcrypto, cipher: CbcName | AeadName, key: Uint8Array, direction: number): number {
  const { symbols, scratch, scratchBase } = library;
  const kind = findCipher(library, cipher);
  const context = found(symbols.EVP_CIPHER_CTX_new(), cipher);
  scratch.set(key, KEY);
  const ready = symbols.EVP_CipherInit_ex(context, kind, 0, scratchBase + KEY, 0, direction);
  scratch.fill(0, KEY, KEY + key.length);
  if (ready !== 1) {
    symbols.EVP_CIPHER_CTX_free(context);
    throw new Error(`Cannot use ${cipher}: this libcrypto refuses it`);
  }
  symbols.EVP_CIPHER_CTX_set_padding(context, 0);
  return context;
}

function failed(what: string): Error {
  return new Error(`Cannot use ${what}: libcrypto failed, or the SA was wiped`);
}

class LibcryptoCbc implements Cbc {
  readonly #library: Libcrypto;
  readonly #symbols: NumberCalls;
  readonly #outLength: number;
  readonly #cipher: CbcName;
  readonly #key: Uint8Array;
  readonly #memory: PacketMemory;
  readonly #base: number;
  readonly #size: number;
  readonly #ivBytes: number;
  readonly #blockBytes: number;
  /** Made at first use: an SA goes one way, and each way has its own key schedule. */
  #encryptor = 0;
  #decryptor = 0;
  #wiped = false;

  constructor(library: Libcrypto, cipher: CbcName, key: Uint8Array, memory: PacketMemory) {
    checkCipherKey(cipher, key);
    findCipher(library, cipher);
    this.#library = library;
    this.#symbols = library.symbols;
    this.#outLength = library.scratchBase + OUT_LENGTH;
    this.#cipher = cipher;
    this.#key = new Uint8Array(key);
    this.#memory = memory;
    this.#base = addressOf(memory.bytes);
    this.#size = memory.bytes.length;
    this.#ivBytes = CIPHERS[cipher].ivBytes;
    this.#blockBytes = CIPHERS[cipher].blockBytes;
  }

  encrypt(iv: number, at: number, length: number): void {
    if (this.#encryptor === 0) this.#encryptor = this.#context(ENCRYPT);
    this.#run(this.#encryptor, ENCRYPT, iv, at, length);
  }

  decrypt(iv: number, at: number, length: number): void {
    if (this.#decryptor === 0) this.#decryptor = this.#context(DECRYPT);
    this.#run(this.#decryptor, DECRYPT, iv, at, length);
  }

  wipe(): void {
    this.#symbols.EVP_CIPHER_CTX_free(this.#encryptor);
    this.#symbols.EVP_CIPHER_CTX_free(this.#decryptor);
    this.#encryptor = this.#decryptor = 0;
    this.#key.fill(0);
    this.#wiped = true;
  }

  #context(direction: number): number {
    if (this.#wiped) throw failed(this.#cipher);
    return keyedContext(this.#library, this.#cipher, this.#key, direction);
  }

  #run(context: number, direction: number, iv: number, at: number, length: number): void {
    checkBlocks(this.#blockBytes, length);
    checkRange(this.#size, iv, this.#ivBytes);
    checkRange(this.#size, at, length);
    if (length === 0) return;
    const { EVP_CipherInit_ex, EVP_CipherUpdate } = this.#symbols;
    const text = this.#base + at;
    // Without padding an update on whole blocks gives them all: there is no final step.
    if (
      (EVP_CipherInit_ex(context, 0, 0, 0, this.#base + iv, direction) &
        EVP_CipherUpdate(context, text, this.#outLength, text, length)) !== 1
    ) throw failed(this.#cipher);
  }
}

class LibcryptoAead implements Aead {
  readonly #symbols: NumberCalls;
  readonly #outLength: number;
  readonly #tail: number;
  readonly #cipher: AeadName;
  readonly #memory: PacketMemory;
  readonly #base: number;
  readonly #size: number;
  /** Counter modes have one key schedule for both ways; 0 once wiped. */
  #context: number;

  constructor(library: Libcrypto, cipher: AeadName, key: Uint8Array, memory: PacketMemory) {
    checkCipherKey(cipher, key);
    this.#symbols = library.symbols;
    this.#outLength = library.scratchBase + OUT_LENGTH;
    this.#tail = library.scratchBase + TAIL;
    this.#cipher = cipher;
    this.#memory = memory;
    this.#base = addressOf(memory.bytes);
    this.#size = memory.bytes.length;
    this.#context = keyedContext(library, cipher, key, ENCRYPT);
  }

  seal(nonce: number, aad: number, aadLength: number, at: number, length: number): void {
    const context = this.#begin(ENCRYPT, nonce, aad, aadLength, at, length);
    const symbols = this.#symbols;
    const tag = this.#base + at + length;
    if (
      (symbols.EVP_CipherFinal_ex(context, this.#tail, this.#outLength) &
        symbols.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag)) !== 1
    ) throw failed(this.#cipher);
  }

  open(nonce: number, aad: number, aadLength: number, at: number, length: number): boolean {
    const context = this.#begin(DECRYPT, nonce, aad, aadLength, at, length);
    const symbols = this.#symbols;
    const tag = this.#base + at + length;
    if (symbols.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) !== 1) throw failed(this.#cipher);
    return symbols.EVP_CipherFinal_ex(context, this.#tail, this.#outLength) === 1;
  }

  wipe(): void {
    this.#symbols.EVP_CIPHER_CTX_free(this.#context);
    this.#context = 0;
  }

  /** Sets the nonce and puts the additional data and the text through, in place. */
  #begin(direction: number, nonce: number, aad: number, aadLength: number, at: number, length: number): number {
    const context = this.#context;
    if (context === 0) throw failed(this.#cipher);
    checkRange(this.#size, nonce, NONCE_BYTES);
    checkRange(this.#size, aad, aadLength);
    checkRange(this.#size, at, length);
    checkRange(this.#size, at + length, TAG_BYTES);
    const symbols = this.#symbols;
    const base = this.#base;
    const text = base + at;
    let ok = symbols.EVP_CipherInit_ex(context, 0, 0, 0, base + nonce, direction);
    if (aadLength > 0) ok &= symbols.EVP_CipherUpdate(context, 0, this.#outLength, base + aad, aadLength);
    if (length > 0) ok &= symbols.EVP_CipherUpdate(context, text, this.#outLength, text, length);
    if (ok !== 1) throw failed(this.#cipher);
    return context;
  }
}

class LibcryptoMac implements Mac {
  readonly #symbols: NumberCalls;
  readonly #scratch: Uint8Array;
  readonly #outLength: number;
  readonly #digest: number;
  readonly #auth: AuthName;
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #size: number;
  readonly #icvBytes: number;
  /** 0 once wiped. */
  #context: number;

  constructor(library: Libcrypto, auth: AuthName, key: Uint8Array, memory: PacketMemory) {
    checkAuthKey(auth, key);
    const { symbols, scratch, scratchBase } = library;
    const hash = found(symbols.EVP_get_digestbyname(cString(HASH_NAMES[auth])), auth);
    this.#symbols = symbols;
    this.#scratch = scratch;
    this.#outLength = scratchBase + OUT_LENGTH;
    this.#digest = scratchBase + DIGEST;
    this.#auth = auth;
    this.#bytes = memory.bytes;
    this.#base = addressOf(memory.bytes);
    this.#size = memory.bytes.length;
    this.#icvBytes = AUTHENTICATORS[auth].icvBytes;
    this.#context = found(symbols.HMAC_CTX_new(), auth);
    scratch.set(key, KEY);
    const ready = symbols.HMAC_Init_ex(this.#context, scratchBase + KEY, key.length, hash, 0);
    scratch.fill(0, KEY, KEY + key.length);
    if (ready !== 1) {
      this.wipe();
      throw new Error(`Cannot use ${auth}: this libcrypto refuses it`);
    }
  }

  sign(at: number, length: number, icv: number): void {
    this.#compute(at, length, icv);
    const bytes = this.#bytes;
    const scratch = this.#scratch;
    for (let i = 0; i < this.#icvBytes; i++) bytes[icv + i] = scratch[DIGEST + i];
  }

  verify(at: number, length: number, icv: number): boolean {
    this.#compute(at, length, icv);
    return equalAt(this.#scratch, DIGEST, this.#bytes, icv, this.#icvBytes);
  }

  wipe(): void {
    this.#symbols.HMAC_CTX_free(this.#context);
    this.#context = 0;
  }

  /** Leaves the whole digest in the scratch memory. */
  #compute(at: number, length: number, icv: number): void {
    const context = this.#context;
    if (context === 0) throw failed(this.#auth);
    checkRange(this.#size, at, length);
    checkRange(this.#size, icv, this.#icvBytes);
    const symbols = this.#symbols;
    // Without key and hash: back to the state after keying.
    if (
      (symbols.HMAC_Init_ex(context, 0, 0, 0, 0) &
        symbols.HMAC_Update(context, this.#base + at, length) &
        symbols.HMAC_Final(context, this.#digest, this.#outLength)) !== 1
    ) throw failed(this.#auth);
  }
}
