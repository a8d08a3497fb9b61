/**
 * libcrypto through OpenSSL's providers, as where its methods cannot be copied. In a file of its own: calls of two
 * libraries in one program are slower, and the other file counts what they leave on the heap.
 */
import { providerSuite } from "../crypto/provider_suite.ts";
import { libcryptoIfThere } from "./_libcrypto.ts";

const provider = libcryptoIfThere({ direct: false });
if (provider) providerSuite(provider);
