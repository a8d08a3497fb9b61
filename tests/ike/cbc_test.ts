import { deepEqual, equal, notDeepEqual, throws } from "node:assert/strict";
import { cbc as nobleCbc } from "@noble/ciphers/aes.js";
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { Secret } from "../../lib/crypto/secret.ts";
import { type IkeCipher, IvChain } from "../../lib/ike/cbc.ts";

const SUITES: IkeCipher[] = [
  { cipher: "3des", keyBits: 192 },
  { cipher: "aes", keyBits: 128 },
  { cipher: "aes", keyBits: 192 },
  { cipher: "aes", keyBits: 256 },
];
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** CBC over a whole text at once, by other software. */
function reference({ cipher }: IkeCipher, key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  if (cipher === "aes") return nobleCbc(key, iv, { disablePadding: true }).encrypt(plain);
  const node = createCipheriv("des-ede3-cbc", key, iv).setAutoPadding(false);
  return new Uint8Array([...node.update(plain), ...node.final()]);
}

for (const suite of SUITES) {
  const name = `${suite.cipher} with ${suite.keyBits} bits`;
  const block = suite.cipher === "3des" ? 8 : 16;
  const key = random(suite.keyBits / 8);
  const ends = () => {
    const iv = random(block);
    const make = () => new IvChain(suite, new Secret(key), iv);
    return { iv, ours: make(), theirs: make() };
  };
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 6 });

  Deno.test(`messages with ${name} are one CBC text, each padded with zeros`, () => {
    fc.assert(fc.property(messages, (texts) => {
      const { iv, ours, theirs } = ends();
      const padded = texts.map((text) => {
        const whole = new Uint8Array(Math.ceil(text.length / block) * block);
        whole.set(text);
        return whole;
      });
      const sealed = texts.map((text) => ours.seal(text));
      deepEqual(
        sealed.flatMap((one) => [...one]),
        [...reference(suite, key, iv, Uint8Array.from(padded.flatMap((one) => [...one])))],
      );
      for (const [i, one] of sealed.entries()) {
        const opened = theirs.open(one)!;
        deepEqual(opened.plain, padded[i]);
        opened.accept();
      }
      deepEqual(theirs.iv, ours.iv);
    }));
  });

  Deno.test(`what was opened with ${name} and not accepted leaves the chain as it was`, () => {
    const { ours, theirs } = ends();
    const before = theirs.iv;
    for (let i = 0; i < 3; i++) theirs.open(random(4 * block));
    deepEqual(theirs.iv, before);
    const plain = random(2 * block);
    const opened = theirs.open(ours.seal(plain))!;
    deepEqual(opened.plain, plain);
    opened.accept();
    deepEqual(theirs.iv, ours.iv);
    notDeepEqual(theirs.iv, before);
  });

  Deno.test(`a message opened with ${name} is not altered, nor is one that is sealed`, () => {
    const { ours, theirs } = ends();
    const plain = random(block + 3), copy = new Uint8Array(plain);
    const sealed = ours.seal(plain), sealedCopy = new Uint8Array(sealed);
    theirs.open(sealed)!.accept();
    deepEqual(plain, copy);
    deepEqual(sealed, sealedCopy);
  });

  for (const length of [0, 1, block - 1, block + 1, 3 * block - 4]) {
    Deno.test(`open() with ${name} refuses ${length} bytes`, () => {
      const { theirs } = ends();
      const before = theirs.iv;
      equal(theirs.open(random(length)), undefined);
      deepEqual(theirs.iv, before);
    });
  }

  Deno.test(`a chain with ${name} begins with an IV of one block`, () => {
    for (const length of [0, block - 1, block + 1]) {
      throws(() => new IvChain(suite, new Secret(key), random(length)), RangeError);
    }
  });

  Deno.test(`the IV of a chain with ${name} is a copy`, () => {
    const { ours } = ends();
    const iv = ours.iv;
    ours.iv.fill(0);
    deepEqual(ours.iv, iv);
  });
}
