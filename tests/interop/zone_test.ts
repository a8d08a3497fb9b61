/** What `ipsec showhostkey` prints for zone files, as BIND's own reader of zone files understands it. */
import { equal, ok } from "node:assert/strict";
import type { Command } from "../../commands/_command.ts";
import { newhostkey } from "../../commands/newhostkey.ts";
import { showhostkey } from "../../commands/showhostkey.ts";
import { testWith } from "./_needs.ts";

/** @returns what the command printed; it must succeed */
async function ipsec(command: Command, ...args: string[]): Promise<string> {
  let printed = "", complained = "";
  const status = await command.run(args, {
    stdout: (text) => void (printed += text),
    stderr: (text) => void (complained += text),
    stdoutIsTerminal: false,
    env: () => undefined,
  });
  equal(status, 0, complained);
  return printed;
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout);
  ok(success, `${program} ${args.join(" ")}: ${text}${new TextDecoder().decode(stderr)}`);
  return text;
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-key-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const HEAD = `$TTL 3600
@ IN SOA ns.example.com. root.example.com. 1 3600 600 86400 3600
  IN NS ns.example.com.
ns IN A 192.0.2.53
xy IN A 192.0.2.11
`;

/** The zone example.com with `records`, as named would load it: type and data of what xy.example.com has. */
async function load(records: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/zone`, HEAD + records);
    const zone = ["-o", `${folder}/out`, "-s", "full", "example.com", `${folder}/zone`];
    await run("named-compilezone", ...zone);
    for (const line of (await Deno.readTextFile(`${folder}/out`)).split("\n")) {
      const [owner, , , type, ...data] = line.split(/\s+/);
      if (owner === "xy.example.com.") found.set(type, data.join(" "));
    }
  });
  return found;
}

for (const bits of [512, 1024, 3072]) {
  testWith(
    ["named-checkzone"],
    `named loads TXT, KEY and IPSECKEY records of a key of ${bits} bits`,
    () =>
      inFolder(async (folder) => {
        const file = `${folder}/ipsec.secrets`;
        await ipsec(newhostkey, "--bits", String(bits), "--hostname", "xy.example.com", "--output", file);
        const show = (...options: string[]) => ipsec(showhostkey, "--file", file, ...options);
        const [, key] = /=0s(\S+)/.exec(await show("--left"))!;
        // The TXT record has no owner: it belongs to the one above it.
        const records = await load(
          await show("--txt", "@xy.example.com") + await show("--key") + await show("--ipseckey"),
        );
        const txt = Array.from(records.get("TXT")!.matchAll(/"([^"]*)"/g), ([, text]) => text);
        equal(txt.join(""), `X-IPsec-Server(10)=@xy.example.com ${key}`);
        ok(txt.every((text) => text.length <= 255));
        // 0x4200 is 16896.
        equal(records.get("KEY")!.replaceAll(/ ;.*/g, ""), spaced("16896 4 1", key));
        equal(records.get("IPSECKEY"), spaced("10 0 2 .", key));
      }),
  );
}

/** named-compilezone breaks long keys into pieces of 56 characters. */
function spaced(fields: string, key: string): string {
  return `${fields} ${key.match(/.{1,56}/g)!.join(" ")}`;
}

const GATEWAYS: [options: string[], fields: string][] = [
  [["--gateway", "192.0.2.1"], "10 1 2 192.0.2.1"],
  [["--gateway", "2001:db8::1", "--precedence", "0"], "0 2 2 2001:db8::1"],
  [["--gateway", "gw.example.net", "--precedence", "255"], "255 3 2 gw.example.net."],
];
testWith(
  ["named-checkzone"],
  "named loads IPSECKEY records with every kind of gateway",
  () =>
    inFolder(async (folder) => {
      const file = `${folder}/ipsec.secrets`;
      await ipsec(newhostkey, "--bits", "512", "--hostname", "xy.example.com", "--output", file);
      for (const [options, fields] of GATEWAYS) {
        const records = await load(await ipsec(showhostkey, "--file", file, "--ipseckey", ...options));
        equal(records.get("IPSECKEY")!.split(" ").slice(0, 4).join(" "), fields);
      }
    }),
);
