import type { Provider } from "../../lib/crypto/provider.ts";
import { openLibcrypto } from "../../lib/ffi/libcrypto.ts";

/** Undefined on a host without OpenSSL: libcrypto_test.ts says why, and fails under CI=true. */
export function libcryptoIfThere(options: Parameters<typeof openLibcrypto>[1] = {}): Provider | undefined {
  try {
    return openLibcrypto(undefined, options);
  } catch {
    return undefined;
  }
}
