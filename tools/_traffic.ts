/**
 * Traffic between two hosts for machines that have no ping(8) or iperf3(1): a program with five parts.
 *
 *     echo ADDRESS PORT             sends back every datagram
 *     ask ADDRESS PORT TEXT         sends three, and fails where one is not answered within a second
 *     stream ADDRESS PORT COUNT     sends many, one in 10 ms, and says how many are answered
 *     sink ADDRESS PORT             takes one TCP connection, and says how much came how fast
 *     source ADDRESS PORT SECONDS   fills one
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Words that start a part of this program. */
export function trafficCommand(...words: string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", fileURLToPath(import.meta.url), ...words];
}

export const READY = "ready";

function echo(hostname: string, port: number): Promise<void> {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
  socket.bind(port, hostname, () => console.log(READY));
  return Promise.resolve();
}

async function ask(hostname: string, port: number, text: string): Promise<void> {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  for (let i = 1; i <= 3; i++) {
    const began = performance.now();
    socket.send(text, port, hostname);
    const timer = setTimeout(() => {
      console.error(`no answer from ${hostname}`);
      Deno.exit(1);
    }, 1000);
    const [answer] = await once(socket, "message");
    clearTimeout(timer);
    console.log(`${answer.length} bytes from ${hostname}: number ${i}, ${(performance.now() - began).toFixed(2)} ms`);
  }
  socket.close();
}

async function stream(hostname: string, port: number, count: number): Promise<void> {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  let answered = 0;
  socket.on("message", () => answered++);
  for (let i = 0; i < count; i++) {
    socket.send(`${i}`, port, hostname);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (let patience = 100; answered < count && patience > 0; patience--) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  socket.close();
  console.log(`${count} packets transmitted, ${answered} received`);
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
    stream: () => stream(hostname, Number(port), Number(last)),
    sink: () => sink(hostname, Number(port)),
    source: () => source(hostname, Number(port), Number(last)),
  };
  await parts[part]();
}
