/** The command line of `ipsec pluto` (pluto.md §1.1). */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal, throws } from "node:assert/strict";
import type { UserError } from "../../commands/_command.ts";
import { pluto } from "../../commands/pluto.ts";
import { PLUTO_USAGE, type PlutoOptions, readPlutoOptions } from "../../commands/_pluto_options.ts";
import { runIn } from "./_fake_pluto.ts";

const env = (name: string) => ({ IPSEC_RUNDIR: "/run/i", IPSEC_CONFS: "/etc/i" })[name];

function read(words: string): PlutoOptions {
  const options = readPlutoOptions(words.split(" ").filter(Boolean), env);
  if (typeof options === "string") throw new Error(options);
  return options;
}

const DEFAULTS: PlutoOptions = {
  fork: true,
  stderrLog: false,
  klips: true,
  uniqueIds: false,
  sendCertificateRequests: true,
  strictCrlPolicy: false,
  crlCheckSeconds: 0,
  interfaces: [],
  ikePort: 500,
  ctlBase: "/run/i/pluto",
  secretsFile: "/etc/i/ipsec.secrets",
  policyGroupsDirectory: "/etc/i/ipsec.d/policies",
  perPeerLog: false,
  perPeerLogBase: "/var/log/pluto/peer",
  debug: [],
  listen: undefined,
  virtualPrivate: "",
  keepAliveSeconds: 20,
  resolvers: [],
  dnssec: "prefer",
  oeWaitSeconds: 8,
};

const OPTIONS: [words: string, changed: Partial<PlutoOptions>][] = [
  ["", {}],
  ["--nofork", { fork: false }],
  ["--stderrlog", { stderrLog: true }],
  ["--noklips", { klips: false }],
  ["--uniqueids", { uniqueIds: true }],
  ["--unique", { uniqueIds: true }],
  ["--nocrsend", { sendCertificateRequests: false }],
  ["--strictcrlpolicy", { strictCrlPolicy: true }],
  ["--crlcheckinterval 600", { crlCheckSeconds: 600 }],
  ["--interface eth0 --interface eth1", { interfaces: ["eth0", "eth1"] }],
  ["--ikeport 501", { ikePort: 501 }],
  ["--ctlbase /tmp/p", { ctlBase: "/tmp/p" }],
  ["--secretsfile /tmp/s", { secretsFile: "/tmp/s" }],
  ["--policygroupsdir /tmp/d", { policyGroupsDirectory: "/tmp/d" }],
  ["--foodgroupsdir /tmp/d", { policyGroupsDirectory: "/tmp/d" }],
  ["--perpeerlog --perpeerlogbase /tmp/l", { perPeerLog: true, perPeerLogBase: "/tmp/l" }],
  ["--adns /usr/lib/adns --lwdnsq x", {}],
  ["--debug-control --debug-raw", { debug: ["control", "raw"] }],
  ["--debug-raw --debug-none --debug-dns", { debug: ["dns"] }],
  ["--debug-all", {
    debug: "raw crypt parsing emitting control lifecycle klips dns oppo controlmore pfkey".split(" "),
  }],
  ["--impair-bust-mr2", { debug: ["impair-bust-mr2"] }],
  ["--listen 192.0.2.1", { listen: "192.0.2.1" }],
  ["--virtual_private %v4:10.0.0.0/8", { virtualPrivate: "%v4:10.0.0.0/8" }],
  ["--keep_alive 0", { keepAliveSeconds: 0 }],
  ["--resolvers 192.0.2.53,tls://x", { resolvers: ["192.0.2.53", "tls://x"] }],
  ["--dnssec require", { dnssec: "require" }],
  ["--oewait 0", { oeWaitSeconds: 0 }],
];
for (const [words, changed] of OPTIONS) {
  Deno.test(`pluto ${words}`, () => deepEqual(read(words), { ...DEFAULTS, ...changed }));
}

const REFUSED: [words: string, message: string][] = [
  ["--crlcheckinterval=", "missing interval time"],
  ["--crlcheckinterval -1", "<interval-time> must be a positive number or zero"],
  ["--interface e ".repeat(11), "too many --interface specifications"],
  ["--ikeport=", "missing port number"],
  ["--ikeport 0", "<port-number> must be a number between 1 and 65535"],
  ["--ikeport 65536", "<port-number> must be a number between 1 and 65535"],
  [`--ctlbase /${"x".repeat(103)}`, "<path>.ctl too long for sun_path"],
  [`--ctlbase /${"x".repeat(100)}`, "<path>.updown too long for sun_path"],
  ["start", "unexpected argument"],
  ["--nonsense", "pluto: unrecognized option '--nonsense'"],
  ["--dnssec maybe", "--dnssec must be require, prefer or ignore"],
  ["--oewait soon", "--oewait must be a number of seconds"],
  ["--keep_alive often", "--keep_alive must be a number of seconds"],
];
for (const [words, message] of REFUSED) {
  Deno.test(`pluto refuses ${words.slice(0, 40)}: ${message}`, () => {
    throws(() => read(words), (error) => {
      equal((error as Error).message, `${message}\n${PLUTO_USAGE}`);
      equal((error as UserError).status, 1);
      return true;
    });
  });
}

Deno.test("pluto --help is on standard error, --version on standard output", async () => {
  deepEqual(await runIn("/nonexistent", pluto, "--help"), { status: 0, stdout: "", stderr: PLUTO_USAGE });
  match((await runIn("/nonexistent", pluto, "--version")).stdout, /^ipsec pluto \d/);
});

Deno.test("pluto says that one runs already, with a status of its own", async () => {
  const directory = Deno.makeTempDirSync();
  const other = new Deno.Command("sh", { args: ["-c", "sleep 60; true", "pluto"], stdin: "null" }).spawn();
  try {
    Deno.writeTextFileSync(`${directory}/pluto.pid`, `${other.pid}\n`);
    while (!Deno.readTextFileSync(`/proc/${other.pid}/cmdline`).includes("sleep 60")) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    deepEqual(await runIn(directory, pluto, "--nofork"), {
      status: 10,
      stdout: "",
      stderr: 'pluto: lock file "DIR/pluto.pid" already exists\n',
    });
  } finally {
    other.kill();
    await other.status;
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("pluto says where it cannot make its lock", async () => {
  await rejects(
    async () =>
      await pluto.run(["--nofork", "--ctlbase", "/nonexistent/pluto"], {
        stdout: () => {},
        stderr: () => {},
        stdoutIsTerminal: false,
        env,
      }),
    { message: 'pluto: unable to create lock file "/nonexistent/pluto.pid" (No such file or directory)' },
  );
});
