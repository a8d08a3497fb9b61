/** What is said about payloads that may stand in any message, and that no step looks at (pluto.md §8.1, check 10). */
import { FLAG, NOTIFY, notifyName } from "./constants.ts";
import type { Line, Message } from "./exchange_table.ts";
import { findVendorId, VENDOR_IDS, vendorIdText } from "./vendor_ids.ts";

/** Some steps heed these. */
const HEEDED: ReadonlySet<number> = new Set<number>([NOTIFY.IPSEC_INITIAL_CONTACT, NOTIFY.IPSEC_RESPONDER_LIFETIME]);

export function remarks({ header, payloads, encrypted }: Message): Line[] {
  const lines: Line[] = [];
  if (header.flags & FLAG.COMMIT) {
    const text = "IKE message has the Commit Flag set but Pluto doesn't implement this feature; ignoring flag";
    lines.push({ code: 2, text });
  }
  for (const payload of payloads) {
    if (payload.type === "N" && !HEEDED.has(payload.notify)) {
      lines.push({ code: 3, text: `ignoring informational payload, type ${notifyName(payload.notify)}` });
    } else if (payload.type === "D") {
      const why = encrypted ? "not in an Informational Exchange" : "not encrypted";
      lines.push({ code: 3, text: `ignoring Delete SA payload: ${why}` });
    } else if (payload.type === "VID") lines.push({ code: 2, text: aboutVendor(payload.data) });
  }
  return lines;
}

function aboutVendor(data: Uint8Array): string {
  const name = findVendorId(data);
  return name === undefined
    ? `received Vendor ID Payload; ASCII hash: ${vendorIdText(data)}`
    : `received Vendor ID payload [${VENDOR_IDS[name].name}]`;
}
