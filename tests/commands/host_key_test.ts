/** `ipsec rsasigkey`, `newhostkey` and `showhostkey` over a folder of their own. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ConfFolder } from "./_conf_folder.ts";
import { newhostkey } from "../../commands/newhostkey.ts";
import { rsasigkey } from "../../commands/rsasigkey.ts";
import { showhostkey } from "../../commands/showhostkey.ts";
import { readSecrets } from "../../lib/config/secrets.ts";
import { modulusBits } from "../../lib/crypto/rsa.ts";
import { secretsFiles } from "../../lib/system/secrets_files.ts";

/** 512 bits, made by this program once; it protects nothing. */
async function smallKey(folder: ConfFolder): Promise<string> {
  const { stdout, status } = await folder.run(rsasigkey, ["--hostname", "xy.example.com", "512"]);
  equal(status, 0);
  return stdout;
}

const LAYOUT = new RegExp(
  "^" + [
    "# RSA 512 bits   xy\\.example\\.com   [A-Z][a-z]{2} [A-Z][a-z]{2} [ 1-3][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}",
    "# for signatures only, UNSAFE FOR ENCRYPTION",
    "#pubkey=0sAQ[A-Za-z0-9+/]{86}",
    "Modulus: 0x[0-9a-f]{128}",
    "PublicExponent: 0x03",
    "# everything after this point is secret",
    ...["PrivateExponent", "Prime1", "Prime2", "Exponent1", "Exponent2", "Coefficient"].map((name) =>
      `${name}: 0x(?:[0-9a-f]{2})+`
    ),
  ].map((line) => `\\t${line}\\n`).join("") + "$",
);

Deno.test("rsasigkey prints a key in the layout of FreeS/WAN, which readSecrets() reads between braces", async () => {
  using folder = new ConfFolder();
  const text = await smallKey(folder);
  match(text, LAYOUT);
  const { entries, complaints } = readSecrets(folder.write("s", `: RSA {\n${text}\t}\n`), secretsFiles);
  deepEqual(complaints, []);
  const [{ key }] = entries;
  ok(key.kind === "RSA");
  equal(modulusBits(key.key.publicKey), 512);
});

Deno.test("rsasigkey --verbose narrates as FreeS/WAN does; a terminal sees progress, anything else nothing", async () => {
  using folder = new ConfFolder();
  const lines = (await folder.run(rsasigkey, ["--verb", "512"])).stderr.split("\n");
  const found = lines.filter((line) => /^found it after \d+ tries\.$/.test(line));
  deepEqual(lines.filter((line) => !found.includes(line)), [
    "getting 32 random bytes from the kernel...",
    "looking for a prime starting there (can take a while)...",
    "getting 32 random bytes from the kernel...",
    "looking for a prime starting there (can take a while)...",
    "output...",
    "",
    "",
  ]);
  equal(found.length, 2);
  const progress = (await folder.run(rsasigkey, ["512"], true)).stderr.split("\r\x1b[K");
  match(progress[1], /^looking for prime 1 of 2: \d+ numbers$/);
  equal(progress.at(-1), "");
  equal((await folder.run(rsasigkey, ["512"])).stderr, "");
});

Deno.test("rsasigkey --random starts where the device says", async () => {
  using folder = new ConfFolder();
  const device = folder.write("noise", "");
  Deno.writeFileSync(device, Uint8Array.from({ length: 64 }, (_, i) => i * 37));
  // Each prime opens the device anew, as it does a real one, so that a file gives the same bytes twice.
  const { status, stderr } = await folder.run(rsasigkey, ["--random", device, "512"]);
  deepEqual([status, stderr], [1, `ipsec rsasigkey: ${device}: the source of random bytes gave the same ones twice\n`]);
  equal((await folder.run(rsasigkey, ["--random", "/dev/urandom", "512"])).status, 0);
});

Deno.test("rsasigkey --oldkey prints the same key again, and --noopt another private exponent", async () => {
  using folder = new ConfFolder();
  const text = await smallKey(folder);
  const again = await folder.run(rsasigkey, ["--hostname", "xy.example.com", "--oldkey", folder.write("old", text)]);
  const numbers = (key: string) => key.split("\n").slice(1).join("\n");
  deepEqual([again.status, numbers(again.stdout)], [0, numbers(text)]);
  const plain = await folder.run(rsasigkey, ["--noopt", "--oldkey", folder.file("old")]);
  equal(readSecrets(folder.write("s", `: RSA {\n${plain.stdout}\t}\n`), secretsFiles).entries.length, 1);
  ok(numbers(plain.stdout) !== numbers(text));
});

const USAGE = rsasigkey.usage();
const REFUSED: [args: string[], status: number, stdout: string, stderr: string][] = [
  [[], 2, USAGE, ""],
  [["512", "512"], 2, USAGE, ""],
  [["--oldkey", "x", "512"], 2, USAGE, ""],
  [["--bits", "512"], 2, USAGE, "ipsec rsasigkey: unrecognized option '--bits'\n"],
  [["many"], 1, "", "ipsec rsasigkey: invalid bit count (many)\n"],
  [["0"], 1, "", "ipsec rsasigkey: invalid bit count (0)\n"],
  [["8208"], 1, "", "ipsec rsasigkey: overlarge bit count (max 8192)\n"],
  [["1000"], 1, "", "ipsec rsasigkey: bit count (1000) not multiple of 16\n"],
  [["496"], 1, "", "ipsec rsasigkey: bit count (496) too small for security (min 512)\n"],
  [["--rounds", "0", "512"], 2, "", "ipsec rsasigkey: rounds must be > 0\n"],
  [["--hostname", "a b", "512"], 1, "", 'ipsec rsasigkey: host name must be one word, not "a b"\n'],
  [["--random", "/gone", "512"], 1, "", "ipsec rsasigkey: could not open /gone (No such file or directory)\n"],
  [["--random", "/dev/null", "512"], 1, "", "ipsec rsasigkey: eof on /dev/null!?!\n"],
  [["--oldkey", "/gone"], 1, "", "ipsec rsasigkey: unable to open file `/gone' (No such file or directory)\n"],
];
for (const [args, status, stdout, stderr] of REFUSED) {
  Deno.test(`rsasigkey refuses "${args.join(" ")}"`, async () => {
    using folder = new ConfFolder();
    deepEqual(await folder.run(rsasigkey, args), { status, stdout, stderr });
  });
}

const OLD: [what: string, change: (key: string) => string, stderr: string][] = [
  ["another exponent", (key) => key.replace("0x03", "0x11"), "wrong public exponent (`0x11') in old key"],
  ["two first primes", (key) => key.replace("Prime2", "Prime1"), "duplicate `Prime1:' lines in `FILE'"],
  ["a spoilt prime", (key) => key.replace("Prime1: 0x", "Prime1: 0xz"), "conversion error in reading old prime1"],
  ["a missing prime", (key) => key.replace(/\tPrime2.*\n/, ""), "old key missing or incomplete"],
  [
    "numbers that are no primes",
    (key) => key.replace(/Prime2: \S+/, "Prime2: 0x04"),
    "old key is none: its numbers are no primes that fit the exponent 3",
  ],
  [
    "small primes",
    (key) => key.replace(/(Prime[12]): \S+/g, (_, name) => `${name}: ${name === "Prime1" ? "0x0b" : "0x11"}`),
    "RSA modulus too small for security: less than 512 bits",
  ],
];
for (const [what, change, stderr] of OLD) {
  Deno.test(`rsasigkey --oldkey refuses ${what}`, async () => {
    using folder = new ConfFolder();
    const file = folder.write("old", change(await smallKey(folder)));
    const expected = `ipsec rsasigkey: ${stderr.replace("FILE", file)}\n`;
    deepEqual(await folder.run(rsasigkey, ["--oldkey", file]), { status: 1, stdout: "", stderr: expected });
  });
}

Deno.test("newhostkey writes ipsec.secrets for its owner alone, 3072 bits, and showhostkey shows it", async () => {
  using folder = new ConfFolder();
  deepEqual(await folder.run(newhostkey, ["--hostname", "xy.example.com"]), { status: 0, stdout: "", stderr: "" });
  const file = folder.file("ipsec.secrets");
  equal(Deno.statSync(file).mode! & 0o777, 0o600);
  const text = Deno.readTextFileSync(file);
  match(
    text,
    /^: RSA\t\{\n\t# RSA 3072 bits {3}xy\.example\.com {3}.*\n[^]*\n\t\}\n# do not change the indenting of that "\}"\n$/,
  );
  deepEqual(Array.from(Deno.readDirSync(folder.path), ({ name }) => name), ["ipsec.secrets"]);
  const { status, stdout } = await folder.run(showhostkey, ["--left"]);
  equal(status, 0);
  equal(stdout, `${text.split("\n")[1]}\n\tleftrsasigkey=${/#pubkey=(\S+)/.exec(text)![1]}\n`);
});

Deno.test("newhostkey without --output leaves an existing ipsec.secrets alone", async () => {
  using folder = new ConfFolder();
  const file = folder.write("ipsec.secrets", '"a"\n');
  deepEqual(await folder.run(newhostkey, ["--bits", "512"]), {
    status: 1,
    stdout: "",
    stderr:
      `ipsec newhostkey: no --output specification included, and ${file} exists; --output ${file} appends to it\n`,
  });
  equal(Deno.readTextFileSync(file), '"a"\n');
});

Deno.test("newhostkey --output appends to what is there, and closes the file to others", async () => {
  using folder = new ConfFolder();
  const file = folder.write("s", '@a : PSK "a"', 0o644);
  const { status, stderr } = await folder.run(newhostkey, ["--output", file, "--bits", "512"]);
  deepEqual([status, stderr], [0, `ipsec newhostkey: WARNING: file \`${file}' exists, appending to it\n`]);
  equal(Deno.statSync(file).mode! & 0o777, 0o600);
  const { entries, complaints } = readSecrets(file, secretsFiles);
  deepEqual([entries.map(({ key }) => key.kind), complaints], [["PSK", "RSA"], []]);
  equal((await folder.run(newhostkey, ["--output", file, "--bits", "512", "--quiet"])).stderr, "");
  equal(readSecrets(file, secretsFiles).entries.length, 3);
});

Deno.test("newhostkey warns where the file has another key without index by then", async () => {
  using folder = new ConfFolder();
  const file = folder.file("ipsec.secrets");
  const search = ["--bits", "512", "--output", file];
  equal((await folder.run(newhostkey, search)).stderr, "");
  const line = Deno.readTextFileSync(file).split("\n").length;
  equal(
    (await folder.run(newhostkey, search)).stderr,
    `ipsec newhostkey: WARNING: file \`${file}' exists, appending to it\n` +
      `ipsec newhostkey: WARNING: 2 keys have no index before the colon (${file}:1, ${file}:${line}); ` +
      "give all but one an index\n",
  );
  Deno.writeTextFileSync(file, Deno.readTextFileSync(file).replace(/^: /, "@west : "));
  deepEqual(readSecrets(file, secretsFiles).entries.map(({ idCount }) => idCount), [1, 0]);
});

Deno.test("newhostkey --output through a symbolic link changes the file that it names", async () => {
  using folder = new ConfFolder();
  const file = folder.write("real", '"a"\n');
  Deno.symlinkSync(file, folder.file("link"));
  equal((await folder.run(newhostkey, ["--output", folder.file("link"), "--bits", "512"])).status, 0);
  ok(Deno.lstatSync(folder.file("link")).isSymlink);
  equal(readSecrets(file, secretsFiles).entries.length, 2);
});

Deno.test("newhostkey --output - prints the record and touches no file", async () => {
  using folder = new ConfFolder();
  const { status, stdout } = await folder.run(newhostkey, ["--output", "-", "--bits", "512"]);
  equal(status, 0);
  match(stdout, /^: RSA\t\{\n/);
  deepEqual([...Deno.readDirSync(folder.path)], []);
});

const NEW_REFUSED: [args: string[], status: number, stderr: RegExp][] = [
  [["--bogus"], 2, /^ipsec newhostkey: unrecognized option '--bogus'\nUsage: /],
  [["x"], 2, /^ipsec newhostkey: unexpected word "x"\nUsage: /],
  [["--bits", "100"], 1, /^ipsec newhostkey: bit count \(100\) not multiple of 16\n$/],
  [
    ["--output", "/dev/null", "--bits", "512"],
    1,
    /^ipsec newhostkey: cannot read `\/dev\/null' \(not a regular file; /,
  ],
  [
    ["--output", "/gone/s", "--bits", "512"],
    1,
    /^ipsec newhostkey: cannot write `\/gone\/s' \(No such file or directory\)\n$/,
  ],
];
for (const [args, status, stderr] of NEW_REFUSED) {
  Deno.test(`newhostkey refuses "${args.join(" ")}"`, async () => {
    using folder = new ConfFolder();
    const ran = await folder.run(newhostkey, args);
    deepEqual([ran.status, ran.stdout], [status, ""]);
    match(ran.stderr, stderr);
  });
}

/** A default key, a PSK, and a key of @b in an included file; the comments and base64 keys of both. */
async function keys(folder: ConfFolder) {
  const [one, two] = [await smallKey(folder), await smallKey(folder)];
  folder.write("ipsec.secrets", `: RSA {\n${one}\t}\n@b : PSK "x"\ninclude more.*\n`);
  folder.write("more.secrets", `@b 192.0.2.1: RSA\t{\n${two.replace(/^\t# RSA.*\n/, "")}\t}\n`);
  const base64 = (text: string) => /#pubkey=0s(\S+)/.exec(text)![1];
  return { origin: /# (RSA.*)/.exec(one)![1], one: base64(one), two: base64(two) };
}

const SHOWN: [args: string[], stdout: (k: { origin: string; one: string; two: string }) => string][] = [
  [["--left"], (k) => `\t# ${k.origin}\n\tleftrsasigkey=0s${k.one}\n`],
  [["--right"], (k) => `\t# ${k.origin}\n\trightrsasigkey=0s${k.one}\n`],
  [["--left", "--right"], (k) => `\t# ${k.origin}\n\trightrsasigkey=0s${k.one}\n`],
  [["--key"], (k) => `; ${k.origin}\nxy.example.com.\tIN\tKEY\t0x4200 4 1 ${k.one}\n`],
  [["--txt", "@gw.example"], (k) => `; ${k.origin}\n\tIN\tTXT\t"X-IPsec-Server(10)=@gw.example ${k.one}"\n`],
  [["--txt", "192.0.2.1"], (k) => `; ${k.origin}\n\tIN\tTXT\t"X-IPsec-Server(10)=192.0.2.1 ${k.one}"\n`],
  [["--ipseckey"], (k) => `; ${k.origin}\nxy.example.com.\tIN\tIPSECKEY\t10 0 2 . ${k.one}\n`],
  [
    ["--ipseckey", "--gateway", "192.0.2.1"],
    (k) => `; ${k.origin}\nxy.example.com.\tIN\tIPSECKEY\t10 1 2 192.0.2.1 ${k.one}\n`,
  ],
  [
    ["--ipseckey", "--gateway", "2001:db8::1", "--precedence", "5"],
    (k) => `; ${k.origin}\nxy.example.com.\tIN\tIPSECKEY\t5 2 2 2001:db8::1 ${k.one}\n`,
  ],
  [
    ["--ipseckey", "--gateway", "@gw.example"],
    (k) => `; ${k.origin}\nxy.example.com.\tIN\tIPSECKEY\t10 3 2 gw.example. ${k.one}\n`,
  ],
  [
    ["--dhclient"],
    (k) =>
      `# ${k.origin}\noption oe-key code 159 = string;\noption oe-gateway code 160 = ip-address;\n` +
      `send oe-key = "0x4200 4 1 ${k.one}";\n`,
  ],
  [["--id", "@B.", "--left"], (k) => `\tleftrsasigkey=0s${k.two}\n`],
  [["--id", "192.0.2.1", "--left"], (k) => `\tleftrsasigkey=0s${k.two}\n`],
];
for (const [args, stdout] of SHOWN) {
  Deno.test(`showhostkey ${args.join(" ")}`, async () => {
    using folder = new ConfFolder();
    const expected = stdout(await keys(folder));
    deepEqual(await folder.run(showhostkey, args), { status: 0, stdout: expected, stderr: "" });
  });
}

Deno.test("showhostkey --txt splits a key that is too long for one string", async () => {
  using folder = new ConfFolder();
  equal((await folder.run(newhostkey, ["--bits", "2048"])).status, 0);
  const { stdout } = await folder.run(showhostkey, ["--txt", "192.0.2.1"]);
  match(stdout, /\n\tIN\tTXT\t"X-IPsec-Server\(10\)=192\.0\.2\.1" " AQ[^"]{252}" "[^"]+"\n$/);
});

Deno.test("showhostkey --json says all that is public, and nothing else", async () => {
  using folder = new ConfFolder();
  const { two } = await keys(folder);
  const { stdout } = await folder.run(showhostkey, ["--json", "--id", "@b"]);
  deepEqual(JSON.parse(stdout), {
    keyId: two.slice(0, 9),
    bits: 512,
    host: Deno.hostname(),
    origin: "",
    ids: ["@b", "192.0.2.1"],
    publicKey: `0s${two}`,
    file: folder.file("more.secrets"),
    line: 1,
  });
});

const NOT_SHOWN: [args: string[], status: number, stderr: string][] = [
  [[], 2, "must specify a format for the result"],
  [["--txt", ""], 2, "--txt gateway value cannot be empty"],
  [["--txt", "x"], 1, 'gateway must be @FQDN or IPv4 address, not "x"'],
  [["--txt", '@a" "b'], 1, 'gateway must be @FQDN or IPv4 address, not "@a" "b"'],
  [["--txt", "10.1"], 1, 'gateway must be @FQDN or IPv4 address, not "10.1"'],
  [["--ipseckey", "--gateway", "a b"], 1, 'gateway must be a name or an address, not "a b"'],
  [["--ipseckey", "--gateway", "10.1"], 1, 'gateway must be a name or an address, not "10.1"'],
  [["--ipseckey", "--precedence", "256"], 2, '--precedence must be 0 to 255, not "256"'],
  [["--left", "--file", "/gone"], 1, "file `/gone' does not exist"],
  [["--left", "--id", "@c"], 1, 'no "@c" key in "FILE"'],
  [["--left", "--id", "%x"], 2, '--id "%x": illegal (non-DNS-name) character in name'],
  [["--txt", "192.0.2.1", "--from", "/gone"], 2, "--from goes with --left, --right, --pem and --json"],
  [["--right", "--from", "/tmp"], 1, "/tmp is not a regular file"],
  [
    ["--right", "--from", "/gone", "--id", "@b"],
    2,
    "--from names the only key of a file; --file and --id do not go with it",
  ],
  [["--right", "--from", "/gone"], 1, "file `/gone' does not exist"],
  [["--wavesec"], 1, "--wavesec is not supported; see --dhclient"],
];
for (const [args, status, stderr] of NOT_SHOWN) {
  Deno.test(`showhostkey refuses "${args.join(" ")}"`, async () => {
    using folder = new ConfFolder();
    await keys(folder);
    const said = `ipsec showhostkey: ${stderr.replace("FILE", folder.file("ipsec.secrets"))}\n`;
    deepEqual(await folder.run(showhostkey, args), { status, stdout: "", stderr: said });
  });
}

const FILES: [what: string, text: (key: string) => string, mode: number, stderr: string][] = [
  ["a file without default key", () => '"a"\n', 0o600, 'ipsec showhostkey: no default key in "FILE"\n'],
  ["two default keys", (key) => `${key}${key}`, 0o600, "ipsec showhostkey: multiple default keys found!?!\n"],
  [
    "a key in a file that is not there",
    () => ": RSA /nonexistent/west.pem\n",
    0o600,
    'ipsec showhostkey: FILE:1: error loading RSA private key file "/nonexistent/west.pem": No such file or directory\n' +
    'ipsec showhostkey: no default key in "FILE" that can be used, see above\n',
  ],
  [
    "a file that others may read",
    (key) => key,
    0o644,
    "ipsec showhostkey: FILE: not read: with mode 0644 others can read or change the secrets; run: chmod 600 FILE\n" +
    'ipsec showhostkey: no default key in "FILE" that can be used, see above\n',
  ],
];
for (const [what, text, mode, stderr] of FILES) {
  Deno.test(`showhostkey refuses ${what}`, async () => {
    using folder = new ConfFolder();
    const file = folder.write("ipsec.secrets", text(`: RSA {\n${await smallKey(folder)}\t}\n`), mode);
    const said = stderr.replaceAll("FILE", file);
    deepEqual(await folder.run(showhostkey, ["--left"]), { status: 1, stdout: "", stderr: said });
  });
}

for (const command of [rsasigkey, newhostkey, showhostkey]) {
  Deno.test(`the manual of ${command.name} names every option of the usage text; --help and --version answer`, async () => {
    for (const [option] of command.usage().matchAll(/--[a-z]+/g)) ok(command.manual.includes(`\`${option}`), option);
    using folder = new ConfFolder();
    deepEqual(await folder.run(command, ["--help"]), { status: 0, stdout: command.usage(), stderr: "" });
    match((await folder.run(command, ["--version"])).stdout, new RegExp(`^ipsec ${command.name} `));
  });
}
