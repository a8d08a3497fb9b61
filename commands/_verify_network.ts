/** The checks of `ipsec verify` that look at devices, ports, forwarding and sizes. Pure. */
import type { LocalFacts } from "./_verify_local.ts";
import { type Finding, finding, ifUsed } from "./_verify_report.ts";

const VIRTUAL = /^ipsec\d+$/;
const IKE_PORT = 500, NATT_PORT = 4500;
/** What ESP with its headers, UDP and padding takes at most. */
const ESP_OVERHEAD_BYTES = 90;
const LEAST_IPV6_MTU = 1280;

/** Devices below an ipsecN, by name. */
function physicalsOf(interfaces: LocalFacts["interfaces"]): string[] {
  return [...new Set(interfaces.flatMap(({ physical }) => physical ?? []))];
}

export function linkFindings({ interfaces }: LocalFacts): Finding[] {
  const isUp = new Map(interfaces.map((one) => [one.name, one.isUp]));
  const down = physicalsOf(interfaces).filter((name) => !isUp.get(name));
  return down.map((name) => ({
    text: `Checking that ${name} is up`,
    verdict: "FAILED" as const,
    details: [isUp.has(name) ? "it is down, and IPsec needs it" : "it is not there, and IPsec needs it"],
    advice: `bring it up (ip link set ${name} up): IPsec follows by itself`,
  }));
}

export function portFindings({ pluto, plutoInterfaces, klips, udpPorts, interfaces }: LocalFacts): Finding[] {
  const physicals = physicalsOf(interfaces);
  const isUp = (name: string) => interfaces.some((one) => one.name === name && one.isUp);
  // without a link nobody can listen: that is said already
  if (pluto !== undefined || !physicals.some(isUp)) return [];
  const listens = plutoInterfaces.length > 0 && udpPorts.has(IKE_PORT);
  const byAnother = udpPorts.has(IKE_PORT)
    ? "it uses no interface, and somebody else has the port"
    : "Pluto not listening on port udp 500. Check interfaces defintion in ipsec.conf.";
  const findings = [finding(
    "Checking that pluto listens on UDP port 500",
    listens ? undefined : byAnother,
    udpPorts.has(IKE_PORT)
      ? "end the other program, which `ss -ulpn' names (charon? another pluto?); then ipsec auto --ready"
      : "see `ipsec auto --status' for the interfaces that it uses; ipsec auto --ready",
  )];
  if (klips === undefined) {
    findings.push(finding(
      "Checking that KLIPS listens on UDP port 4500",
      udpPorts.has(NATT_PORT) ? undefined : "peers behind NAT cannot reach this host",
      "see /run/ipsec/klips.log: another program may have the port",
    ));
  }
  return findings;
}

export function routingFindings({ uses, interfaces, isForwarding, rpFilterAll }: LocalFacts): Finding[] {
  const findings: Finding[] = [];
  const real = interfaces.filter(({ name, isUp }) => isUp && name !== "lo" && !VIRTUAL.test(name));
  if (real.length > 1) {
    findings.push(ifUsed(
      uses?.networks,
      "no connection of ipsec.conf has a leftsubnet or rightsubnet",
      finding(
        "Two or more interfaces found, checking IP forwarding",
        isForwarding ? undefined : "",
        "a gateway needs it: sysctl -w net.ipv4.ip_forward=1, or forwardcontrol=yes in config setup",
      ),
    ));
  }
  const inUse = new Set(interfaces.map(({ physical }) => physical));
  const filtered = interfaces.filter(({ name, rpFilter = "0" }) =>
    (VIRTUAL.test(name) || inUse.has(name)) && (rpFilter !== "0" || (rpFilterAll ?? "0") !== "0")
  );
  if (inUse.size > 1 || filtered.length) {
    findings.push(finding(
      "Checking that reverse path filtering is off",
      filtered.length ? `rp_filter is on: ${filtered.map(({ name }) => name).join(", ")}` : undefined,
      "leave rp_filter=0 in config setup as it is, or: sysctl -w net.ipv4.conf.all.rp_filter=0",
    ));
  }
  return findings;
}

export function mtuFindings({ interfaces }: LocalFacts): Finding[] {
  const small = interfaces.filter(({ name, mtu }) =>
    interfaces.some(({ physical }) => physical === name) && mtu < LEAST_IPV6_MTU + ESP_OVERHEAD_BYTES
  );
  return small.map(({ name, mtu }) => ({
    text: `Checking the MTU of ${name}`,
    verdict: "WARNING" as const,
    details: [`${mtu} bytes leave less than the ${LEAST_IPV6_MTU} that IPv6 needs inside a tunnel`],
    advice: `raise it: ip link set ${name} mtu 1500`,
  }));
}
