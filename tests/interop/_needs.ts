/**
 * What a test needs of this machine. Where it is missing the test is left out, and its name says why; under CI=true it
 * runs all the same, and fails.
 */
import { NO_NETS } from "../../tools/_user_namespace.ts";

interface Need {
  /** Debian's package; undefined for root. */
  readonly package: string | undefined;
  readonly command: readonly [program: string, ...words: string[]];
}

/** Debian's own Python: another one first on PATH would not see Debian's scapy. */
export const PYTHON = "/usr/bin/python3";

const STRONGSWAN = "/usr/lib/ipsec";
const STRONGSWAN_PLUGINS = ["kernel-libipsec", "xauth-generic", "openssl", "gcm"]
  .map((name) => `plugins/libstrongswan-${name}.so`).join(" ");

const NEEDS = {
  root: { package: undefined, command: ["ip", "netns", "list"] },
  ping: { package: "iputils-ping", command: ["ping", "-V"] },
  iperf3: { package: "iperf3", command: ["iperf3", "--version"] },
  scapy: { package: "python3-scapy", command: [PYTHON, "-c", "import scapy.layers.ipsec"] },
  cryptography: { package: "python3-cryptography", command: [PYTHON, "-c", "import cryptography"] },
  "cryptography-vectors": {
    package: "python3-cryptography-vectors",
    command: [PYTHON, "-c", "import cryptography_vectors"],
  },
  tshark: { package: "tshark", command: ["tshark", "--version"] },
  tcpdump: { package: "tcpdump", command: ["tcpdump", "--version"] },
  nft: { package: "nftables", command: ["nft", "--version"] },
  iptables: { package: "iptables", command: ["iptables-nft", "--version"] },
  systemd: { package: "systemd", command: ["/lib/systemd/systemd", "--version"] },
  groff: { package: "groff-base", command: ["groff", "--version"] },
  openssl: { package: "openssl", command: ["openssl", "version"] },
  charon: {
    package: "strongswan-swanctl, libcharon-extra-plugins, libcharon-extauth-plugins, libstrongswan-standard-plugins",
    command: ["sh", "-c", `command -v swanctl && cd ${STRONGSWAN} && ls charon ${STRONGSWAN_PLUGINS}`],
  },
  libreswan: {
    package: "libreswan in the folder that LIBRESWAN_ROOT names: see tests/interop/unpack_libreswan.sh",
    command: ["sh", "-c", 'test -f "$LIBRESWAN_ROOT/fake_xfrm.so" && ldd "$LIBRESWAN_ROOT/usr/libexec/ipsec/pluto"'],
  },
  certutil: { package: "libnss3-tools", command: ["sh", "-c", "command -v certutil"] },
  "ike-scan": { package: "ike-scan", command: ["ike-scan", "--version"] },
  vpnc: { package: "vpnc", command: ["vpnc", "--version"] },
  knot: { package: "knot, knot-dnsutils", command: ["sh", "-c", "command -v knotd && command -v kdig"] },
  unbound: { package: "unbound", command: ["unbound", "-V"] },
  "named-checkzone": { package: "bind9-utils", command: ["named-checkzone", "-v"] },
} as const satisfies Record<string, Need>;

export type NeedName = keyof typeof NEEDS;

function isThere({ command: [program, ...args] }: Need): boolean {
  try {
    return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

function whyNot(name: NeedName): string | undefined {
  if (name === "root" && Deno.uid() !== 0) return "root";
  if (name === "root" && Deno.env.has(NO_NETS)) return "the right to make network namespaces";
  if (isThere(NEEDS[name])) return undefined;
  return NEEDS[name].package ? `Debian's ${NEEDS[name].package}` : "iproute2 and the right to make network namespaces";
}

/** A test that needs what `needs` names. */
export function testWith(
  needs: readonly NeedName[],
  name: string,
  run: (t: Deno.TestContext) => Promise<void>,
): void {
  const missing = needs.map(whyNot).filter((why) => why !== undefined);
  if (!missing.length || Deno.env.get("CI") === "true") Deno.test(name, run);
  else Deno.test({ name: `${name} (left out: needs ${missing.join(", ")})`, ignore: true, fn: run });
}
