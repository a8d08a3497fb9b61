/**
 * Puts IP packets on a wire as they are, from whoever they claim to be. Run as a program in a host's network namespace
 * with a device, it sends what standard input holds, one packet a line in hexadecimal.
 */
import { fileURLToPath } from "node:url";
import { openIpOutput } from "../../lib/ffi/packet_sockets.ts";
import { SendBatch } from "../../lib/ffi/send_batch.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import type { Host } from "../../tools/_net.ts";

export async function inject(host: Host, device: string, packets: readonly Uint8Array[]): Promise<void> {
  const program = fileURLToPath(import.meta.url);
  const input = packets.map((packet) => `${packet.toHex()}\n`).join("");
  await host.run([Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", program, device], { input });
}

function send(device: string, packet: Uint8Array): void {
  const v4 = packet[0] >>> 4 === 4, addressBytes = v4 ? 4 : 16;
  const memory = new PacketMemory(1 << 16);
  memory.bytes.set(packet);
  const batch = new SendBatch(openIpOutput(device, addressBytes), memory, addressBytes);
  batch.packet(0, packet.length, v4 ? 16 : 24);
  batch.flush();
  if (batch.outcome.failed) throw new Error(`Cannot send: errno ${batch.outcome.error}`);
}

if (import.meta.main) {
  const text = await new Response(Deno.stdin.readable).text();
  for (const line of text.split("\n").filter(Boolean)) send(Deno.args[0], Uint8Array.fromHex(line));
}
