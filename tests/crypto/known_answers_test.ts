import assert from "node:assert/strict";
import { AUTHENTICATORS, type CipherName, CIPHERS, isAead } from "../../lib/crypto/algorithms.ts";
import { checkProvider } from "../../lib/crypto/known_answers.ts";
import { nobleProvider } from "../../lib/crypto/noble_provider.ts";
import type { Provider } from "../../lib/crypto/provider.ts";

const ALGORITHMS = [...Object.keys(CIPHERS), ...Object.keys(AUTHENTICATORS)];

/** The portable provider with one algorithm spoilt. */
function spoilt(algorithm: string, spoil: (key: Uint8Array) => Uint8Array): Provider {
  const keyFor = (name: string, key: Uint8Array) => name === algorithm ? spoil(key) : key;
  return {
    name: "noble",
    description: "spoilt",
    cbc: (name, key, memory) => nobleProvider.cbc(name, keyFor(name, key), memory),
    aead: (name, key, memory) => nobleProvider.aead(name, keyFor(name, key), memory),
    mac: (name, key, memory) => nobleProvider.mac(name, keyFor(name, key), memory),
  };
}

for (const algorithm of ALGORITHMS) {
  Deno.test(`checkProvider() names ${algorithm} when it gives a wrong result`, () => {
    const provider = spoilt(algorithm, (key) => key.map((byte) => byte ^ 2));
    assert.throws(() => checkProvider(provider), new RegExp(`Cannot use noble: ${algorithm} gives a wrong result`));
  });
  Deno.test(`checkProvider() names ${algorithm} when it is not there`, () => {
    const provider = spoilt(algorithm, () => {
      throw new Error("this library is built without it");
    });
    assert.throws(
      () => checkProvider(provider),
      new RegExp(`${algorithm} fails \\(this library is built without it\\)`),
    );
  });
}

const AEADS = (Object.keys(CIPHERS) as CipherName[]).filter(isAead);
for (const algorithm of AEADS) {
  Deno.test(`checkProvider() refuses a ${algorithm} that opens what is forged`, () => {
    const provider: Provider = {
      ...nobleProvider,
      aead(name, key, memory) {
        const aead = nobleProvider.aead(name, key, memory);
        if (name !== algorithm) return aead;
        return {
          seal: (...at) => aead.seal(...at),
          open: (...at) => aead.open(...at) || true,
          wipe: () => aead.wipe(),
        };
      },
    };
    assert.throws(() => checkProvider(provider), new RegExp(`${algorithm} gives a wrong result`));
  });
}

Deno.test("checkProvider() refuses authentication that takes any ICV", () => {
  const provider: Provider = {
    ...nobleProvider,
    mac(name, key, memory) {
      const mac = nobleProvider.mac(name, key, memory);
      return { sign: (...at) => mac.sign(...at), verify: () => true, wipe: () => mac.wipe() };
    },
  };
  assert.throws(() => checkProvider(provider), /md5-96 gives a wrong result/);
});
