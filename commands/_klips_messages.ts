/** The PF_KEY request for an SA whose algorithms have names. */
import type { Algorithms } from "../lib/crypto/algorithm_names.ts";
import { AUTHENTICATORS, CIPHERS } from "../lib/crypto/algorithms.ts";
import { COMP_DEFLATE } from "../lib/pfkey/constants.ts";
import type { PfkeyRequest } from "../lib/pfkey/client.ts";
import { addSa, type NewSa } from "../lib/pfkey/requests.ts";

export interface NamedSa extends Omit<NewSa, "auth" | "encrypt"> {
  readonly algorithms: Algorithms;
  readonly deflate: boolean;
}

export function addNamedSa({ algorithms: { auth, cipher }, deflate, ...made }: NamedSa): PfkeyRequest {
  const encrypt = cipher ? CIPHERS[cipher].pfkey : deflate ? COMP_DEFLATE : 0;
  return addSa({ ...made, auth: auth ? AUTHENTICATORS[auth].pfkey : 0, encrypt });
}
