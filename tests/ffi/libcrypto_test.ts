import assert from "node:assert/strict";
import type { Provider } from "../../lib/crypto/provider.ts";
import { openLibcrypto } from "../../lib/ffi/libcrypto.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { heapBytesPerCall } from "../_heap.ts";
import { providerSuite } from "../crypto/provider_suite.ts";

/**
 * An address passed to native code is a bigint, which V8 keeps in a register or puts on the heap, as it happened to
 * compile: 24 bytes each, four per packet. A view of the memory alone is over this.
 */
const BIGINT_BYTES = 4 * 24;

const provider = openIfThere();
if (provider) {
  providerSuite(provider);
  wipeTests(provider);
  heapTests(provider);
}

/** A host without OpenSSL skips what needs it, by name; continuous integration must have it. */
function openIfThere(): Provider | undefined {
  try {
    return openLibcrypto();
  } catch (error) {
    Deno.test(`libcrypto: suite skipped (${error instanceof Error ? error.message : error})`, {
      ignore: !Deno.env.has("CI"),
    }, () => {
      throw error;
    });
    return undefined;
  }
}

Deno.test("openLibcrypto() says which names it tried when there is none", () => {
  assert.throws(
    () => openLibcrypto(["libcrypto-absent.so.3", "libcrypto-absent.so"]),
    /^Error: Cannot open OpenSSL's libcrypto \(tried libcrypto-absent\.so\.3, libcrypto-absent\.so\)/,
  );
});

Deno.test("openLibcrypto() refuses a library that is another", () => {
  assert.throws(() => openLibcrypto(["libc.so.6"]), /Cannot open OpenSSL's libcrypto \(tried libc\.so\.6\)/);
});

function wipeTests(provider: Provider): void {
  Deno.test("libcrypto: a wiped transform throws, and may be wiped again", () => {
    const memory = new PacketMemory(256);
    const cbc = provider.cbc("aes128", new Uint8Array(16), memory);
    const aead = provider.aead("aes128gcm16", new Uint8Array(16), memory);
    const mac = provider.mac("sha1-96", new Uint8Array(20), memory);
    cbc.encrypt(0, 32, 16);
    for (const transform of [cbc, aead, mac]) transform.wipe();
    for (const transform of [cbc, aead, mac]) transform.wipe();
    assert.throws(() => cbc.encrypt(0, 32, 16), /wiped/);
    assert.throws(() => cbc.decrypt(0, 32, 16), /wiped/);
    assert.throws(() => aead.seal(0, 16, 8, 32, 16), /wiped/);
    assert.throws(() => aead.open(0, 16, 8, 32, 16), /wiped/);
    assert.throws(() => mac.sign(0, 16, 32), /wiped/);
    assert.throws(() => mac.verify(0, 16, 32), /wiped/);
  });
}

function heapTests(provider: Provider): void {
  const memory = new PacketMemory(4096);
  const aead = provider.aead("aes128gcm16", new Uint8Array(16), memory);
  const cbc = provider.cbc("aes128", new Uint8Array(16), memory);
  const mac = provider.mac("sha1-96", new Uint8Array(20), memory);
  const HOT: [name: string, run: () => void][] = [
    ["seal()", () => aead.seal(0, 16, 8, 64, 1408)],
    ["open()", () => aead.open(0, 16, 8, 64, 1408)],
    ["encrypt()", () => cbc.encrypt(0, 64, 1408)],
    ["decrypt()", () => cbc.decrypt(0, 64, 1408)],
    ["sign()", () => mac.sign(32, 1440, 1472)],
    ["verify()", () => mac.verify(32, 1440, 1472)],
  ];
  for (const [name, run] of HOT) {
    Deno.test(`libcrypto: ${name} makes no object per packet`, () => {
      const perPacket = heapBytesPerCall(run, BIGINT_BYTES);
      assert.ok(perPacket <= BIGINT_BYTES, `${perPacket} bytes per packet`);
    });
  }
}
