/**
 * A program that says what an SA pair takes: `--v8-flags=--expose-gc`, argument: ESP algorithm. Prints bytes per pair and
 * which library does the cryptography. Of the growth from 2 000 to 10 000 pairs, after garbage collection, so that
 * what the program itself takes does not count; each ESP SA has worked once, because some contexts are made then. Each pair has a peer of its own.
 */
import { chooseProvider } from "../lib/ffi/choose_provider.ts";
import type { EspTransform } from "../lib/klips/sa.ts";
import { ip, keyPair } from "./_keyed_pairs.ts";
import { SilentService } from "./_silent_service.ts";

const FEW = 2_000, MANY = 10_000;
const WEST = ip("192.0.2.1");
/** Octets that each SA seals or opens, at their place in the packet memory. */
const TEXT_BYTES = 64, TEXT = 512, NONCE = 0, IV = 64, AAD = 128;

const algorithm = Deno.args[0];
const provider = chooseProvider();
const service = new SilentService(WEST, provider);
/** Collects and gives back what V8 holds in reserve, as it does by itself when the machine runs short of memory. */
const COLLECTION = { type: "major", execution: "sync", flavor: "last-resort" };
const collect = (globalThis as { gc?: (options: typeof COLLECTION) => void }).gc;
if (!collect) throw new Error("needs --v8-flags=--expose-gc");

function work({ aead, cbc, mac }: EspTransform, inbound: boolean): void {
  if (aead && inbound) aead.open(NONCE, AAD, 8, TEXT, TEXT_BYTES);
  else if (aead) aead.seal(NONCE, AAD, 8, TEXT, TEXT_BYTES);
  if (cbc && inbound) cbc.decrypt(IV, TEXT, TEXT_BYTES);
  else if (cbc) cbc.encrypt(IV, TEXT, TEXT_BYTES);
  mac?.sign(TEXT, TEXT_BYTES, TEXT + TEXT_BYTES);
}

async function residentWith(pairs: number, from: number): Promise<number> {
  for (let i = from; i < pairs; i++) {
    const peer = ip(`198.18.${i >>> 8}.${i & 0xff}`);
    for (const request of keyPair(algorithm, i, WEST, peer)) service.ask(request);
  }
  for (const { transform, inbound } of service.sad) if (transform.kind === "esp") work(transform, inbound);
  for (let i = 0; i < 5; i++) {
    collect!(COLLECTION);
    await new Promise((resolve) => setTimeout(resolve, 50)); // what is freed in the background
  }
  return Deno.memoryUsage().rss;
}

const few = await residentWith(FEW, 0);
const many = await residentWith(MANY, FEW);
console.log(JSON.stringify({ bytes: (many - few) / (MANY - FEW), provider: provider.description }));
