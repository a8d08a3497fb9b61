/** RESPONDER-LIFETIME: the peer's SA ends before the lifetime that was agreed upon (RFC 2407 §4.6.3.1). */
import { attributeNumber, decodeAttributes } from "./attribute_codec.ts";
import { Malformed, Reader } from "./bytes.ts";
import { IPSEC_ATTRIBUTE, LIFE_TYPE, OAKLEY } from "./constants.ts";
import type { Attribute } from "./payload.ts";

const MOST_ATTRIBUTES = 16;
/** Numbers of phase 2, and of phase 1, where some peers use its own. */
const TYPES: readonly number[] = [IPSEC_ATTRIBUTE.SA_LIFE_TYPE, OAKLEY.LIFE_TYPE];
const DURATIONS: readonly number[] = [IPSEC_ATTRIBUTE.SA_LIFE_DURATION, OAKLEY.LIFE_DURATION];
/** Less would have us do nothing but replace SAs. */
const LEAST_SECONDS = 60;

/** @returns the seconds, or undefined where the notification says none, as when it counts kilobytes */
export function responderLifetime(data: Uint8Array): number | undefined {
  let inSeconds = false;
  for (const attribute of readAttributes(data)) {
    if (TYPES.includes(attribute.type)) inSeconds = attributeNumber(attribute) === LIFE_TYPE.SECONDS;
    else if (inSeconds && DURATIONS.includes(attribute.type)) {
      const seconds = attributeNumber(attribute);
      return seconds === undefined ? undefined : Math.max(seconds, LEAST_SECONDS);
    }
  }
  return undefined;
}

function readAttributes(data: Uint8Array): readonly Attribute[] {
  try {
    return decodeAttributes(new Reader(data, "RESPONDER-LIFETIME"), "ISAKMP IPsec DOI attribute", MOST_ATTRIBUTES);
  } catch (error) {
    if (error instanceof Malformed) return [];
    throw error;
  }
}
