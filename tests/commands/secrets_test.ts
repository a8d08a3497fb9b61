/** `ipsec secrets`, `_keycensor` and `_secretcensor` over a folder of their own. */
import { createPrivateKey } from "node:crypto";
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Command } from "../../commands/_command.ts";
import { ConfFolder } from "./_conf_folder.ts";
import { keycensor } from "../../commands/_keycensor.ts";
import { secretcensor } from "../../commands/_secretcensor.ts";
import { secrets } from "../../commands/secrets.ts";
import { formatOrigin, formatRsaRecord } from "../../lib/config/secrets_format.ts";
import { rsaKeyFromPrimes, rsaKeyId, type RsaPrivateKey } from "../../lib/crypto/rsa.ts";
import { toPrivateJwk } from "../../lib/crypto/rsa_jwk.ts";
import { textSum } from "../../lib/crypto/text_sum.ts";

const KEY = rsaKeyFromPrimes(2n ** 521n - 1n, 2n ** 127n - 1n, { e: 65537n })!;
const KEY_ID = rsaKeyId(KEY.publicKey);
const RECORD = formatRsaRecord(KEY, formatOrigin(KEY.publicKey, "west", "Thu Jan  2 12:41:44 2003"));

/** The key as openssl would keep it: PKCS #8, encrypted. */
function pem(key: RsaPrivateKey, passphrase: string): string {
  const imported = createPrivateKey({ key: { ...toPrivateJwk(key) }, format: "jwk" });
  return String(imported.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }));
}

class Folder extends ConfFolder {
  /** Paths of the folder are printed as DIR. */
  async runShort(command: Command, ...args: string[]) {
    const { status, stdout, stderr } = await this.run(command, args);
    const short = (text: string) => text.replaceAll(this.path, "DIR");
    return { status, stdout: short(stdout), stderr: short(stderr) };
  }
}

Deno.test("secrets lists what ipsec.secrets and its includes hold, and no secret", async () => {
  using folder = new Folder();
  folder.write("ipsec.secrets", `10.0.0.1 %any : PSK "hunter2"\n${RECORD}include *.more\n`);
  folder.makeFolder("ipsec.d/private");
  folder.write("ipsec.d/private/west.pem", pem(KEY, "hunter2"));
  folder.write("east.pem", pem(KEY, "other"));
  folder.write("a.more", `@west: RSA west.pem hunter2\n@east: RSA ${folder.file("east.pem")} %prompt\n`);
  deepEqual(await folder.runShort(secrets), {
    status: 0,
    stdout: 'loading secrets from "DIR/ipsec.secrets"\nloading secrets from "DIR/a.more"\n' +
      "DIR/ipsec.secrets:1: PSK for 10.0.0.1 %any\n" +
      `DIR/ipsec.secrets:2: RSA 648 bits [keyid ${KEY_ID}] for everybody\n` +
      `DIR/a.more:1: RSA 648 bits [keyid ${KEY_ID}] in DIR/ipsec.d/private/west.pem for @west\n` +
      "DIR/a.more:2: RSA in DIR/east.pem (asks for the passphrase) for @east\n",
    stderr: "",
  });
});

Deno.test("secrets tells everything that is wrong in one run, in the order of the lines", async () => {
  using folder = new Folder();
  folder.write("ipsec.secrets", '@a : PSK "one"\n@A. : PSK "two"\n@b %x : PSK "x"\n@c : PSK hunter2\n@a : PSK "one"\n');
  deepEqual(await folder.runShort(secrets), {
    status: 1,
    stdout:
      'loading secrets from "DIR/ipsec.secrets"\nDIR/ipsec.secrets:1: PSK for @a\nDIR/ipsec.secrets:2: PSK for @A.\n' +
      "DIR/ipsec.secrets:3: PSK for @b (and 1 that cannot be used)\nDIR/ipsec.secrets:5: PSK for @a\n",
    stderr: "DIR/ipsec.secrets:2: warning: multiple ipsec.secrets entries with distinct secrets match endpoints: " +
      "first secret used (the one of DIR/ipsec.secrets:1)\n" +
      'DIR/ipsec.secrets:3: index "%x" illegal (non-DNS-name) character in name\n' +
      "DIR/ipsec.secrets:4: PSK data malformed (input does not begin with format prefix): (not shown)\n",
  });
});

Deno.test("secrets exits with 0 where there are warnings only", async () => {
  using folder = new Folder();
  folder.write("ipsec.secrets", "include *.none\n");
  const { status, stderr } = await folder.runShort(secrets);
  deepEqual([status, stderr], [0, 'DIR/ipsec.secrets:1: warning: no secrets filename matched "DIR/*.none"\n']);
});

for (const mode of [0o644, 0o640, 0o604, 0o620]) {
  Deno.test(`secrets refuses a file with mode ${mode.toString(8)}, and says how to mend it`, async () => {
    using folder = new Folder();
    folder.write("ipsec.secrets", '"hunter2"\n', mode);
    deepEqual(await folder.runShort(secrets), {
      status: 1,
      stdout: 'loading secrets from "DIR/ipsec.secrets"\n',
      stderr: `DIR/ipsec.secrets: not read: with mode 0${mode.toString(8)} others can read or change the secrets; ` +
        "run: chmod 600 DIR/ipsec.secrets\n",
    });
  });
}

Deno.test("secrets --json says the same, as one object", async () => {
  using folder = new Folder();
  folder.makeFolder("ipsec.d/private");
  folder.write("ipsec.d/private/west.pem", pem(KEY, "hunter2"));
  const file = folder.write(
    "s",
    `@a : PSK "hunter2"\n@joe : XAUTH "hunter3"\n: RSA west.pem %prompt\n${RECORD}: oops\n`,
  );
  const { status, stdout, stderr } = await folder.runShort(secrets, "--json", "--file", file);
  deepEqual([status, stderr], [1, ""]);
  const end = RECORD.split("\n").length + 3;
  deepEqual(JSON.parse(stdout), {
    files: ["DIR/s"],
    secrets: [
      { file: "DIR/s", line: 1, kind: "PSK", ids: ["@a"] },
      { file: "DIR/s", line: 2, kind: "XAUTH", ids: null, users: ["joe"] },
      { file: "DIR/s", line: 3, kind: "RSA", ids: null, keyFile: "DIR/ipsec.d/private/west.pem", prompts: true },
      { file: "DIR/s", line: 4, kind: "RSA", ids: null, keyId: KEY_ID, bits: 648 },
    ],
    complaints: [
      {
        file: "DIR/s",
        line: 4,
        severity: "warning",
        message:
          "multiple ipsec.secrets entries with distinct secrets match endpoints: first secret used (the one of DIR/s:3)",
      },
      {
        file: "DIR/s",
        line: end,
        severity: "error",
        message: "unrecognized key format: (not shown); PSK, RSA or XAUTH must stand here, with a blank after it",
      },
    ],
  });
});

const REFUSED: [args: string[], status: number, stderr: RegExp][] = [
  [["--file", "/gone"], 1, /^\/gone: problem with secrets file "\/gone": No such file or directory\n$/],
  [["--file", "/gone/*"], 1, /^\/gone\/\*: no secrets filename matched "\/gone\/\*"\n$/],
  [["x"], 2, /^ipsec secrets: unexpected word "x"\nUsage: /],
  [["--bogus"], 2, /^ipsec secrets: unrecognized option '--bogus'\nUsage: /],
];
for (const [args, status, stderr] of REFUSED) {
  Deno.test(`secrets refuses "${args.join(" ")}"`, async () => {
    using folder = new Folder();
    const ran = await folder.runShort(secrets, ...args);
    deepEqual([ran.status, ran.stdout], [status, ""]);
    match(ran.stderr, stderr);
  });
}

Deno.test("_keycensor and _secretcensor print files, the last line's missing end too, and tell which they cannot read", async () => {
  using folder = new Folder();
  const conf = folder.write("conf", "conn a\n\n\tahkey=0x12\n\tauto=add");
  const gone = `${folder.path}/gone`;
  deepEqual(await folder.runShort(keycensor, gone, conf), {
    status: 1,
    stdout: `conn a\n\n\tahkey=[sums to ${textSum("0x12")}...]\n\tauto=add`,
    stderr: "ipsec _keycensor: cannot read `DIR/gone' (No such file or directory)\n",
  });
  // What is open at the end of one file does not reach into the next.
  const one = folder.write("one", ": RSA {\n\tPrime1: 0x12\n"), two = folder.write("two", " 10.0.0.1 @a : PSK 0x12\n");
  deepEqual(await folder.runShort(secretcensor, "--", one, two), {
    status: 0,
    stdout: `: RSA {\n\tPrime1: [...]\n 10.0.0.1 @a : PSK ${`[sums to ${textSum("0x12")}...]`}\n`,
    stderr: "",
  });
});

for (const command of [secrets, keycensor, secretcensor]) {
  Deno.test(`${command.name} --help and --version answer; the manual names every option; other options are refused`, async () => {
    using folder = new Folder();
    deepEqual(await folder.runShort(command, "--help"), { status: 0, stdout: command.usage(), stderr: "" });
    match((await folder.runShort(command, "--version")).stdout, new RegExp(`^ipsec ${command.name} `));
    for (const [option] of command.usage().matchAll(/--[a-z]+/g)) ok(command.manual.includes(`\`${option}`), option);
    equal((await folder.runShort(command, "--bogus")).status, 2);
  });
}
