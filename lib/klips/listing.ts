/** The listings of KLIPS, in the bytes that /proc/net/ipsec_* had (klips.md §2-§6), and the same facts for JSON. */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import { formatAddress } from "../text/address.ts";
import { formatSaId, SA_PROTOCOLS } from "../text/sa_id.ts";
import { formatSubnet, formatSubnetWithPort } from "../text/subnet.ts";
import type { InterfaceCounters } from "./counters.ts";
import { DROPS } from "./counters.ts";
import type { Eroute } from "./eroute.ts";
import { ALLOCATIONS, countOf, limitOf } from "./lifetime.ts";
import type { LifetimeKind, Sa } from "./sa.ts";

/** What `ipsec tncfg` lists of a virtual device. */
export interface DeviceDescription {
  readonly virtual: string;
  readonly physical: string | undefined;
  readonly mtu: number;
  readonly effectiveMtu: number;
  readonly physicalMtu: number;
  readonly counters: InterfaceCounters;
}

/** klips.md §2. */
export function erouteLine({ selector, saId, count }: Eroute): string {
  const source = formatSubnetWithPort(selector.source).padEnd(18);
  const destination = formatSubnetWithPort(selector.destination).padEnd(18);
  const protocol = selector.protocol ? `:${selector.protocol}` : "";
  return `${String(count).padEnd(10)} ${source} -> ${destination} => ${formatSaId(saId, "x")}${protocol}\n`;
}

export function erouteJson({ selector, saId, count, firstHeld, lastHeld }: Eroute) {
  return {
    count,
    source: formatSubnet(selector.source),
    sourcePort: selector.source.port,
    destination: formatSubnet(selector.destination),
    destinationPort: selector.destination.port,
    protocol: selector.protocol,
    sa: formatSaId(saId, "x"),
    heldPackets: (firstHeld ? 1 : 0) + (lastHeld ? 1 : 0),
  };
}

const TRANSFORM_OF: Readonly<Record<number, string>> = {
  [SA_PROTOCOLS.ah]: "AH",
  [SA_PROTOCOLS.esp]: "ESP",
  [SA_PROTOCOLS.tun]: "IPIP",
  [SA_PROTOCOLS.comp]: "COMP",
};

/** The XFORM column of klips.md §3. */
export function transformName(sa: Sa): string {
  const t = sa.transform;
  if (sa.state === "larval") return TRANSFORM_OF[sa.id.protocol] ?? "UNKNOWN_proto"; // no algorithms yet
  switch (t.kind) {
    case "ipip":
      return "IPIP";
    case "comp":
      return "COMP_DEFLATE";
    case "ah":
      return `AH_${AUTHENTICATORS[t.auth].listing}`;
    case "esp":
      return `ESP_${CIPHERS[t.cipher].listing}${t.auth ? `_${AUTHENTICATORS[t.auth].listing}` : ""}`;
  }
}

/** @param used the raw counter, which decides whether an item without limits is shown */
function lifetimeItem(name: string, sa: Sa, kind: LifetimeKind, used: number, now: number): string {
  const { soft, hard } = limitOf(sa, kind);
  return used > 1 || soft > 0 || hard > 0 ? `${name}(${Math.floor(countOf(sa, kind, now))},${soft},${hard})` : "";
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Neighbours of an SA, itself, the table and the listing hold a reference each (klips.md §3). */
function referenceCount(sa: Sa): number {
  return 3 + (sa.inner ? 1 : 0) + (sa.outer ? 1 : 0);
}

/** klips.md §3. @param now the engine's clock, in seconds */
export function saLine(sa: Sa, now: number, debugXform: boolean): string {
  const t = sa.transform;
  let line = `${formatSaId(sa.id, "x")} ${transformName(sa)}: dir=${sa.inbound ? "in " : "out"} src=${
    formatAddress(sa.source)
  }`;
  if (sa.policy) line += ` policy=${formatSubnet(sa.policy.source)}->${formatSubnet(sa.policy.destination)}`;
  if (t.kind === "esp") line += ` iv_bits=${t.ivBytes * 8}bits iv=0x${hex(t.iv)}`;
  if (t.kind === "esp" || t.kind === "ah") line += sequenceFields(sa);
  if (sa.policy) line += " flags=0x8<>";
  if (t.kind === "ah" || t.kind === "esp" && t.auth) {
    const row = AUTHENTICATORS[t.auth!];
    line += ` alen=${row.digestBits} aklen=${row.keyBits}`;
  }
  if (sa.authErrors) line += ` auth_errs=${sa.authErrors}`;
  if (t.kind === "esp") {
    line += ` eklen=${CIPHERS[t.cipher].keyBits}`;
    if (sa.sizeErrors) line += ` encr_size_errs=${sa.sizeErrors}`;
    if (sa.padErrors) line += ` encr_pad_errs=${sa.padErrors}`;
  }
  line += ` life(c,s,h)=${lifetimeItem("alloc", sa, "allocations", ALLOCATIONS, now)}`;
  line += lifetimeItem("bytes", sa, "bytes", sa.bytesUsed, now);
  line += lifetimeItem("addtime", sa, "addtime", sa.addedAt, now);
  line += lifetimeItem("usetime", sa, "usetime", sa.firstUsedAt, now);
  line += lifetimeItem("packets", sa, "packets", sa.packetsUsed, now);
  if (sa.lastUsedAt > 0) line += ` idle=${Math.floor(now - sa.lastUsedAt)}`;
  if (t.kind === "comp" && t.uncompressedBytes > 0) line += ` ratio=${t.uncompressedBytes}:${t.compressedBytes}`;
  if (sa.udp) line += ` natencap=espinudp natsport=${sa.udp.sport} natdport=${sa.udp.dport}`;
  line += ` refcount=${referenceCount(sa)} ref=${sa.ref}`;
  if (debugXform) line += ` reftable=${sa.ref >> 8} refentry=${sa.ref & 0xff}`;
  return `${line}\n`;
}

function sequenceFields(sa: Sa): string {
  const window = sa.inbound ? sa.replay : undefined;
  const size = sa.replay?.size ?? 0;
  const sequence = sa.inbound ? (window?.high ?? 0) * 4294967296 + (window?.low ?? 0) : sequenceOf(sa);
  let fields = "";
  if (size) fields += ` ooowin=${size}`;
  if (sa.sequenceErrors) fields += ` ooo_errs=${sa.sequenceErrors}`;
  if (sequence) fields += ` seq=${sequence}`;
  if (window && sequence) fields += ` bit=0x${window.bitmap()}`;
  if (window?.largestGap) fields += ` max_seq_diff=${window.largestGap}`;
  if (sa.esn) fields += " esn=1";
  return fields;
}

function sequenceOf(sa: Sa): number {
  return sa.sequenceHigh * 4294967296 + sa.sequenceLow;
}

export function saJson(sa: Sa, now: number) {
  const t = sa.transform;
  const life = (kind: LifetimeKind) => ({ current: Math.floor(countOf(sa, kind, now)), ...limitOf(sa, kind) });
  return {
    said: formatSaId(sa.id, "x"),
    transform: transformName(sa),
    direction: sa.inbound ? "in" : "out",
    source: formatAddress(sa.source),
    state: sa.state,
    policy: sa.policy && {
      source: formatSubnet(sa.policy.source),
      destination: formatSubnet(sa.policy.destination),
      protocol: sa.policy.protocol,
    },
    cipher: t.kind === "esp" ? t.cipher : undefined,
    authenticator: t.kind === "esp" || t.kind === "ah" ? t.auth : undefined,
    replayWindow: sa.replay?.size ?? 0,
    extendedSequenceNumbers: sa.esn,
    sequence: sa.inbound ? (sa.replay?.high ?? 0) * 4294967296 + (sa.replay?.low ?? 0) : sequenceOf(sa),
    errors: {
      sequence: sa.sequenceErrors,
      authentication: sa.authErrors,
      size: sa.sizeErrors,
      padding: sa.padErrors,
    },
    life: {
      allocations: life("allocations"),
      bytes: life("bytes"),
      addtime: life("addtime"),
      usetime: life("usetime"),
      packets: life("packets"),
    },
    idleSeconds: sa.lastUsedAt > 0 ? Math.floor(now - sa.lastUsedAt) : undefined,
    udp: sa.udp && {
      sport: sa.udp.sport,
      dport: sa.udp.dport,
      peer: sa.udp.peer && formatAddress(sa.udp.peer),
    },
    ratio: t.kind === "comp" ? [t.uncompressedBytes, t.compressedBytes] : undefined,
    ref: sa.ref,
  };
}

/** klips.md §4: each SAID is followed by a blank. */
export function chainLine(chain: readonly Sa[]): string {
  return `${chain.map((sa) => `${formatSaId(sa.id, "x")} `).join("")}\n`;
}

/** klips.md §5. */
export function deviceLine({ virtual, physical, mtu, effectiveMtu, physicalMtu }: DeviceDescription): string {
  return `${virtual} -> ${physical ?? "NULL"} mtu=${mtu}(${effectiveMtu}) -> ${physicalMtu}\n`;
}

export function deviceJson({ counters: _, ...device }: DeviceDescription) {
  return { ...device, physical: device.physical ?? null };
}

/** Counters of a device and every reason for which it dropped packets. */
export function counterJson({ virtual, physical, counters }: DeviceDescription) {
  const { drops, ...totals } = counters;
  const reasons = DROPS.flatMap(({ name }, i) => drops[i] > 0 ? [[name, drops[i]] as const] : []);
  return { interface: virtual, physical: physical ?? null, ...totals, drops: Object.fromEntries(reasons) };
}

export function counterText(device: DeviceDescription): string {
  const c = device.counters;
  const reasons = DROPS.flatMap(({ text }, i) =>
    c.drops[i] > 0 ? [`    ${String(c.drops[i]).padStart(10)} ${text}\n`] : []
  );
  return `${device.virtual} -> ${device.physical ?? "NULL"}\n` +
    `  in:  ${c.rxPackets} packets, ${c.rxBytes} bytes, ${c.rxDropped} dropped, ${c.rxErrors} errors\n` +
    `  out: ${c.txPackets} packets, ${c.txBytes} bytes, ${c.txDropped} dropped, ${c.txErrors} errors\n` +
    reasons.join("");
}
