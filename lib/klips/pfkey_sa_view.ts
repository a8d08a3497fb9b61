/** An SA as PF_KEY replies and EXPIRE messages tell of it: never its keys. */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import { COMP_DEFLATE, SA_FLAG, SA_STATE, TUNNEL_MODE } from "../pfkey/constants.ts";
import type { Extensions, LifetimeExtension, SaExtension } from "../pfkey/message.ts";
import { plainAddress } from "./pfkey_request.ts";
import { ALLOCATIONS, limitOf } from "./lifetime.ts";
import type { Sa } from "./sa.ts";

const STATES = { larval: SA_STATE.LARVAL, mature: SA_STATE.MATURE, dying: SA_STATE.DYING, dead: SA_STATE.DEAD };
/** The packets of a lifetime are 32 bits wide. */
const MOST_PACKETS = 0xffffffff;

/** SA, source and destination. */
export function saExtensions(sa: Sa): Extensions {
  return { sa: saExtension(sa), source: plainAddress(sa.source), destination: plainAddress(sa.id.destination) };
}

export function saExtension(sa: Sa): SaExtension {
  const flags = (sa.inbound ? SA_FLAG.INBOUND : 0) | (sa.policy ? SA_FLAG.INFLOW : 0) | (sa.esn ? SA_FLAG.ESN : 0);
  return {
    spi: sa.id.spi,
    replay: sa.replay?.size ?? 0,
    state: STATES[sa.state],
    ...(sa.state === "larval" ? { auth: 0, encrypt: 0 } : algorithmsOf(sa)),
    flags,
    ref: sa.ref,
  };
}

function algorithmsOf({ transform, source }: Sa): { auth: number; encrypt: number } {
  switch (transform.kind) {
    case "esp":
      return {
        auth: transform.auth ? AUTHENTICATORS[transform.auth].pfkey : 0,
        encrypt: CIPHERS[transform.cipher].pfkey,
      };
    case "ah":
      return { auth: AUTHENTICATORS[transform.auth].pfkey, encrypt: 0 };
    case "ipip":
      return { auth: 0, encrypt: source.family === "inet" ? TUNNEL_MODE.V4_IN_V4 : TUNNEL_MODE.V6_IN_V6 };
    case "comp":
      return { auth: 0, encrypt: COMP_DEFLATE };
  }
}

/** Instants are those of the engine's clock. */
export function currentOf(sa: Sa): LifetimeExtension {
  return {
    allocations: ALLOCATIONS,
    bytes: sa.bytesUsed,
    addtime: Math.floor(sa.addedAt),
    usetime: Math.floor(sa.firstUsedAt),
    packets: Math.min(sa.packetsUsed, MOST_PACKETS),
  };
}

export function limitsOf(sa: Sa, which: "soft" | "hard"): LifetimeExtension {
  return {
    allocations: limitOf(sa, "allocations")[which],
    bytes: limitOf(sa, "bytes")[which],
    addtime: limitOf(sa, "addtime")[which],
    usetime: limitOf(sa, "usetime")[which],
    packets: limitOf(sa, "packets")[which],
  };
}
