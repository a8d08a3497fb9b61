/** Imports point one way (ARCHITECTURE.md): the table says what each folder may import, and why no more. */
import { deepStrictEqual as deepEqual, ok } from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Layer {
  readonly may: readonly string[];
  /** Modules of the runtime; "*" for any. */
  readonly node: readonly string[];
  readonly why: string;
}

const LIB = ["text", "packet", "crypto", "config", "pfkey", "ike", "dns", "pluto", "klips", "ffi", "system"].map((
  name,
) => `lib/${name}`);
const LAYERS: Record<string, Layer> = {
  "lib/text": { may: [], node: [], why: "spellings of values: they need nothing" },
  "lib/packet": { may: ["lib/text"], node: [], why: "buffers in, buffers out: no clock, socket or file" },
  "lib/crypto": {
    may: ["lib/text", "lib/packet"],
    node: ["node:crypto", "node:buffer", "node:process"],
    why: "algorithms over packet memory: no clock, socket or file",
  },
  "lib/config": {
    may: ["lib/text", "lib/crypto", "lib/ike"],
    node: [],
    why: "files are read through what is passed in; what ike= and esp= may name is what lib/ike can negotiate",
  },
  "lib/pfkey": { may: ["lib/text", "lib/packet"], node: ["*"], why: "one protocol, usable without the engine" },
  "lib/ike": {
    may: ["lib/text", "lib/packet", "lib/crypto"],
    node: [],
    why: "parses hostile input: clock, chance and network are passed in, and never FFI",
  },
  "lib/dns": {
    may: ["lib/text", "lib/crypto"],
    node: ["node:dgram"],
    why: "asks servers and reads what they say; decides nothing",
  },
  "lib/pluto": {
    may: ["lib/text", "lib/packet", "lib/crypto", "lib/config", "lib/pfkey", "lib/ike", "lib/dns"],
    node: [],
    why: "connections and keying: never FFI; sockets, files and programs are passed in or go through PF_KEY",
  },
  "lib/klips": {
    may: ["lib/text", "lib/packet", "lib/crypto", "lib/pfkey"],
    node: ["node:zlib"],
    why: "the engine is tested without root: devices, sockets and time are passed in",
  },
  "lib/ffi": { may: ["lib/text", "lib/packet", "lib/crypto"], node: ["*"], why: "system calls decide nothing" },
  "lib/system": { may: [...LIB, "deno.json"], node: ["*"], why: "the daemon joins all of lib, and no command" },
  "commands": { may: [...LIB], node: ["*"], why: "parse, call lib, print" },
  "tools": { may: [...LIB, "commands", "tests", "bench"], node: ["*"], why: "build, demo, documentation" },
  "bench": { may: [...LIB, "commands", "tests", "tools"], node: ["*"], why: "measures whatever there is" },
  "tests": {
    may: [...LIB, "commands", "tools", "bench", "deno.json", "ipsec.ts", "mod.ts"],
    node: ["*"],
    why: "test all",
  },
  "ipsec.ts": {
    may: ["commands", "lib/text"],
    node: [],
    why: "start-up counts: what a command needs is loaded with it",
  },
  "mod.ts": {
    may: ["lib/text", "lib/packet", "lib/crypto", "lib/pfkey"],
    node: [],
    why: "the public library works without root and without FFI",
  },
};
/** Folders without clocks, files, sockets, environment, chance: `Deno` itself is not theirs. */
const PURE = ["lib/text", "lib/packet", "lib/crypto", "lib/config", "lib/ike"];
const IMPURE = /\bDeno\.(?!customInspect)|\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bperformance\.now\(/;
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;"'`]*?\bfrom\s*"([^"]+)"|(?:^|\n)\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/g;

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory && !/^(\..*|node_modules|dist|coverage)$/.test(entry.name)) yield* sources(path);
    else if (entry.isFile && entry.name.endsWith(".ts")) yield relative(ROOT, path);
  }
}

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS).find((layer) => path === layer || path.startsWith(`${layer}/`));
}

/** @returns sentences about what `path` imports and may not */
function violations(path: string, text: string): string[] {
  const layer = layerOf(path);
  if (!layer) return [`${path} is in no layer: add its folder to the table`];
  const { may, node, why } = LAYERS[layer];
  const found: string[] = [];
  for (const match of text.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? match[3];
    if (specifier.startsWith("node:")) {
      if (!node.includes("*") && !node.includes(specifier)) {
        found.push(`${path} imports ${specifier} (${layer}: ${why})`);
      }
    } else if (specifier.startsWith(".")) {
      const target = join(dirname(path), specifier);
      const allowed = [layer, ...may].some((to) => target === to || target.startsWith(`${to}/`));
      if (!allowed) found.push(`${path} imports ${target} (${layer}: ${why})`);
    } else if (/^(https?|jsr|npm):/.test(specifier)) {
      found.push(`${path} imports ${specifier}: packages are named in deno.json`);
    }
  }
  if (PURE.includes(layer) && IMPURE.test(withoutComments(text))) {
    found.push(`${path} uses ${IMPURE.exec(withoutComments(text))![0]} (${layer}: ${why})`);
  }
  if (layer !== "lib/ffi" && layer !== "tests" && /\bDeno\.dlopen\(/.test(withoutComments(text))) {
    found.push(`${path} uses Deno.dlopen: only lib/ffi opens libraries`);
  }
  return found;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*/g, "$1");
}

/** This file holds examples of what is refused. */
const SELF = "tests/layers_test.ts";
const files = (await Array.fromAsync(sources(ROOT))).filter((path) => path !== SELF).sort();

Deno.test("every import stays within its layer's table", async () => {
  const found: string[] = [];
  for (const path of files) found.push(...violations(path, await Deno.readTextFile(join(ROOT, path))));
  deepEqual(found, []);
});

for (const layer of Object.keys(LAYERS)) {
  Deno.test(`the layer ${layer} exists`, () => ok(files.some((path) => layerOf(path) === layer)));
}

const REFUSED: [why: string, path: string, text: string][] = [
  ["an import against the direction", "lib/text/a.ts", 'import { x } from "../klips/sa.ts";'],
  ["an import over several lines", "lib/packet/a.ts", 'import {\n  x,\n} from "../ffi/libc.ts";'],
  ["a re-export", "lib/crypto/a.ts", 'export * from "../system/log.ts";'],
  ["a dynamic import", "lib/klips/a.ts", 'const m = await import("../ffi/libc.ts");'],
  ["a runtime module in a pure folder", "lib/packet/a.ts", 'import { readFileSync } from "node:fs";'],
  ["a clock in a pure folder", "lib/text/a.ts", "export const t = () => Date.now();"],
  ["a library opened elsewhere", "lib/system/a.ts", 'Deno.dlopen("libc.so.6", {});'],
  ["a package not in deno.json", "commands/a.ts", 'import x from "npm:x";'],
  ["a file in no layer", "other/a.ts", ""],
];
for (const [why, path, text] of REFUSED) {
  Deno.test(`the check of layers refuses ${why}`, () => deepEqual(violations(path, text).length, 1));
}
