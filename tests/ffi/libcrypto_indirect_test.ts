/**
 * libcrypto through OpenSSL's providers, as where its methods cannot be copied. In a file of its own: calls of two
 * libraries in one program are slower, and the other file counts what they leave on the heap.
 */
import type { Provider } from "../../lib/crypto/provider.ts";
import { openLibcrypto } from "../../lib/ffi/libcrypto.ts";
import { providerSuite } from "../crypto/provider_suite.ts";

function openIfThere(): Provider | undefined {
  try {
    return openLibcrypto(undefined, { direct: false });
  } catch {
    return undefined; // libcrypto_test.ts says why
  }
}

const provider = openIfThere();
if (provider) providerSuite(provider);
