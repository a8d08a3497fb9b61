/**
 * Records what passes a device into a file, as `tcpdump -w` does. tcpdump itself cannot in a user namespace: it insists
 * on changing its groups. A program: `_capture.ts DEVICE FILE [FILTER]`; it ends at SIGINT, with all that was seen before.
 */
import { type Instruction, PacketTap } from "../lib/ffi/packet_tap.ts";

/** What is said once packets are recorded. */
export const LISTENING = "listening on";

const SNAP_BYTES = 262144;
const LINKTYPE_ETHERNET = 1;
const PAUSE_MS = 50;

/** pcap-savefile(5). */
export function fileHeader(): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAP_BYTES, true);
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  return bytes;
}

/** A packet with its header, in one piece, so that a reader never sees half of it for long. */
export function record(packet: Uint8Array, atMs: number): Uint8Array {
  const bytes = new Uint8Array(16 + packet.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(atMs / 1000), true);
  view.setUint32(4, Math.floor(atMs % 1000 * 1000), true);
  view.setUint32(8, packet.length, true);
  view.setUint32(12, packet.length, true);
  bytes.set(packet, 16);
  return bytes;
}

/** A filter in the words of pcap-filter(7), which tcpdump translates. */
async function compile(device: string, words: readonly string[]): Promise<Instruction[]> {
  if (words.length === 0) return [];
  const { code, stdout, stderr } = await new Deno.Command("tcpdump", { args: ["-i", device, "-ddd", ...words] })
    .output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  const [, ...lines] = new TextDecoder().decode(stdout).trim().split("\n");
  return lines.map((line) => line.split(" ").map(Number) as [number, number, number, number]);
}

if (import.meta.main) {
  const [device, path, ...words] = Deno.args;
  const tap = new PacketTap(device, { link: true, filter: await compile(device, words) });
  const file = await Deno.open(path, { write: true, create: true, truncate: true });
  file.writeSync(fileHeader());
  let ending = false;
  Deno.addSignalListener("SIGINT", () => ending = true);
  console.log(`${LISTENING} ${device}`);
  for (let last = false; !last;) {
    last = ending; // what came before the signal is read once more
    for (let packet = tap.next(); packet; packet = tap.next()) file.writeSync(record(packet, Date.now()));
    if (!last) await tap.wait(PAUSE_MS);
  }
  Deno.exit(0);
}
