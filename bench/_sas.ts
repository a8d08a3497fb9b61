/** What SAs cost: PF_KEY requests a second, with and without the socket, and memory. */
import { fileURLToPath } from "node:url";
import { chooseProvider } from "../lib/ffi/choose_provider.ts";
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { startKlips } from "../tools/_keying.ts";
import { run } from "../tools/_net.ts";
import { AT, makePair } from "./_candidate.ts";
import { ip, keyPair } from "./_keyed_pairs.ts";
import { SilentService } from "./_silent_service.ts";

/** Pairs that are keyed for the rates, and for the rate among many SAs. */
export const PAIRS = 500;
export const CROWD = 5_000;
const ALGORITHM = "aes128gcm16";
const WEST = ip(AT.west), EAST = ip(AT.east);
const MEMORY_PROGRAM = fileURLToPath(new URL("_memory_program.ts", import.meta.url));

/** Requests a second that the service handles by itself. */
export function serviceRate(): number {
  const service = new SilentService(WEST, chooseProvider());
  let requests = 0;
  const key = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      for (const request of keyPair(ALGORITHM, i, WEST, EAST)) {
        service.ask(request);
        requests++;
      }
    }
  };
  key(0, PAIRS); // optimised meanwhile
  requests = 0;
  const began = performance.now();
  key(PAIRS, 2 * PAIRS);
  return requests / (performance.now() - began) * 1000;
}

export interface SocketRates {
  readonly empty: number;
  /** With {@linkcode CROWD} pairs there. */
  readonly crowded: number;
}

/** Requests a second through the socket of a daemon, each sent when the one before is answered. */
export async function socketRates(): Promise<SocketRates> {
  await using pair = await makePair();
  await startKlips(pair.west);
  const client = await PfkeyClient.connect(`${pair.west.env.IPSEC_RUNDIR}/pfkey.sock`);
  try {
    const rate = async (from: number, to: number) => {
      let requests = 0;
      const began = performance.now();
      for (let i = from; i < to; i++) {
        for (const request of keyPair(ALGORITHM, i, WEST, EAST)) {
          await client.request(request);
          requests++;
        }
      }
      return requests / (performance.now() - began) * 1000;
    };
    const empty = await rate(0, PAIRS);
    for (let i = PAIRS; i < CROWD; i++) {
      const requests = keyPair(ALGORITHM, i, WEST, EAST);
      for (const request of requests.slice(0, -1)) await client.send(request);
      await client.request(requests.at(-1)!);
    }
    return { empty, crowded: await rate(CROWD, CROWD + PAIRS) };
  } finally {
    client.close();
  }
}

/** @returns bytes per pair, and by which library */
export async function measureMemory(algorithm: string): Promise<{ bytes: number; provider: string }> {
  const words = ["run", "-A", "--no-prompt", "--no-check", "--v8-flags=--expose-gc", MEMORY_PROGRAM, algorithm];
  return JSON.parse(await run([Deno.execPath(), ...words]));
}
