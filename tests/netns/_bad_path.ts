/**
 * A path that delivers packets late, twice, in another order, or not at all, as the numbers of a seed have it. Run as a
 * program on the router between two hosts, it stands in for forwarding, which must be off.
 */
import { fileURLToPath } from "node:url";
import { openIpOutput } from "../../lib/ffi/packet_sockets.ts";
import { PacketTap } from "../../lib/ffi/packet_tap.ts";
import { SendBatch } from "../../lib/ffi/send_batch.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { parseAddress } from "../../lib/text/address.ts";
import { type Daemon, type Host, until } from "../../tools/_net.ts";
import { chance } from "../ike/_two_engines.ts";

/** What happens to packets of one kind, each in so many of 100 cases. */
export interface Treatment {
  readonly lost: number;
  readonly twice: number;
  readonly late: number;
  /** Of those that are late; those that follow overtake them. */
  readonly mostMs: number;
}

export interface Ills {
  readonly seed: number;
  readonly ike: Treatment;
  /** Of all but IKE. */
  readonly data: Treatment;
}

export type Counts = Record<"passed" | "lost" | "twice" | "late", number>;

/** From which device to which; and who is there. */
type Way = readonly [from: string, to: string, address: string];

const WORKS = "the path is there";
const WAIT_MS = 1000;
const UDP = 17, UDP_BYTES = 8, IKE_PORT = 500, NATT_PORT = 4500;

export class BadPath {
  private constructor(readonly daemon: Daemon) {}

  static async start(router: Host, ills: Ills, ways: readonly [Way, Way]): Promise<BadPath> {
    await router.sysctl("net.ipv4.ip_forward", 0);
    const program = fileURLToPath(import.meta.url);
    const words = [program, JSON.stringify(ills), JSON.stringify(ways)];
    const daemon = router.start([Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", ...words]);
    await until(WORKS, () => {
      if (daemon.ended !== undefined) throw new Error(daemon.output);
      return daemon.output.includes(WORKS);
    });
    return new BadPath(daemon);
  }

  /** Ends it. @returns what it has done */
  async stop(): Promise<Counts> {
    const output = await this.daemon.stop("SIGINT");
    return JSON.parse(output.slice(output.indexOf("{")));
  }
}

class Sender {
  readonly #memory = new PacketMemory(1 << 16);
  readonly #batch: SendBatch;

  constructor(device: string) {
    this.#batch = new SendBatch(openIpOutput(device, 4), this.#memory, 4);
  }

  send(packet: Uint8Array): void {
    this.#memory.bytes.set(packet);
    this.#batch.packet(0, packet.length, 16);
    this.#batch.flush();
  }
}

/** IPv4 only. */
async function carry([from, to, address]: Way, { ike, data }: Ills, random: () => number, counts: Counts) {
  const tap = new PacketTap(from);
  const sender = new Sender(to);
  const parsed = parseAddress(address, "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  const { bytes } = parsed.value;
  const isFor = (packet: Uint8Array) => packet[0] >>> 4 === 4 && bytes.every((byte, i) => packet[16 + i] === byte);
  const happens = (percent: number) => random() * 100 < percent;
  const treat = (packet: Uint8Array) => {
    const { lost, twice, late, mostMs } = isIke(packet) ? ike : data;
    counts.passed++;
    if (happens(lost)) return counts.lost++;
    const copies = happens(twice) ? 2 : 1;
    counts.twice += copies - 1;
    for (let copy = 0; copy < copies; copy++) {
      if (!happens(late)) sender.send(packet);
      else {
        counts.late++;
        setTimeout(() => sender.send(packet), random() * mostMs);
      }
    }
  };
  for (;;) {
    for (let packet = tap.next(); packet; packet = tap.next()) {
      if (!isFor(packet)) continue;
      for (const one of datagramsOf(packet.slice())) treat(withoutChecksum(one));
    }
    await tap.wait(WAIT_MS);
  }
}

/**
 * Of ESP in UDP, datagrams that the sender has left for the device to cut (`UDP_SEGMENT`): each but the last is of one length,
 * and begins with the SPI of the first and the next sequence number.
 */
function datagramsOf(packet: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const headers = ((packet[0] & 15) << 2) + UDP_BYTES;
  if (packet[9] !== UDP || isIke(packet)) return [packet];
  const esp = new DataView(packet.buffer, packet.byteOffset + headers);
  const follows = (at: number) =>
    esp.getUint32(at) === esp.getUint32(0) && esp.getUint32(at + 4) === esp.getUint32(4) + 1;
  let size = 8;
  while (size + 8 <= esp.byteLength && !follows(size)) size++;
  if (size + 8 > esp.byteLength) return [packet];
  const datagrams = [];
  for (let at = headers; at < packet.length; at += size) {
    const body = packet.subarray(at, at + size);
    const one = new Uint8Array(headers + body.length);
    one.set(packet.subarray(0, headers));
    one.set(body, headers);
    // the kernel fills in IP's length and checksum
    new DataView(one.buffer).setUint16(headers - 4, UDP_BYTES + body.length);
    datagrams.push(one);
  }
  return datagrams;
}

/** Also what goes by port 4500, which a marker of zeros tells from ESP (RFC 3948 §2.2). */
function isIke(packet: Uint8Array): boolean {
  if (packet[9] !== UDP) return false;
  const udp = new DataView(packet.buffer, packet.byteOffset + ((packet[0] & 15) << 2));
  const has = (port: number) => udp.getUint16(0) === port || udp.getUint16(2) === port;
  if (has(IKE_PORT)) return true;
  return has(NATT_PORT) && udp.byteLength >= UDP_BYTES + 4 && udp.getUint32(UDP_BYTES) === 0;
}

/** Senders leave UDP's to the device, which has seen none of this: 0 is for none. */
function withoutChecksum(packet: Uint8Array): Uint8Array {
  if (packet[9] === UDP) packet.fill(0, ((packet[0] & 15) << 2) + 6, ((packet[0] & 15) << 2) + 8);
  return packet;
}

if (import.meta.main) {
  const ills: Ills = JSON.parse(Deno.args[0]);
  const ways: [Way, Way] = JSON.parse(Deno.args[1]);
  const counts: Counts = { passed: 0, lost: 0, twice: 0, late: 0 };
  const random = chance(ills.seed);
  Deno.addSignalListener("SIGINT", () => {
    console.log(JSON.stringify(counts));
    Deno.exit(0);
  });
  for (const way of ways) void carry(way, ills, random, counts);
  console.log(WORKS);
}
