/**
 * Seals and opens one full packet of 1408 bytes in place with every algorithm of every provider:
 * `deno bench -A bench/crypto_bench.ts`, or with `--filter libcrypto` for one provider.
 */
import {
  type AeadName,
  AUTHENTICATORS,
  type AuthName,
  type CbcName,
  type CipherName,
  CIPHERS,
  isAead,
} from "../lib/crypto/algorithms.ts";
import { nobleProvider } from "../lib/crypto/noble_provider.ts";
import type { Provider } from "../lib/crypto/provider.ts";
import { runtimeProvider } from "../lib/crypto/runtime_provider.ts";
import { openLibcrypto } from "../lib/ffi/libcrypto.ts";
import { PacketMemory } from "../lib/packet/memory.ts";

const TEXT_BYTES = 1408;
/** ESP header at 0 (8 bytes) with the IV after it, nonce at 32, text and ICV from 64. */
const IV = 8;
const NONCE = 32;
const TEXT = 64;
const memory = new PacketMemory(2048);

const CBC_WITH_AUTH: [CbcName, AuthName][] = [
  ["3des", "md5-96"],
  ["3des", "sha1-96"],
  ["aes128", "sha1-96"],
  ["aes192", "sha2_384-192"],
  ["aes256", "sha2_256-128"],
  ["aes256", "sha2_512-256"],
];
const AEADS = (Object.keys(CIPHERS) as CipherName[]).filter((name): name is AeadName => isAead(name));

for (const provider of providers()) {
  for (const cipher of AEADS) benchAead(provider, cipher);
  for (const [cipher, auth] of CBC_WITH_AUTH) benchCbc(provider, cipher, auth);
}

function providers(): Provider[] {
  try {
    return [openLibcrypto(), runtimeProvider, nobleProvider];
  } catch (error) {
    console.warn(error instanceof Error ? error.message : error);
    return [runtimeProvider, nobleProvider];
  }
}

function benchAead(provider: Provider, cipher: AeadName): void {
  const { keyBits, saltBytes } = CIPHERS[cipher];
  const aead = provider.aead(cipher, new Uint8Array(keyBits / 8 - saltBytes), memory);
  const sealed = new Uint8Array(TEXT_BYTES + 16);
  aead.seal(NONCE, 0, 8, TEXT, TEXT_BYTES);
  sealed.set(memory.bytes.subarray(TEXT, TEXT + sealed.length));
  Deno.bench(`${provider.name} ${cipher} seal`, { group: `${cipher} seal` }, () => {
    aead.seal(NONCE, 0, 8, TEXT, TEXT_BYTES);
  });
  Deno.bench(`${provider.name} ${cipher} open`, { group: `${cipher} open` }, () => {
    memory.bytes.set(sealed, TEXT); // some 0.03 us: what is opened in place must be put there again
    if (!aead.open(NONCE, 0, 8, TEXT, TEXT_BYTES)) throw new Error(`${provider.name} ${cipher} refuses its own packet`);
  });
}

function benchCbc(provider: Provider, cipher: CbcName, auth: AuthName): void {
  const { keyBits, ivBytes } = CIPHERS[cipher];
  const cbc = provider.cbc(cipher, new Uint8Array(keyBits / 8), memory);
  const mac = provider.mac(auth, new Uint8Array(AUTHENTICATORS[auth].keyBits / 8), memory);
  const start = TEXT - ivBytes - 8;
  const end = TEXT + TEXT_BYTES;
  const name = `${cipher}+${auth}`;
  Deno.bench(`${provider.name} ${name} seal`, { group: `${name} seal` }, () => {
    cbc.encrypt(IV, TEXT, TEXT_BYTES);
    mac.sign(start, end - start, end);
  });
  Deno.bench(`${provider.name} ${name} open`, { group: `${name} open` }, () => {
    mac.verify(start, end - start, end); // the same work whatever it says
    cbc.decrypt(IV, TEXT, TEXT_BYTES);
  });
}
