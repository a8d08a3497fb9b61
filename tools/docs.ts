/** `deno task docs`: writes docs/man/ipsec-NAME.md from the commands' own values; `--check` says whether that changes any. */
import { manualPage } from "../commands/_manual_page.ts";
import { COMMANDS, listedNames } from "../commands/_registry.ts";

const FOLDER = new URL("../docs/man/", import.meta.url);
const check = Deno.args.includes("--check");

let stale = 0;
await Deno.mkdir(FOLDER, { recursive: true });
for (const name of listedNames()) {
  const file = new URL(`ipsec-${name}.md`, FOLDER);
  const text = manualPage(await COMMANDS[name]());
  if (await Deno.readTextFile(file).catch(() => "") === text) continue;
  stale++;
  if (check) console.error(`docs/man/ipsec-${name}.md is not what the command says; run: deno task docs`);
  else await Deno.writeTextFile(file, text);
}
console.log(check ? `${stale} manual pages are out of date` : `${stale} manual pages written`);
Deno.exit(check && stale ? 1 : 0);
