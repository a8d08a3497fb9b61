/** Diffie-Hellman on the curves P-256, P-384 and P-521 (RFC 5903): a public value is x | y, a shared secret x alone. */
import { p521 } from "@noble/curves/nist.js";
import { createECDH } from "node:crypto";
import type { DhKey } from "./dh_key.ts";
import { type GroupName, GROUPS } from "./dh_groups.ts";
import type { RandomBytes } from "./prime.ts";
import { Secret } from "./secret.ts";

export type EcpName = Extract<GroupName, `ecp${string}`>;

/** Uncompressed point (SEC 1 §2.3.3). */
const UNCOMPRESSED = 0x04;
/** The curves' orders begin with 0xff: that one draw fails has a probability of 2^-32 at most, but for bad sources. */
const MOST_DRAWS = 16;

/** Both throw for a number that is no private key, agree() for a point that is not on the curve. */
interface Curve {
  /** Bits of the first byte of a private key that count. */
  readonly firstByteMask: number;
  publicPoint(secret: Uint8Array): Uint8Array;
  agree(secret: Uint8Array, point: Uint8Array): Uint8Array;
}

const CURVES: Record<EcpName, Curve> = {
  ecp256: runtimeCurve("prime256v1"),
  ecp384: runtimeCurve("secp384r1"),
  // Deno 2.9 has no P-521.
  ecp521: {
    firstByteMask: 0x01,
    publicPoint: (secret) => p521.getPublicKey(secret, false),
    agree: (secret, point) => p521.getSharedSecret(secret, point, true).subarray(1),
  },
};

function runtimeCurve(name: string): Curve {
  const keyed = (secret: Uint8Array) => {
    const ecdh = createECDH(name);
    ecdh.setPrivateKey(secret);
    return ecdh;
  };
  return {
    firstByteMask: 0xff,
    publicPoint: (secret) => keyed(secret).getPublicKey(),
    agree: (secret, point) => keyed(secret).computeSecret(point),
  };
}

export function makeEcp(group: EcpName, random: RandomBytes): DhKey {
  const { publicBytes } = GROUPS[group];
  const curve = CURVES[group];
  const { secret, point } = drawKey(curve, publicBytes / 2, random);
  return {
    group,
    publicValue: new Uint8Array(point.subarray(1)),
    agree(peerPublic) {
      if (peerPublic.length !== publicBytes) return undefined;
      const peerPoint = new Uint8Array(1 + publicBytes);
      peerPoint[0] = UNCOMPRESSED;
      peerPoint.set(peerPublic, 1);
      try {
        const x = curve.agree(secret.reveal(), peerPoint);
        const shared = new Secret(x);
        x.fill(0);
        return shared;
      } catch {
        return undefined; // the key was good once: only the point is left to be wrong
      }
    },
    wipe: () => secret.wipe(),
  };
}

/** Numbers over the curve's order are drawn anew, so that all below it are equally likely (FIPS 186-5, A.2.2). */
function drawKey(curve: Curve, bytes: number, random: RandomBytes): { secret: Secret; point: Uint8Array } {
  for (let draws = 0; draws < MOST_DRAWS; draws++) {
    const drawn = random(bytes);
    drawn[0] &= curve.firstByteMask;
    const secret = new Secret(drawn);
    drawn.fill(0);
    try {
      return { secret, point: curve.publicPoint(secret.reveal()) };
    } catch {
      secret.wipe();
    }
  }
  throw new RangeError("Cannot make a key for Diffie-Hellman: the source of random bytes gives no usable ones");
}
