/** `deno task docs`: writes docs/man from the commands' own values; `--check` says whether that would change anything. */
import { allPages } from "../commands/_ipsec_manual.ts";

const FOLDER = new URL("../docs/man/", import.meta.url);
const check = Deno.args.includes("--check");

const pages = await allPages();
let stale = 0;
await Deno.mkdir(FOLDER, { recursive: true });
for (const [name, text] of pages) {
  const file = new URL(name, FOLDER);
  if (await Deno.readTextFile(file).catch(() => "") === text) continue;
  stale++;
  if (check) console.error(`docs/man/${name} is not what the command says; run: deno task docs`);
  else await Deno.writeTextFile(file, text);
}
for await (const { name } of Deno.readDir(FOLDER)) {
  if (pages.has(name)) continue;
  stale++;
  if (check) console.error(`docs/man/${name} is of no command; run: deno task docs`);
  else await Deno.remove(new URL(name, FOLDER));
}
console.log(check ? `${stale} manual pages are out of date` : `${pages.size} manual pages, ${stale} of them changed`);
Deno.exit(check && stale ? 1 : 0);
