/** What holds for every {@linkcode Provider}: a suite as a function of the provider. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type AeadName,
  AUTHENTICATORS,
  type AuthName,
  type CbcName,
  type CipherName,
  CIPHERS,
  isAead,
} from "../../lib/crypto/algorithms.ts";
import { AEAD_ANSWERS, CBC_ANSWERS, checkProvider, MAC_ANSWERS } from "../../lib/crypto/known_answers.ts";
import { nobleProvider } from "../../lib/crypto/noble_provider.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { AEAD_VECTORS, CBC_VECTORS, MAC_VECTORS } from "./vectors.ts";

const NAMES = Object.keys(CIPHERS) as CipherName[];
const CBCS = NAMES.filter((name): name is CbcName => !isAead(name));
const AEADS = NAMES.filter((name): name is AeadName => isAead(name));
const AUTHS = Object.keys(AUTHENTICATORS) as AuthName[];

const TAG_BYTES = 16;
const MEMORY_BYTES = 2048;
const LONGEST = 300;

/** Where things stand in the memory: every alignment, every length, with all the rest filled with noise. */
const PLACES = fc.record({
  seed: fc.nat(),
  iv: fc.nat(7),
  aad: fc.integer({ min: 32, max: 39 }),
  aadLength: fc.nat(20),
  at: fc.integer({ min: 128, max: 135 }),
  length: fc.nat(LONGEST),
}, { noNullPrototype: true });

/** Bytes that depend on `seed` alone (xorshift). */
function noise(seed: number, length: number): Uint8Array<ArrayBuffer> {
  let state = (seed ^ 0x9e3779b9) | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13, state ^= state >>> 17, state ^= state << 5;
    return state;
  });
}

function noisyMemory(seed: number): PacketMemory {
  const memory = new PacketMemory(MEMORY_BYTES);
  memory.bytes.set(noise(seed, MEMORY_BYTES));
  return memory;
}

const cipherKey = (name: CipherName, seed: number) => noise(seed, CIPHERS[name].keyBits / 8 - CIPHERS[name].saltBytes);
const authKey = (name: AuthName, seed: number) => noise(seed, AUTHENTICATORS[name].keyBits / 8);

/** What `memory` holds after `from` to `to` has been filled with zeros: for comparing all the rest. */
function without(bytes: Uint8Array, from: number, to: number): string {
  return bytes.slice().fill(0, from, to).toHex();
}

export function providerSuite(provider: Provider): void {
  const test = (name: string, run: () => void) => Deno.test(`${provider.name}: ${name}`, run);

  test("checkProvider() accepts it", () => checkProvider(provider));
  test("description names the library", () => assert.match(provider.description, /OpenSSL|node:crypto|noble/));
  vectors(provider, test);
  for (const name of CBCS) cbcProperties(provider, name, test);
  for (const name of AEADS) aeadProperties(provider, name, test);
  for (const name of AUTHS) macProperties(provider, name, test);
}

type Test = (name: string, run: () => void) => void;

function vectors(provider: Provider, test: Test): void {
  const known = <Name extends string, Row>(table: Readonly<Record<Name, Row>>) =>
    Object.entries(table) as [Name, Row][];
  const cbcs = [
    ...CBC_VECTORS,
    ...known(CBC_ANSWERS).map(([cipher, row]) => ({ cipher, from: "known answer", ...row })),
  ];
  for (const { cipher, from, key, iv, plain, sealed } of cbcs) {
    test(`${cipher} agrees with ${from}`, () => {
      const memory = new PacketMemory(256);
      const length = plain.length / 2;
      memory.bytes.setFromHex(iv);
      memory.bytes.subarray(64).setFromHex(plain);
      const cbc = provider.cbc(cipher, Uint8Array.fromHex(key), memory);
      cbc.encrypt(0, 64, length);
      assert.equal(memory.bytes.subarray(64, 64 + length).toHex(), sealed);
      cbc.decrypt(0, 64, length);
      assert.equal(memory.bytes.subarray(64, 64 + length).toHex(), plain);
      cbc.wipe();
    });
  }
  const aeads = [
    ...AEAD_VECTORS,
    ...known(AEAD_ANSWERS).map(([cipher, row]) => ({ cipher, from: "known answer", ...row })),
  ];
  for (const { cipher, from, key, nonce, aad, plain, sealed } of aeads) {
    test(`${cipher} agrees with ${from}`, () => {
      const memory = new PacketMemory(512);
      const length = plain.length / 2;
      memory.bytes.setFromHex(nonce);
      memory.bytes.subarray(16).setFromHex(aad);
      memory.bytes.subarray(64).setFromHex(plain);
      const aead = provider.aead(cipher, Uint8Array.fromHex(key), memory);
      aead.seal(0, 16, aad.length / 2, 64, length);
      assert.equal(memory.bytes.subarray(64, 64 + length + TAG_BYTES).toHex(), sealed);
      assert.ok(aead.open(0, 16, aad.length / 2, 64, length), "own tag");
      assert.equal(memory.bytes.subarray(64, 64 + length).toHex(), plain);
      aead.wipe();
    });
  }
  const macs = [...MAC_VECTORS, ...known(MAC_ANSWERS).map(([auth, row]) => ({ auth, from: "known answer", ...row }))];
  for (const { auth, from, key, data, icv } of macs) {
    test(`${auth} agrees with ${from}`, () => {
      const memory = new PacketMemory(256);
      memory.bytes.setFromHex(data);
      const mac = provider.mac(auth, Uint8Array.fromHex(key), memory);
      mac.sign(0, data.length / 2, 128);
      assert.equal(memory.bytes.subarray(128, 128 + icv.length / 2).toHex(), icv);
      assert.ok(mac.verify(0, data.length / 2, 128));
      mac.wipe();
    });
  }
}

function cbcProperties(provider: Provider, name: CbcName, test: Test): void {
  test(`${name} agrees with noble at every alignment and touches nothing else`, () => {
    fc.assert(
      fc.property(PLACES, ({ seed, iv, at, length: any }) => {
        const length = any - any % CIPHERS[name].blockBytes;
        const [mine, other] = [noisyMemory(seed), noisyMemory(seed)];
        const before = mine.bytes.slice();
        const cbc = provider.cbc(name, cipherKey(name, seed), mine);
        const reference = nobleProvider.cbc(name, cipherKey(name, seed), other);
        cbc.encrypt(iv, at, length);
        reference.encrypt(iv, at, length);
        assert.equal(mine.bytes.toHex(), other.bytes.toHex(), "encrypt");
        assert.equal(without(mine.bytes, at, at + length), without(before, at, at + length), "outside");
        cbc.decrypt(iv, at, length);
        assert.equal(mine.bytes.toHex(), before.toHex(), "decrypt gives back");
        cbc.wipe();
      }),
      { numRuns: 60 },
    );
  });

  test(`${name} keeps nothing from packet to packet, in either direction`, () => {
    const memory = noisyMemory(1);
    const before = memory.bytes.slice();
    const cbc = provider.cbc(name, cipherKey(name, 1), memory);
    for (let packet = 0; packet < 20; packet++) {
      const length = CIPHERS[name].blockBytes * (1 + packet % 5);
      memory.bytes.set(before);
      cbc.encrypt(packet, 100, length);
      const kept = memory.bytes.slice();
      memory.bytes.set(before);
      const fresh = provider.cbc(name, cipherKey(name, 1), memory);
      fresh.encrypt(packet, 100, length);
      fresh.wipe();
      assert.equal(memory.bytes.toHex(), kept.toHex(), `packet ${packet}`);
      cbc.decrypt(packet, 100, length);
      assert.equal(memory.bytes.toHex(), before.toHex(), `packet ${packet} back`);
    }
    cbc.wipe();
  });

  test(`${name} copies its key`, () => {
    const [memory, key] = [noisyMemory(2), cipherKey(name, 2)];
    const before = memory.bytes.slice();
    const [cbc, other] = [provider.cbc(name, key, memory), provider.cbc(name, key, memory)];
    key.fill(0);
    cbc.encrypt(0, 64, 48);
    assert.notEqual(memory.bytes.toHex(), before.toHex());
    provider.cbc(name, cipherKey(name, 2), memory).decrypt(0, 64, 48);
    assert.equal(memory.bytes.toHex(), before.toHex());
    for (const transform of [cbc, other]) transform.wipe();
  });

  const block = CIPHERS[name].blockBytes;
  const size = MEMORY_BYTES;
  const REFUSED: [why: string, iv: number, at: number, length: number][] = [
    ["part of a block", 0, 64, block + 1],
    ["text past the end", 0, size - block + 1, block],
    ["IV past the end", size - 1, 64, block],
    ["a negative length", 0, 64, -block],
    ["an offset that is no number", 0, NaN, block],
  ];
  for (const [why, iv, at, length] of REFUSED) {
    test(`${name} refuses ${why}`, () => {
      const cbc = provider.cbc(name, cipherKey(name, 3), new PacketMemory(size));
      assert.throws(() => cbc.encrypt(iv, at, length), RangeError);
      assert.throws(() => cbc.decrypt(iv, at, length), RangeError);
      cbc.wipe();
    });
  }
  test(`${name} refuses a key that is one byte short`, () => {
    assert.throws(() => provider.cbc(name, cipherKey(name, 4).slice(1), noisyMemory(4)), /needs \d+ bytes, has \d+/);
  });
}

function aeadProperties(provider: Provider, name: AeadName, test: Test): void {
  test(`${name} agrees with noble at every alignment and touches nothing else`, () => {
    fc.assert(
      fc.property(PLACES, ({ seed, iv, aad, aadLength, at, length }) => {
        const [mine, other] = [noisyMemory(seed), noisyMemory(seed)];
        const before = mine.bytes.slice();
        const aead = provider.aead(name, cipherKey(name, seed), mine);
        const end = at + length + TAG_BYTES;
        aead.seal(iv, aad, aadLength, at, length);
        nobleProvider.aead(name, cipherKey(name, seed), other).seal(iv, aad, aadLength, at, length);
        assert.equal(mine.bytes.toHex(), other.bytes.toHex(), "seal");
        assert.equal(without(mine.bytes, at, end), without(before, at, end), "outside");
        assert.ok(aead.open(iv, aad, aadLength, at, length), "open");
        assert.equal(without(mine.bytes, end - TAG_BYTES, end), without(before, end - TAG_BYTES, end), "gives back");
        aead.wipe();
      }),
      { numRuns: 60 },
    );
  });

  // Layout: nonce 0, additional data 20 (8 bytes), text 40 (33 bytes), tag 73.
  const FLIPPED: [what: string, from: number, to: number][] = [
    ["nonce", 0, 12],
    ["additional data", 20, 28],
    ["text", 40, 73],
    ["tag", 73, 89],
  ];
  for (const [what, from, to] of FLIPPED) {
    test(`${name} open() detects any changed byte of the ${what}, and then opens the next packet`, () => {
      const memory = noisyMemory(5);
      const aead = provider.aead(name, cipherKey(name, 5), memory);
      aead.seal(0, 20, 8, 40, 33);
      const sealed = memory.bytes.slice();
      for (let at = from; at < to; at++) {
        memory.bytes.set(sealed);
        memory.bytes[at] ^= 1 << (at % 8);
        const forged = memory.bytes.slice();
        assert.equal(aead.open(0, 20, 8, 40, 33), false, `byte ${at}`);
        assert.equal(without(memory.bytes, 40, 73), without(forged, 40, 73), "only the text may change");
        memory.bytes.set(sealed);
        assert.ok(aead.open(0, 20, 8, 40, 33), `true packet after forged byte ${at}`);
      }
      aead.wipe();
    });
  }

  test(`${name} copies its key`, () => {
    const [memory, key] = [noisyMemory(6), cipherKey(name, 6)];
    const aead = provider.aead(name, key, memory);
    key.fill(0);
    aead.seal(0, 20, 8, 40, 33);
    assert.ok(nobleProvider.aead(name, cipherKey(name, 6), memory).open(0, 20, 8, 40, 33));
    aead.wipe();
  });

  const size = MEMORY_BYTES;
  const REFUSED: [why: string, nonce: number, aad: number, aadLength: number, at: number, length: number][] = [
    ["a tag past the end", 0, 20, 8, size - 15, 0],
    ["text past the end", 0, 20, 8, 64, size],
    ["a nonce past the end", size - 11, 20, 8, 64, 8],
    ["additional data past the end", 0, size - 7, 8, 64, 8],
    ["a negative length", 0, 20, 8, 64, -1],
    ["a negative offset", -1, 20, 8, 64, 8],
  ];
  for (const [why, nonce, aad, aadLength, at, length] of REFUSED) {
    test(`${name} refuses ${why}`, () => {
      const aead = provider.aead(name, cipherKey(name, 7), new PacketMemory(size));
      assert.throws(() => aead.seal(nonce, aad, aadLength, at, length), RangeError);
      assert.throws(() => aead.open(nonce, aad, aadLength, at, length), RangeError);
      aead.wipe();
    });
  }
  test(`${name} refuses a key with its salt`, () => {
    const key = noise(8, CIPHERS[name].keyBits / 8);
    assert.throws(() => provider.aead(name, key, noisyMemory(8)), /needs \d+ bytes, has \d+/);
  });
}

function macProperties(provider: Provider, name: AuthName, test: Test): void {
  const { icvBytes } = AUTHENTICATORS[name];

  test(`${name} agrees with noble at every alignment and touches nothing else`, () => {
    fc.assert(
      fc.property(PLACES, ({ seed, at, length }) => {
        const [mine, other] = [noisyMemory(seed), noisyMemory(seed)];
        const before = mine.bytes.slice();
        const icv = at + length;
        const mac = provider.mac(name, authKey(name, seed), mine);
        mac.sign(at, length, icv);
        nobleProvider.mac(name, authKey(name, seed), other).sign(at, length, icv);
        assert.equal(mine.bytes.toHex(), other.bytes.toHex(), "sign");
        assert.equal(without(mine.bytes, icv, icv + icvBytes), without(before, icv, icv + icvBytes), "outside");
        const signed = mine.bytes.toHex();
        assert.ok(mac.verify(at, length, icv), "verify");
        assert.equal(mine.bytes.toHex(), signed, "verify changes nothing");
        mac.wipe();
      }),
      { numRuns: 60 },
    );
  });

  test(`${name} verify() detects any changed byte, of text and ICV`, () => {
    const memory = noisyMemory(9);
    const mac = provider.mac(name, authKey(name, 9), memory);
    mac.sign(10, 41, 51);
    for (let at = 10; at < 51 + icvBytes; at++) {
      memory.bytes[at] ^= 1 << (at % 8);
      assert.equal(mac.verify(10, 41, 51), false, `byte ${at}`);
      memory.bytes[at] ^= 1 << (at % 8);
      assert.ok(mac.verify(10, 41, 51), `true packet after forged byte ${at}`);
    }
    memory.bytes[51 + icvBytes] ^= 0xff;
    assert.ok(mac.verify(10, 41, 51), "the byte after the ICV is not looked at");
    mac.wipe();
  });

  test(`${name} sign() may write its ICV over the end of the text`, () => {
    const [memory, other] = [noisyMemory(10), noisyMemory(10)];
    const mac = provider.mac(name, authKey(name, 10), memory);
    mac.sign(0, 100, 100 - icvBytes);
    nobleProvider.mac(name, authKey(name, 10), other).sign(0, 100, 200);
    assert.equal(
      memory.bytes.subarray(100 - icvBytes, 100).toHex(),
      other.bytes.subarray(200, 200 + icvBytes).toHex(),
    );
    mac.wipe();
  });

  test(`${name} copies its key`, () => {
    const [memory, key] = [noisyMemory(11), authKey(name, 11)];
    const mac = provider.mac(name, key, memory);
    key.fill(0);
    mac.sign(0, 100, 200);
    assert.ok(nobleProvider.mac(name, authKey(name, 11), memory).verify(0, 100, 200));
    mac.wipe();
  });

  const REFUSED: [why: string, at: number, length: number, icv: number][] = [
    ["text past the end", 64, MEMORY_BYTES, 0],
    ["an ICV past the end", 0, 8, MEMORY_BYTES - icvBytes + 1],
    ["a negative length", 64, -1, 0],
  ];
  for (const [why, at, length, icv] of REFUSED) {
    test(`${name} refuses ${why}`, () => {
      const mac = provider.mac(name, authKey(name, 12), new PacketMemory(MEMORY_BYTES));
      assert.throws(() => mac.sign(at, length, icv), RangeError);
      assert.throws(() => mac.verify(at, length, icv), RangeError);
      mac.wipe();
    });
  }
  test(`${name} refuses a key that is one byte long`, () => {
    assert.throws(() => provider.mac(name, new Uint8Array(1), noisyMemory(13)), /needs \d+ bytes, has 1/);
  });
}
