/** Streams and floods by iperf3(1). */
import { type Host, until } from "../../tools/_net.ts";

/** Starts iperf3(1) where it does not run yet; it serves both families. */
export async function serve(host: Host): Promise<void> {
  const server = host.start(["iperf3", "-s", "--forceflush"]);
  await until(`iperf3 listens on ${host.name}`, () => server.output.includes("listening"));
}

interface Sum {
  readonly bytes: number;
}

/** Bytes that arrived at the other end. A server that has not come to the end of the transfer before is waited for. */
export async function transfer(from: Host, to: string, words: string): Promise<number> {
  const command = ["timeout", "20", "iperf3", "-c", to, "--connect-timeout", "5000", "--json", ...words.split(" ")];
  let result: { error?: string; end: { sum: Sum; sum_received?: Sum } } | undefined;
  await until("the server of iperf3 is free", async () => {
    const { stdout } = await from.attempt(command);
    result = JSON.parse(stdout || '{ "error": "no end in 20 seconds" }');
    return !result?.error?.includes("server is busy");
  });
  const { end, error } = result!;
  if (error) throw new Error(`iperf3 ${words}: ${error}`);
  return end.sum_received?.bytes ?? end.sum.bytes;
}
