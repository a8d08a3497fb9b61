/**
 * Traffic between two hosts for machines that have no ping(8) or iperf3(1): a program with four parts.
 *
 *     echo ADDRESS PORT             sends back every datagram
 *     ask ADDRESS PORT TEXT         sends three, and fails where one is not answered within a second
 *     sink ADDRESS PORT             takes one TCP connection, and says how much came how fast
 *     source ADDRESS PORT SECONDS   fills one
 */
import { fileURLToPath } from "node:url";

/** Words that start a part of this program. */
export function trafficCommand(...words: string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", fileURLToPath(import.meta.url), ...words];
}

export const READY = "ready";

function datagramSocket(hostname: string, port: number): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port });
}

async function echo(hostname: string, port: number): Promise<void> {
  const socket = datagramSocket(hostname, port);
  console.log(READY);
  for await (const [bytes, from] of socket) await socket.send(bytes, from);
}

async function ask(hostname: string, port: number, text: string): Promise<void> {
  const socket = datagramSocket(hostname.includes(":") ? "::" : "0.0.0.0", 0);
  for (let i = 1; i <= 3; i++) {
    const began = performance.now();
    await socket.send(new TextEncoder().encode(text), { transport: "udp", hostname, port });
    const timer = setTimeout(() => socket.close(), 1000);
    let answer;
    try {
      [answer] = await socket.receive();
    } catch {
      console.error(`no answer from ${hostname}`);
      Deno.exit(1);
    }
    clearTimeout(timer);
    console.log(`${answer.length} bytes from ${hostname}: number ${i}, ${(performance.now() - began).toFixed(2)} ms`);
  }
  Deno.exit(0);
}

async function sink(hostname: string, port: number): Promise<void> {
  const listener = Deno.listen({ hostname, port });
  console.log(READY);
  const connection = await listener.accept();
  const buffer = new Uint8Array(1 << 18);
  const began = performance.now();
  let total = 0;
  for (let count; (count = await connection.read(buffer)) !== null;) total += count;
  console.log(JSON.stringify({ bytes: total, seconds: (performance.now() - began) / 1000 }));
  Deno.exit(0);
}

async function source(hostname: string, port: number, seconds: number): Promise<void> {
  const connection = await Deno.connect({ hostname, port });
  const bytes = new Uint8Array(1 << 18);
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) await connection.write(bytes);
  connection.close();
}

if (import.meta.main) {
  const [part, hostname, port, last] = Deno.args;
  const parts: Record<string, () => Promise<void>> = {
    echo: () => echo(hostname, Number(port)),
    ask: () => ask(hostname, Number(port), last),
    sink: () => sink(hostname, Number(port)),
    source: () => source(hostname, Number(port), Number(last)),
  };
  await parts[part]();
}
