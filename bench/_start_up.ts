/** From the start of a small subcommand to its end, beside a Deno program that does nothing. */
import { ipsecCommand, run } from "../tools/_net.ts";
import { median } from "./_median.ts";

const RUNS = 9;

export interface StartUp {
  readonly ipsecMs: number;
  readonly emptyMs: number;
}

async function elapsed(command: readonly string[]): Promise<number> {
  const began = performance.now();
  await run(command);
  return performance.now() - began;
}

/** Medians of runs that alternate. */
export async function measureStartUp(): Promise<StartUp> {
  const file = await Deno.makeTempFile({ prefix: "oneswan-empty.", suffix: ".js" });
  try {
    const ipsec = [...ipsecCommand(), "ranbits", "--quick", "8"];
    const empty = [Deno.execPath(), "run", "-A", "--no-prompt", file];
    await run(ipsec); // unpacks itself, where it is of that kind
    const times = { ipsec: [] as number[], empty: [] as number[] };
    for (let i = 0; i < RUNS; i++) {
      times.ipsec.push(await elapsed(ipsec));
      times.empty.push(await elapsed(empty));
    }
    return { ipsecMs: median(times.ipsec), emptyMs: median(times.empty) };
  } finally {
    await Deno.remove(file);
  }
}
