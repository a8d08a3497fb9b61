/**
 * Our resolver against Knot and Unbound: what is signed, what is forged, what is too long, what is missing.
 *
 * ```
 * west 192.0.2.1 (Unbound at 127.0.0.1) ====== 192.0.2.53 ns (Knot)
 * ```
 */
import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { newhostkey } from "../../commands/newhostkey.ts";
import { showhostkey } from "../../commands/showhostkey.ts";
import { type Host, Net } from "../../tools/_net.ts";
import { Authority, ValidatingResolver } from "./_dns_servers.ts";
import { testWith } from "./_needs.ts";

const REVERSE = "2.0.192.in-addr.arpa.";
const LOOKUP = fileURLToPath(new URL("_lookup.ts", import.meta.url));

interface Answer {
  readonly ok: boolean;
  readonly authenticated: boolean;
  readonly why?: string;
  readonly kind?: string;
  readonly canonicalName?: string;
  readonly records: readonly { readonly data: string | readonly string[] }[];
}

async function lookUp(host: Host, server: string, ...questions: string[]): Promise<Answer[]> {
  const words = [Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", LOOKUP, server, ...questions];
  return JSON.parse(await host.run(words));
}

const textOf = ({ data }: Answer["records"][number]) =>
  (data as string[]).map((hex) => new TextDecoder().decode(Uint8Array.fromHex(hex))).join("");

/** Lines of showhostkey for a zone, for a new key. */
async function zoneLines(...options: string[][]): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-key-" });
  const io = (write: (text: string) => void) => ({
    stdout: write,
    stderr: () => {},
    stdoutIsTerminal: false,
    env: () => undefined,
  });
  try {
    const secrets = `${folder}/ipsec.secrets`;
    equal(await newhostkey.run(["--output", secrets, "--bits", "2048", "--hostname", "west.example"], io(() => {})), 0);
    return await Promise.all(options.map(async (words) => {
      let text = "";
      equal(await showhostkey.run(["--file", secrets, ...words], io((more) => void (text += more))), 0);
      return text.split("\n").filter((line) => line && !line.startsWith(";")).join("\n");
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

testWith(["root", "knot", "unbound"], "lookups with Knot and Unbound", async (t) => {
  await using net = await Net.make(["west", "ns"], [["west", "eth0", "ns", "eth0"]]);
  const { west, ns } = net.hosts;
  await west.ip("addr add 192.0.2.1/24 dev eth0");
  await ns.ip("addr add 192.0.2.53/24 dev eth0");
  const [txt, ipseckey, key] = await zoneLines(["--txt", "192.0.2.1"], ["--ipseckey"], ["--key"]);
  // Knot takes the flags of a KEY record in decimal only
  const authority = await Authority.start(ns, "192.0.2.53", {
    "example.": `${ipseckey.replace("west.example.", "west")}\n${key.replace("west.example.", "west").replace("0x4200", "16896")}
long TXT ${Array.from({ length: 30 }, (_, i) => `"${String(i).padEnd(200, "x")}"`).join(" ")}
empty A 192.0.2.9
`,
    [REVERSE]: `1 ${txt.trim()}\n7 CNAME 7.0-15.${REVERSE}\n7.0-15 ${txt.trim()}\n`,
  });
  const resolver = await ValidatingResolver.start(west, authority, [REVERSE]);

  await t.step("what showhostkey prints is found, and proved by DNSSEC", async () => {
    const [reverse, forward, old] = await lookUp(
      west,
      "127.0.0.1",
      `1.${REVERSE}`,
      "TXT",
      "west.example",
      "IPSECKEY",
      "west.example",
      "KEY",
    );
    for (const one of [reverse, forward, old]) deepEqual([one.ok, one.authenticated], [true, true], one.why);
    ok(textOf(reverse.records[0]).startsWith("X-IPsec-Server(10)=192.0.2.1 AQ"));
    ok((forward.records[0].data as string).startsWith("0a0002"));
    ok((old.records[0].data as string).startsWith("42000401"));
  });

  await t.step("an alias in a reverse map leads to the record (RFC 2317)", async () => {
    const [answer] = await lookUp(west, "127.0.0.1", `7.${REVERSE}`, "TXT");
    deepEqual([answer.ok, answer.authenticated], [true, true]);
    equal(answer.canonicalName, `7.0-15.${REVERSE}`.replace(/\.$/, ""));
  });

  await t.step("an answer of 6 KB comes by TCP", async () => {
    const [answer] = await lookUp(west, "127.0.0.1", "long.example", "TXT");
    ok(answer.ok);
    equal(textOf(answer.records[0]).length, 6000);
  });

  await t.step("what is missing is said, and that is proved too", async () => {
    const [name, data] = await lookUp(west, "127.0.0.1", "nobody.example", "TXT", "empty.example", "TXT");
    deepEqual([name.ok, name.why, name.authenticated], [false, "no host nobody.example. for TXT record", true]);
    deepEqual([data.ok, data.why, data.authenticated], [false, "no TXT record for empty.example.", true]);
  });

  await t.step("the authority itself is believed, but proves nothing", async () => {
    const [answer] = await lookUp(west, "192.0.2.53", `1.${REVERSE}`, "TXT");
    deepEqual([answer.ok, answer.authenticated], [true, false]);
  });

  await t.step("several hundred lookups at once are all answered", async () => {
    const questions = Array.from({ length: 300 }, (_, i) => [`n${i}.example`, "TXT"]).flat();
    const answers = await lookUp(west, "127.0.0.1", ...questions);
    equal(answers.filter(({ kind }) => kind === "name").length, 300);
  });

  await t.step("a silent server is given up", async () => {
    await resolver.pause();
    const [answer] = await lookUp(west, "127.0.0.1", `1.${REVERSE}`, "TXT");
    equal(answer.kind, "failure");
    ok(answer.why!.startsWith(`failure querying DNS for TXT of 1.${REVERSE}: `), answer.why);
  });
});
