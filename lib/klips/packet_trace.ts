/**
 * What `ipsec klipsdebug` shows of packets on their way (klips.md §20): headers, choices, SAs, reasons for dropping; with
 * `verbose` also what goes over the wire, which is encrypted. Costs one comparison per packet while nothing is wanted.
 */
import type { PacketMemory } from "../packet/memory.ts";
import { formatAddress } from "../text/address.ts";
import { formatSaId } from "../text/sa_id.ts";
import { DROPS } from "./counters.ts";
import type { Eroute } from "./eroute.ts";
import { transformName } from "./listing.ts";
import type { Sa, Transform } from "./sa.ts";
import type { Sysctls } from "./sysctl.ts";

/** Bits of the variables, by their names in klips.md §20. */
const TUNNEL = { XMIT: 0x010, OHDR: 0x020, CROUT: 0x040, OXFS: 0x080 } as const;
const RADIJ = { FINDROUTE: 0x002 } as const;
const RCV = { PKTRX: 0x001, IPSA: 0x010, XF: 0x020 } as const;
const LAYER = { XF: 0x020 } as const;

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };
const ICMP = [1, 58], WITH_PORTS = [6, 17];
const DUMPED_BYTES = 256;

export class PacketTrace {
  /** Whether anything of packets is to be shown; kept by `refresh`. */
  on = false;

  constructor(readonly sysctls: Sysctls, readonly log: (text: string) => void) {}

  /** Once for each batch of packets. */
  refresh(): void {
    const s = this.sysctls;
    this.on = (s.debugTunnel | s.debugRadij | s.debugRcv | s.debugEsp | s.debugAh | s.debugIpcomp) !== 0;
  }

  // Out

  routed(device: string, memory: PacketMemory, at: number, length: number, segments: number): void {
    if (!(this.sysctls.debugTunnel & TUNNEL.XMIT)) return;
    const train = segments > 1 ? `, a train of ${segments} segments` : "";
    this.#say("xmit", `${device}: ${describePacket(memory, at, length)}${train}`);
  }

  found(eroute: Eroute | undefined): void {
    const wanted = this.sysctls.debugTunnel & TUNNEL.CROUT || this.sysctls.debugRadij & RADIJ.FINDROUTE;
    if (wanted) this.#say("findroute", eroute ? `eroute to ${formatSaId(eroute.saId, "x")}` : "no eroute");
  }

  sealed(sa: Sa, before: number, after: number): void {
    if (!(this.sysctls.debugTunnel & TUNNEL.OXFS) && !this.#layer(sa.transform)) return;
    this.#say("xmit", `${nameOf(sa)}: ${before} bytes in, ${after} out${sequenceOf(sa)}`);
  }

  sending(device: string, memory: PacketMemory, at: number, length: number): void {
    if (!(this.sysctls.debugTunnel & TUNNEL.OHDR)) return;
    this.#say("xmit", `${device}: sending ${describePacket(memory, at, length)}`);
    this.#dump("xmit", memory, at, length);
  }

  // In

  received(device: string, memory: PacketMemory, at: number, length: number): void {
    if (!(this.sysctls.debugRcv & RCV.PKTRX)) return;
    this.#say("rcv", `${device}: ${describePacket(memory, at, length)}`);
    this.#dump("rcv", memory, at, length);
  }

  looked(sa: Sa | undefined, protocol: number, spi: number): void {
    if (!(this.sysctls.debugRcv & RCV.IPSA)) return;
    this.#say("rcv", sa ? `SA ${nameOf(sa)}` : `no SA of protocol ${protocol} with SPI 0x${(spi >>> 0).toString(16)}`);
  }

  opened(sa: Sa, before: number, after: number): void {
    if (!(this.sysctls.debugRcv & RCV.XF) && !this.#layer(sa.transform)) return;
    this.#say("rcv", `${nameOf(sa)}: ${before} bytes in, ${after} out`);
  }

  delivered(device: string, memory: PacketMemory, at: number, length: number): void {
    if (this.sysctls.debugRcv & RCV.PKTRX) {
      this.#say("rcv", `${device}: to the host: ${describePacket(memory, at, length)}`);
    }
  }

  // Both

  /** @param reason index into {@linkcode DROPS} */
  dropped(device: string, reason: number, packets: number): void {
    const { counter, name, text } = DROPS[reason];
    const out = counter === "txDropped" || counter === "txErrors";
    if (out ? this.sysctls.debugTunnel === 0 : this.sysctls.debugRcv === 0) return;
    const many = packets > 1 ? `${packets} packets` : "packet";
    this.#say(out ? "xmit" : "rcv", `${device}: ${many} dropped: ${text} (${name})`);
  }

  #layer({ kind }: Transform): boolean {
    if (kind === "esp") return (this.sysctls.debugEsp & LAYER.XF) !== 0;
    if (kind === "ah") return (this.sysctls.debugAh & LAYER.XF) !== 0;
    return kind === "comp" && this.sysctls.debugIpcomp !== 0;
  }

  #dump(where: string, memory: PacketMemory, at: number, length: number): void {
    if (this.sysctls.debugVerbose === 0) return;
    const bytes = memory.bytes.subarray(at, at + Math.min(length, DUMPED_BYTES));
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#say(where, `${hex}${length > DUMPED_BYTES ? "..." : ""}`);
  }

  #say(where: string, text: string): void {
    this.log(`klips_debug:${where}: ${text}`);
  }
}

function nameOf(sa: Sa): string {
  return `${formatSaId(sa.id, "x")} ${transformName(sa)}`;
}

function sequenceOf({ transform: { kind }, sequenceHigh, sequenceLow }: Sa): string {
  return kind === "esp" || kind === "ah" ? `, number ${sequenceHigh * 2 ** 32 + sequenceLow}` : "";
}

/** One line about a packet whose IP header has been checked, in the form of klips.md §20. */
export function describePacket(memory: PacketMemory, at: number, length: number): string {
  const { bytes, view } = memory;
  const v4 = bytes[at] >>> 4 === 4;
  const header = v4 ? (bytes[at] & 0x0f) << 2 : 40;
  const protocol = bytes[at + (v4 ? 9 : 6)];
  const addressBytes = v4 ? 4 : 16;
  const address = (offset: number) =>
    formatAddress({
      family: v4 ? "inet" : "inet6",
      bytes: bytes.slice(at + offset, at + offset + addressBytes),
    });
  const later = v4 && (view.getUint16(at + 6) & 0x1fff) !== 0;
  const payload = at + header;
  const ports = WITH_PORTS.includes(protocol) && !later && header + 4 <= length;
  const port = (offset: number) => ports ? `:${view.getUint16(payload + offset)}` : "";
  const name = PROTOCOL_NAMES[protocol] ? ` (${PROTOCOL_NAMES[protocol]})` : "";
  let text: string;
  if (v4) {
    const fragment = view.getUint16(at + 6);
    const flags = `${fragment & 0x8000 ? "CE " : ""}${fragment & 0x4000 ? "DF " : ""}${fragment & 0x2000 ? "MF " : ""}`;
    text = `IP: ihl:${header} ver:4 tos:${bytes[at + 1]} tlen:${view.getUint16(at + 2)} id:${view.getUint16(at + 4)} ` +
      `${flags}frag_off:${(fragment & 0x1fff) << 3} ttl:${bytes[at + 8]} proto:${protocol}${name} ` +
      `chk:${view.getUint16(at + 10)} saddr:${address(12)}${port(0)} daddr:${address(16)}${port(2)}`;
  } else {
    text = `IP: ver:6 tclass:${view.getUint16(at) >>> 4 & 0xff} plen:${view.getUint16(at + 4)} hlim:${bytes[at + 7]} ` +
      `next:${protocol}${name} saddr:${address(8)}${port(0)} daddr:${address(24)}${port(2)}`;
  }
  if (ICMP.includes(protocol) && !later && header + 2 <= length) {
    text += ` type:code=${bytes[payload]}:${bytes[payload + 1]}`;
  }
  return text;
}
