/** KE and nonce of both ends, and the keys that come of them (RFC 2409 §5). */
import { equalBytes } from "../crypto/constant_time.ts";
import { makeDh } from "../crypto/dh.ts";
import { IvChain } from "./cbc.ts";
import { NOTIFY } from "./constants.ts";
import type { Outcome, StepDeps } from "./exchange_table.ts";
import type { IsakmpState, Phase1Work } from "./isakmp_sa.ts";
import {
  deriveKeys,
  firstIv,
  type Phase1Keys,
  type Phase1Values,
  skeyidFromPsk,
  skeyidFromSignatures,
} from "./keys.ts";
import type { Payload } from "./payload.ts";
import { NONCE_BYTES, refuseNonce, refusePublicValue } from "./share_checks.ts";
import type { AuthMethod, IkeSuite } from "./suite.ts";

export type Failure = Extract<Outcome<IsakmpState>, { kind: "fail" }>;

export function fail(notify: number, text: string, lines: Failure["lines"] = []): Failure {
  return { kind: "fail", notify, text, lines };
}

export interface Share {
  readonly dh: NonNullable<Phase1Work["dh"]>;
  readonly nonce: Uint8Array;
  readonly payloads: readonly Payload[];
}

/** Our KE and nonce. */
export function makeShare(suite: Pick<IkeSuite, "group">, { random }: Pick<StepDeps, "random">): Share {
  const dh = makeDh(suite.group, random);
  const nonce = random(NONCE_BYTES);
  return { dh, nonce, payloads: [{ type: "KE", data: dh.publicValue }, { type: "NONCE", data: nonce }] };
}

/** @param who letter of the peer's role, `i` or `r` */
export function refuseShare(suite: IkeSuite, ke: Uint8Array, nonce: Uint8Array, who: "i" | "r"): Failure | undefined {
  const wrongValue = refusePublicValue(suite.group, ke);
  if (wrongValue !== undefined) return fail(NOTIFY.INVALID_KEY_INFORMATION, wrongValue);
  const wrongNonce = refuseNonce(nonce, who);
  return wrongNonce === undefined ? undefined : fail(NOTIFY.PAYLOAD_MALFORMED, wrongNonce);
}

export interface Agreed {
  readonly keys: Phase1Keys;
  readonly chain: IvChain;
}

/** @param peerKe the peer's public value */
export function agree(
  { suite, auth }: { readonly suite: IkeSuite; readonly auth: AuthMethod },
  dh: Share["dh"],
  peerKe: Uint8Array,
  values: Phase1Values,
  psk: Parameters<typeof skeyidFromPsk>[1] | undefined,
): Agreed | Failure {
  if (auth === "psk" && !psk) return fail(NOTIFY.AUTHENTICATION_FAILED, "preshared secret disappeared!");
  // With our cookie and nonce as well, our own proof would be the peer's.
  if (equalBytes(dh.publicValue, peerKe)) return fail(NOTIFY.INVALID_KEY_INFORMATION, "KE is our own, sent back to us");
  const gxy = dh.agree(peerKe);
  if (!gxy) return fail(NOTIFY.INVALID_KEY_INFORMATION, `KE has a DH public value that is not of ${suite.group}`);
  const skeyid = psk && auth === "psk"
    ? skeyidFromPsk(suite.hash, psk, values)
    : skeyidFromSignatures(suite.hash, gxy, values);
  const keys = deriveKeys(suite, skeyid, gxy, values);
  gxy.wipe();
  return { keys, chain: new IvChain(suite, keys.encryptionKey, firstIv(suite, values)) };
}

/** The keys are for nobody. */
export function discard({ keys }: Agreed, failure: Failure): Failure {
  for (const secret of Object.values(keys)) secret.wipe();
  return failure;
}
