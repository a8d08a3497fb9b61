/** Documents that repeat what the code knows say the same. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert/strict";
import { allPages } from "../commands/_ipsec_manual.ts";
import { DROPS } from "../lib/klips/counters.ts";
import { testWith } from "./interop/_needs.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../${path}`, import.meta.url));
const pages = await allPages();

for (const [name, page] of pages) {
  Deno.test(`docs/man/${name} is what the command says (deno task docs)`, async () => {
    equal(await read(`docs/man/${name}`), page);
  });
}

Deno.test("docs/man has no page of a command that is not there", async () => {
  const files = await Array.fromAsync(Deno.readDir(new URL("../docs/man/", import.meta.url)), ({ name }) => name);
  deepEqual(files.sort(), [...pages.keys()].sort());
});

Deno.test("every manual page that another one refers to is there", () => {
  const dangling = [...pages].flatMap(([name, page]) =>
    [...page.matchAll(/\bipsec[a-z_\\-]*(?=\(8\))/g)].map(([reference]) => reference.replaceAll("\\-", "-"))
      .filter((reference) => !pages.has(`${reference}.8`) && reference !== "ipsec_NAME")
      .map((reference) => `${name}: ${reference}`)
  );
  deepEqual(dangling, []);
});

testWith(["groff"], "groff has no warning about any manual page", async () => {
  for (const name of pages.keys()) {
    const path = new URL(`../docs/man/${name}`, import.meta.url).pathname;
    const { stderr } = await new Deno.Command("groff", { args: ["-man", "-Tutf8", "-ww", "-z", path] }).output();
    equal(new TextDecoder().decode(stderr), "", name);
  }
});

Deno.test("docs/troubleshooting.md explains every reason for which packets are dropped, in the order of the code", async () => {
  const text = await read("docs/troubleshooting.md");
  const table = text.slice(text.indexOf("<!-- reasons:"));
  const rows = [...table.matchAll(/^\| (.+?) \(`([A-Z_]+)`\) +\| (.*?) +\| (.*?) +\|$/gm)];
  deepEqual(rows.map(([, reason, name]) => [name, reason]), DROPS.map(({ name, text }) => [name, text]));
  for (const [, , name, meaning, remedy] of rows) ok(meaning && remedy, name);
});
