/**
 * What the engine costs per packet, without devices and system calls: `deno run -A bench/engine_bench.ts [ALGORITHM]`.
 * West seals trains of TCP segments as the TUN device brings them; east opens what west sent.
 */
import { openLibcrypto } from "../lib/ffi/libcrypto.ts";
import type { Outlet } from "../lib/klips/device.ts";
import { address, Gateway, ipHeader } from "../tests/klips/_gateway.ts";
import { finishTransportChecksum } from "../lib/packet/checksum.ts";

const algorithm = Deno.args[0] ?? "aes128gcm16";
const rounds = Number(Deno.args[1] ?? 3000);
// one library for both: calls of two would not be inlined
const libcrypto = openLibcrypto();
const west = new Gateway(["192.0.2.1"], libcrypto), east = new Gateway(["192.0.2.2"], libcrypto);
for (const gateway of [west, east]) {
  gateway.group(
    gateway.sa("tun.1000@192.0.2.2", "192.0.2.1", "ipip"),
    gateway.sa("esp.1000@192.0.2.2", "192.0.2.1", algorithm),
  );
}
west.eroute("10.1.0.0/24", "10.2.0.0/24", "tun.1000@192.0.2.2");

/** Remembers where packets lie instead of sending them. */
const sent = { at: new Int32Array(8192), length: new Int32Array(8192), count: 0 };
const quiet: Outlet = {
  name: "eth0",
  mtu: 1500,
  packet(at, length) {
    sent.at[sent.count] = at;
    sent.length[sent.count++] = length;
  },
  superPacket: () => false,
  datagram() {},
  flush() {},
  address: () => undefined,
};
west.device.outlet = quiet;
let delivered = 0;
east.device.inlet = { write: (_at, length) => (delivered += length, true), answer() {} };

/** A train of TCP segments of `size` bytes each as one super-packet, checksum left to us. */
function train(segments: number, size: number): { packet: Uint8Array; header: Uint8Array } {
  const tcp = new Uint8Array(32);
  tcp.set([0x13, 0x89, 0x13, 0x89, 0, 0, 0, 1, 0, 0, 0, 1, 0x80, 0x10, 1, 0, 0, 0, 0, 0, 1, 1, 8, 10]);
  const payload = segments * size;
  const head = ipHeader(address("10.1.0.10").bytes, address("10.2.0.10").bytes, 6, tcp.length + payload);
  const packet = new Uint8Array(head.length + tcp.length + payload);
  packet.set(head);
  packet.set(tcp, head.length);
  for (let i = 52; i < packet.length; i++) packet[i] = i * 31;
  const header = new Uint8Array(10);
  if (segments > 1) {
    header.set([1, 1, 52, 0, size & 0xff, size >>> 8, 20, 0, 16, 0]);
  } else {
    west.memory.bytes.set(packet, 4108);
    finishTransportChecksum(west.memory, 4108, 20, packet.length, 6);
    packet.set(west.memory.bytes.subarray(4108, 4108 + packet.length));
  }
  return { packet, header };
}

for (
  const [name, segments, size] of [["trains of 46 segments of 1368 bytes", 46, 1368], [
    "single packets of 64 bytes",
    1,
    12,
  ]] as const
) {
  const { packet, header } = train(segments, size);
  let best = [Infinity, Infinity];
  for (let attempt = 0; attempt < 5; attempt++) {
    let out = 0, inn = 0, packets = 0;
    const n = segments > 1 ? rounds : rounds * 20;
    for (let round = 0; round < n; round++) {
      west.memory.bytes.set(header, 4098);
      west.memory.bytes.set(packet, 4108);
      sent.count = 0;
      west.engine.tick();
      const started = performance.now();
      west.engine.outbound.accept(west.device, 4098, 10 + packet.length);
      const sealed = performance.now();
      packets += sent.count;
      for (let i = 0; i < sent.count; i++) {
        east.memory.bytes.set(west.memory.bytes.subarray(sent.at[i], sent.at[i] + sent.length[i]), 600_000 + i * 2048);
      }
      const ready = performance.now();
      for (let i = 0; i < sent.count; i++) {
        east.engine.inbound.accept(east.device, 600_000 + i * 2048, sent.length[i], undefined);
      }
      east.engine.flush();
      inn += performance.now() - ready;
      out += sealed - started;
      west.engine.flush();
    }
    best = [Math.min(best[0], out / packets * 1000), Math.min(best[1], inn / packets * 1000)];
  }
  console.log(`${algorithm}, ${name}: out ${best[0].toFixed(2)} us, in ${best[1].toFixed(2)} us a packet`);
}
if (delivered === 0) throw new Error(`nothing was delivered: ${JSON.stringify(east.device.counters)}`);
