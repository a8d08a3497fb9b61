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
import { type Host, Net, until } from "../../tools/_net.ts";
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

/** Lines of showhostkey for a zone, for a new key, and ipsec.secrets with it. */
async function newKey(...options: string[][]): Promise<{ lines: string[]; secrets: string }> {
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
    const lines = await Promise.all(options.map(async (words) => {
      let text = "";
      equal(await showhostkey.run(["--file", secrets, ...words], io((more) => void (text += more))), 0);
      return text.split("\n").filter((line) => line && !line.startsWith(";")).join("\n");
    }));
    return { lines, secrets: await Deno.readTextFile(secrets) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

testWith(["root", "knot", "unbound"], "lookups with Knot and Unbound", async (t) => {
  await using net = await Net.make(["west", "ns"], [["west", "eth0", "ns", "eth0"]]);
  const { west, ns } = net.hosts;
  await west.ip("addr add 192.0.2.1/24 dev eth0");
  await ns.ip("addr add 192.0.2.53/24 dev eth0");
  const { lines: [txt, ipseckey, key], secrets } = await newKey(["--txt", "192.0.2.1"], ["--ipseckey"], ["--key"]);
  // Knot takes the flags of a KEY record in decimal only
  const authority = await Authority.start(ns, "192.0.2.53", {
    "example.": `${ipseckey.replace("west.example.", "west")}\n${
      key.replace("west.example.", "west").replace("0x4200", "16896")
    }
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

  await t.step("ipsec verify and ipsec dns publish-check see what is published", async () => {
    const folder = west.env.IPSEC_CONFS;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/ipsec.conf`, "version 2\nconfig setup\n\tresolvers=127.0.0.1\n");
    await Deno.writeTextFile(`${folder}/ipsec.secrets`, secrets, { mode: 0o600 });
    const verified = await west.tryIpsec("verify --host west.example --nocolour");
    ok(/^Looking for TXT in forward map: west\.example +\t\[OK\]$/m.test(verified.stdout), verified.stdout);
    ok(/^Looking for KEY in forward map: west\.example +\t\[DEPRECATED\]$/m.test(verified.stdout), verified.stdout);
    ok(verified.stdout.includes("proved by DNSSEC"), verified.stdout);
    const reverse = JSON.parse((await west.tryIpsec("verify --ip 192.0.2.9 --json")).stdout);
    deepEqual(reverse.chapters[0].findings.map(({ verdict }: { verdict: string }) => verdict), ["MISSING"]);
    equal((await west.tryIpsec("verify --ip 192.0.2.9")).status, 1);
    for (const subject of ["west.example", "192.0.2.1", "192.0.2.7"]) {
      const { status, stdout } = await west.tryIpsec(`dns publish-check ${subject}`);
      equal(status, 0, stdout);
      ok(stdout.includes(`what is published for ${subject} matches the key of this host`), stdout);
    }
    const nobody = await west.tryIpsec("dns publish-check nobody.example");
    equal(nobody.status, 1);
    ok(/^nothing is published for nobody\.example: .*showhostkey --txt/m.test(nobody.stdout), nobody.stdout);
  });

  await t.step("a key that is not ours, a truncated one, and none at all", async () => {
    const { lines: [other] } = await newKey(["--txt", "192.0.2.1"]);
    const checked = async (record: string, wanted: (ran: { status: number; stdout: string }) => boolean) => {
      await authority.set(REVERSE, `1 ${record}\n`);
      await until(`${record.slice(0, 40)} is judged`, async () => {
        const ran = await west.tryIpsec("dns publish-check --json 192.0.2.1");
        if (wanted(ran)) return true;
        throw new Error(ran.stdout + ran.stderr);
      });
    };
    await checked(other.trim(), ({ status, stdout }) => status === 1 && JSON.parse(stdout).published.length === 1);
    const verified = await west.tryIpsec("verify --ip 192.0.2.1"); // of this host: the key counts
    equal(verified.status, 1, verified.stdout);
    ok(verified.stdout.includes("the key of this host is AQ"), verified.stdout);
    await checked(
      txt.trim().replace("=192.0.2.1", "=192.0.2.11"),
      ({ status, stdout }) => status === 1 && JSON.parse(stdout).published[0].isElsewhere,
    );
    const elsewhere = await west.tryIpsec("dns publish-check 192.0.2.1");
    ok(/gateway 192\.0\.2\.11 \(10\) NOT this host/.test(elsewhere.stdout), elsewhere.stdout);
    ok(elsewhere.stdout.endsWith("names another gateway: peers would turn to that\n"), elsewhere.stdout);
    await checked(
      'TXT "X-IPsec-Server(10)=192.0.2.1 AQNx"',
      ({ status, stdout }) => status === 3 && JSON.parse(stdout).why.includes("invalid key data: "),
    );
    await checked(
      "A 192.0.2.1",
      ({ status, stdout }) => status === 1 && JSON.parse(stdout).why.includes("no TXT record"),
    );
  });

  await t.step("a silent server is given up", async () => {
    await resolver.pause();
    const [answer] = await lookUp(west, "127.0.0.1", `1.${REVERSE}`, "TXT");
    equal(answer.kind, "failure");
    ok(answer.why!.startsWith(`failure querying DNS for TXT of 1.${REVERSE}: `), answer.why);
    const checked = await west.tryIpsec("dns publish-check 192.0.2.1");
    equal(checked.status, 3);
    ok(checked.stdout.includes("what is published for 192.0.2.1 is not known: see /etc/resolv.conf"), checked.stdout);
    const verified = await west.tryIpsec("verify --ip 192.0.2.1");
    ok(!verified.stdout.includes("showhostkey"), verified.stdout); // not the record is at fault
  });
});
