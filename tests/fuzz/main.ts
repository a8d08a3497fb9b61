/**
 * `deno task fuzz [--packets N] [--seed N]`: spoiled packets through both ways of the engine and spoiled messages through
 * the decoders of PF_KEY and IKE, without root. Ends with status 0 where no rule was broken, else with 1 and the seed.
 */
import { parseArgs } from "node:util";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { openLibcrypto } from "../../lib/ffi/libcrypto.ts";
import { fuzz } from "./_round.ts";

const PACKETS = 10_000_000;

function fastest(): Provider {
  try {
    return openLibcrypto();
  } catch {
    return runtimeProvider;
  }
}

/** A whole number, or the end of the program. */
function numberOf(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  console.error(`fuzz: --${option} ${text} is not a whole number`);
  Deno.exit(2);
}

function parse(): { packets?: string; seed?: string } {
  try {
    return parseArgs({ options: { packets: { type: "string" }, seed: { type: "string" } } }).values;
  } catch (error) {
    console.error(`fuzz: ${error instanceof Error ? error.message : error}`);
    Deno.exit(2);
  }
}

const options = parse();
const packets = numberOf("packets", options.packets, PACKETS);
const seed = numberOf("seed", options.seed, crypto.getRandomValues(new Uint32Array(1))[0]) >>> 0;
const provider = fastest();
const terminal = Deno.stderr.isTerminal();
const started = performance.now();
const encoder = new TextEncoder();

/** A line that replaces itself, on a terminal. */
function show(text: string): void {
  if (terminal) Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${text}`));
}

const result = fuzz(packets, seed, provider, (done) => {
  const rate = done / (performance.now() - started);
  show(`${done} of ${packets} packets, ${rate.toFixed(0)} thousand per second`);
});
show("");
if (result.ok) {
  const { drops, ...counts } = result.report;
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${packets} packets in ${seconds.toFixed(0)} s, seed ${seed}, ${provider.description}: no rule was broken`,
  );
  for (const [name, count] of [...Object.entries(counts), ...Object.entries(drops)]) {
    console.log(`${String(count).padStart(10)} ${name}`);
  }
} else {
  const { packet, where, error } = result;
  console.error(
    `packet ${packet} (${where}) broke a rule; repeat it with: deno task fuzz --seed ${seed} --packets ${packet}`,
  );
  console.error(error);
}
Deno.exit(result.ok ? 0 : 1);
