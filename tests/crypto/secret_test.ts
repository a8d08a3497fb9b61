import assert from "node:assert/strict";
import { format, inspect } from "node:util";
import { Secret } from "../../lib/crypto/secret.ts";

const KEY = new TextEncoder().encode("correct horse battery staple 32b");
const SHOWN = "<secret, 32 bytes>";

const PRINTED: [how: string, print: (secret: Secret) => string, shown: string][] = [
  ["String()", String, SHOWN],
  ["a template", (secret) => `${secret}`, SHOWN],
  ["JSON.stringify()", (secret) => JSON.stringify({ secret }), `{"secret":"${SHOWN}"}`],
  ["Deno.inspect()", (secret) => Deno.inspect(secret), SHOWN],
  [
    "Deno.inspect() inside an object, hidden parts too",
    (secret) => Deno.inspect({ secret }, { showHidden: true }),
    SHOWN,
  ],
  ["util.inspect()", (secret) => inspect({ secret }, { showHidden: true, depth: 9 }), SHOWN],
  ["util.format()", (secret) => format("%s %o %j", secret, secret, secret), SHOWN],
];
for (const [how, print, shown] of PRINTED) {
  Deno.test(`Secret shows only its length in ${how}`, () => {
    const text = print(new Secret(KEY));
    assert.ok(text.includes(shown), text);
    for (const leak of ["correct", "99, 111", "636f72", "Y29y"]) assert.ok(!text.includes(leak), text);
  });
}

Deno.test("Secret has no property that holds its bytes", () => {
  assert.deepEqual(Reflect.ownKeys(new Secret(KEY)), []);
});

Deno.test("Secret copies: wiping the source leaves it", () => {
  const source = KEY.slice();
  const secret = new Secret(source);
  source.fill(0);
  assert.deepEqual(secret.reveal(), KEY);
});

Deno.test("Secret.equals() compares every byte, and lengths", () => {
  const secret = new Secret(KEY);
  assert.ok(secret.equals(new Secret(KEY)));
  for (let i = 0; i < KEY.length; i++) {
    const other = KEY.slice();
    other[i] ^= 1;
    assert.equal(secret.equals(new Secret(other)), false, `byte ${i}`);
  }
  assert.equal(secret.equals(new Secret(KEY.slice(1))), false);
  assert.equal(new Secret(KEY.slice(0, 0)).equals(secret), false);
});

Deno.test("Secret.wipe() leaves zeros", () => {
  const secret = new Secret(KEY);
  const lent = secret.reveal();
  secret.wipe();
  assert.deepEqual(lent, new Uint8Array(32).fill(0));
  assert.equal(String(secret), SHOWN);
});
