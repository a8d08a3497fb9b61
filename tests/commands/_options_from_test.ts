import { deepEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { OptionFiles } from "../../commands/_options_from.ts";

function inFolder(body: (path: (name: string) => string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    body((name) => join(folder, name));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function refusal(reason: string) {
  return { name: "UserError", status: 2, message: `ipsec eroute: ${reason}` };
}

Deno.test("OptionFiles gives the arguments of a file, and none of an empty one", () => {
  inFolder((path) => {
    Deno.writeTextFileSync(path("keys"), "# keys\n--enckey 0x12\na b\n");
    Deno.writeTextFileSync(path("empty"), "");
    const files = new OptionFiles("ipsec eroute");
    deepEqual(files.read(path("keys")), ["--enckey", "0x12", "a b"]);
    deepEqual(files.read(path("empty")), []);
  });
});

Deno.test("OptionFiles leaves an option of the same name to whoever scans the arguments", () => {
  inFolder((path) => {
    Deno.writeTextFileSync(path("outer"), `--label x\n--optionsfrom ${path("absent")}\n`);
    deepEqual(new OptionFiles("ipsec eroute").read(path("outer")), [
      "--label",
      "x",
      "--optionsfrom",
      path("absent"),
    ]);
  });
});

const UNREADABLE: [what: string, put: (path: string) => void, reason: string][] = [
  ["a file that is not there", () => {}, "unable to open file"],
  ["a folder", (path) => Deno.mkdirSync(path), "error in line read"],
  ["an over-long line", (path) => Deno.writeTextFileSync(path, "x".repeat(1022)), "error in line read"],
];
for (const [what, put, reason] of UNREADABLE) {
  Deno.test(`OptionFiles refuses ${what} with status 2`, () => {
    inFolder((path) => {
      put(path("file"));
      throws(() => new OptionFiles("ipsec eroute").read(path("file")), refusal(`optionsfrom failed: ${reason}`));
    });
  });
}

Deno.test("OptionFiles takes the hundredth use for a loop", () => {
  inFolder((path) => {
    Deno.writeTextFileSync(path("file"), "--add\n");
    const files = new OptionFiles("ipsec eroute");
    for (let use = 1; use < 100; use++) deepEqual(files.read(path("file")), ["--add"]);
    throws(() => files.read(path("file")), refusal("optionsfrom called 100 times, looping?"));
  });
});
