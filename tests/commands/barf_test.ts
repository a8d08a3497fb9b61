import { equal, match, ok } from "node:assert/strict";
import { barf } from "../../commands/barf.ts";
import { excerpt, LOG_KINDS, unableToFind } from "../../commands/_barf_logs.ts";
import { barfSections } from "../../commands/_barf_sections.ts";

const PSK = "correct horse battery staple", ENCKEY = "0x00112233_44556677_8899aabb_ccddeeff";

async function page(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<{ text: string; status: number }> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-barf-" });
  let text = "";
  try {
    for (const [name, content] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, content, { mode: 0o600 });
    }
    const env: Record<string, string> = { IPSEC_CONFS: folder, IPSEC_RUNDIR: `${folder}/run`, LOGS: `${folder}/log` };
    const add = (more: string) => void (text += more);
    const status = await barf.run(args, {
      stdout: add,
      stderr: add,
      stdoutIsTerminal: false,
      env: (name) => env[name],
    });
    return { text, status };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FILES = {
  "ipsec.conf": `version 2\nconn west-east\n\tespenckey=${ENCKEY}\n\tinclude more.conf\ninclude more.conf\n`,
  "more.conf": `conn more\n\tahkey=${ENCKEY}\n`,
  "ipsec.secrets": `192.0.2.1 192.0.2.2: PSK "${PSK}"\n`,
  "ipsec.d/policies/private": "198.51.100.0/24\n",
  "run/pluto.log": "old line\nStarting Pluto (FreeS/WAN Version 0.1.0)\nlistening for IKE messages\n",
  "log/auth.log":
    "Nov 27 sshd: hello\nNov 27 pluto[1]: Starting Pluto\nNov 27 sshd: secret visit\nNov 27 pluto[1]: a line\n",
};

Deno.test("ipsec barf has every section in order, and no secret", async () => {
  const { text, status } = await page([], FILES);
  equal(status, 0);
  for (const secret of [PSK, ENCKEY, "44556677"]) ok(!text.includes(secret), `it shows ${secret}`);
  match(text, /PSK "\[sums to [0-9a-f]{4}\.\.\.\]"/);
  match(text, /espenckey=\[sums to /);
  match(text, /ahkey=\[sums to /, "of an included file");
  const headings = [...text.matchAll(/^\+ _{25} (\S+)$/gm)].map(([, heading]) => heading);
  const places = { conf: "", secrets: "", policies: "", groups: ["private"], logs: "", interfaces: [] };
  const wanted = [...barfSections(places).map(({ heading }) => heading), "klog", "plog", "date"];
  equal(headings.join(), wanted.join());
  match(text, /ipsec\/policies\/private\n\+ cat \S+\n198\.51\.100\.0\/24\n/);
});

Deno.test("ipsec barf shows logs from the last start on, and of syslog only what is about IPsec", async () => {
  const { text } = await page(["--short"], FILES);
  ok(text.includes("Starting Pluto (FreeS/WAN Version 0.1.0)\nlistening for IKE messages\n"), text.slice(-2000));
  ok(!text.includes("old line"));
  ok(text.includes("pluto[1]: a line") && !text.includes("secret visit"));
  ok(text.startsWith(unableToFind(LOG_KINDS.klog)), "KLIPS has no log here");
  ok(!text.includes(unableToFind(LOG_KINDS.plog)));
});

Deno.test("ipsec barf goes on where there is nothing at all", async () => {
  const { text, status } = await page([], {});
  equal(status, 0);
  ok(text.includes(`${unableToFind(LOG_KINDS.plog)}\n`));
  match(text, /KLIPS is not running/);
});

Deno.test("ipsec barf --short shows at most 500 lines of a log", () => {
  const text = ["Starting Pluto", ...Array.from({ length: 1000 }, (_, i) => `pluto ${i}`)].join("\n");
  equal(excerpt({ path: "", text }, LOG_KINDS.plog, true, true).length, 500);
  equal(excerpt({ path: "", text }, LOG_KINDS.plog, true, false).length, 1001);
});
