import assert from "node:assert/strict";
import { nobleProvider } from "../../lib/crypto/noble_provider.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { type Candidate, chooseProvider } from "../../lib/ffi/choose_provider.ts";

const absent: Candidate = {
  name: "libcrypto",
  open() {
    throw new Error("Cannot open OpenSSL's libcrypto");
  },
};
const runtime: Candidate = { name: "runtime", open: () => runtimeProvider };
const noble: Candidate = { name: "noble", open: () => nobleProvider };
/** Signs nothing: fails its known answers. */
const broken: Candidate = {
  name: "runtime",
  open(): Provider {
    return {
      ...runtimeProvider,
      mac: () => ({ sign() {}, verify: () => true, wipe() {} }),
    };
  },
};

const CHOICES: [why: string, wanted: Provider["name"] | undefined, candidates: Candidate[], chosen: string][] = [
  ["the first that is there", undefined, [runtime, noble], "runtime"],
  ["the next when one is absent", undefined, [absent, runtime, noble], "runtime"],
  ["the next when one fails its known answers", undefined, [absent, broken, noble], "noble"],
  ["the wanted one over a faster one", "noble", [runtime, noble], "noble"],
];
for (const [why, wanted, candidates, chosen] of CHOICES) {
  Deno.test(`chooseProvider() takes ${why}`, () => assert.equal(chooseProvider(wanted, candidates).name, chosen));
}

const REFUSALS: [why: string, wanted: Provider["name"] | undefined, candidates: Candidate[], message: RegExp][] = [
  ["a wanted one that is absent", "libcrypto", [absent, noble], /'libcrypto': Cannot open OpenSSL's libcrypto$/],
  ["a wanted one that is broken", "runtime", [broken, noble], /'runtime': Cannot use runtime: md5-96 gives a wrong/],
  ["a name that is unknown", "gnutls" as "noble", [runtime], /library 'gnutls': unknown name/],
  [
    "all when all fail, with every reason",
    undefined,
    [absent, broken],
    /any cryptographic library: .*libcrypto; .*md5-96/,
  ],
];
for (const [why, wanted, candidates, message] of REFUSALS) {
  Deno.test(`chooseProvider() refuses ${why}`, () => assert.throws(() => chooseProvider(wanted, candidates), message));
}

Deno.test("chooseProvider() finds one on any host", () => {
  assert.ok(["libcrypto", "runtime", "noble"].includes(chooseProvider().name));
  assert.equal(chooseProvider("noble").name, "noble");
});
