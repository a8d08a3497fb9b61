/** The checks of `ipsec verify` that look at this host: what they have to go by, and what follows from it. Pure. */
import { type Address, formatAddress } from "../lib/text/address.ts";
import { DNS_ADVICE } from "./_verify_dns.ts";
import { linkFindings, mtuFindings, portFindings, routingFindings } from "./_verify_network.ts";
import { type Finding, finding, ifUsed } from "./_verify_report.ts";
import type { Uses } from "./_verify_uses.ts";

export interface LocalFacts {
  /** Of ipsec.conf; undefined where it has no connections yet. */
  readonly uses: Uses | undefined;
  /** First line of `ipsec --version`. */
  readonly version: string;
  /** Where a shell would find `ipsec`; undefined where it would not. */
  readonly onPath: string | undefined;
  /** Why KLIPS does not answer; undefined where it does. */
  readonly klips: string | undefined;
  /** Why a TUN device cannot be made. */
  readonly tun: string | undefined;
  /** Capabilities that we lack. */
  readonly missingRights: readonly string[];
  readonly secretsFile: string;
  /** Why there is no key; undefined where there is one. `mayExist`: in a file that is not read as it is. */
  readonly rsaKey: { readonly why: string; readonly mayExist: boolean } | undefined;
  /** Why pluto does not answer. */
  readonly pluto: string | undefined;
  /** A line for each connection that ipsec.secrets has nothing for. */
  readonly missingSecrets: readonly string[];
  /** Of which pluto listens; nothing where it does not answer. */
  readonly plutoInterfaces: readonly string[];
  /** UDP ports in use on this host, by whatever program. */
  readonly udpPorts: ReadonlySet<number>;
  readonly interfaces: readonly {
    readonly name: string;
    readonly isUp: boolean;
    readonly mtu: number;
    readonly addresses: readonly Address[];
    readonly rpFilter: string | undefined;
    /** Of an ipsecN: the device below it, or the one that it waits for. */
    readonly physical: string | undefined;
  }[];
  readonly rpFilterAll: string | undefined;
  /** Of IPv4. */
  readonly isForwarding: boolean;
  /** Rules that translate addresses; undefined where the packet filter cannot be read. */
  readonly translations: readonly { readonly where: string; readonly isLimited: boolean }[] | undefined;
  /** Filter chains at the input hook that drop what no rule accepts, and have no rule for it. */
  readonly droppingInput: readonly string[];
  readonly nowSeconds: number;
  readonly servers: readonly string[];
  readonly trustsDnssec: boolean;
}

/** The first release: a clock before it is wrong, and signatures and DNSSEC need the right one. */
const FIRST_RELEASE_SECONDS = Date.UTC(2026, 0) / 1000;

export function localFindings(facts: LocalFacts): Finding[] {
  const { secretsFile } = facts;
  return [
    {
      text: "Version check and ipsec on-path",
      ...facts.onPath ? { verdict: "OK", details: [facts.version] } : {
        verdict: "FAILED",
        details: [facts.version],
        advice: "install it with `ipsec self-install', or add its folder to PATH",
      },
    },
    finding("Checking for KLIPS support in kernel", facts.klips, "start IPsec: ipsec setup start"),
    finding(
      "Checking for the TUN device (/dev/net/tun)",
      facts.tun,
      "load the module tun, or let the container have /dev/net/tun",
    ),
    finding(
      "Checking for the rights that KLIPS needs",
      facts.missingRights.length ? `missing: ${facts.missingRights.join(", ")}` : undefined,
      "run as root; give a container the capabilities NET_ADMIN and NET_RAW",
    ),
    ifUsed(
      facts.uses?.rsaKeys,
      "no connection of ipsec.conf has authby=rsasig",
      finding(
        `Checking for RSA private key (${secretsFile})`,
        facts.rsaKey?.why,
        facts.rsaKey?.mayExist ? undefined : `make one: ipsec newhostkey --output ${secretsFile}`,
      ),
    ),
    ...secretsFindings(facts),
    finding("Checking that pluto is running", facts.pluto, "start IPsec: ipsec setup start"),
    ...linkFindings(facts),
    ...portFindings(facts),
    ...routingFindings(facts),
    ...filterFindings(facts),
    ...mtuFindings(facts),
    finding(
      "Checking the clock",
      facts.nowSeconds < FIRST_RELEASE_SECONDS
        ? `it says ${new Date(facts.nowSeconds * 1000).toISOString()}`
        : undefined,
      "set it: DNSSEC and certificates cannot be checked with a wrong one",
    ),
  ];
}

function secretsFindings({ uses, missingSecrets, secretsFile }: LocalFacts): Finding[] {
  if (!uses) return [];
  const text = "Checking that connections find their secrets";
  if (!missingSecrets.length) return [{ text, verdict: "OK" }];
  return [{
    text,
    verdict: "FAILED",
    details: missingSecrets,
    advice: `see \`ipsec secrets', ${secretsFile} and leftid=, rightid=, rsasigkey= of the connections`,
  }];
}

function filterFindings({ translations, droppingInput }: LocalFacts): Finding[] {
  const text = "Checking NAT and MASQUERADEing";
  const killing = translations?.filter(({ isLimited }) => !isLimited) ?? [];
  const input = droppingInput.length
    ? [{
      text: "Checking that the firewall lets IKE and ESP in",
      verdict: "WARNING" as const,
      details: droppingInput.map((chain) => `${chain} drops what no rule accepts`),
      advice: "accept UDP ports 500 and 4500, and protocols 50 (ESP) and 51 (AH), from your peers",
    }]
    : [];
  if (!translations) return [{ text, verdict: "N/A" }, ...input];
  return [{
    text,
    ...killing.length
      ? {
        verdict: "FAILED" as const,
        details: killing.map(({ where }) => `${where} translates what leaves by any interface, tunnels included`),
        advice: "limit the rule to the interface: oifname eth0",
      }
      : { verdict: "OK" as const },
  }, ...input];
}

/** Addresses that others can reach this host by (RFC 1918, RFC 3927; RFC 4193, RFC 4291 for IPv6). */
export function publicAddresses({ interfaces }: LocalFacts): Address[] {
  const seen = new Map<string, Address>();
  for (const { name, addresses } of interfaces) {
    if (name === "lo") continue;
    for (const one of addresses) if (!isPrivate(one)) seen.set(formatAddress(one), one);
  }
  return [...seen.values()];
}

function isPrivate({ family, bytes: [a, b] }: Address): boolean {
  if (family === "inet6") return a === 0 || (a & 0xfe) === 0xfc || a === 0xfe && (b & 0xc0) === 0x80;
  return a === 127 || a === 10 || a === 172 && b >> 4 === 1 || a === 192 && b === 168 || a === 169 && b === 254;
}

/** In place of all that asks the DNS. */
export const DNS_NOT_USED: Finding = {
  text: "Looking for what the DNS has about this host",
  verdict: "N/A",
  details: ["not needed: no connection of ipsec.conf, and no policy group, finds peers or keys in the DNS"],
};

export function resolverFinding(
  { servers, trustsDnssec }: LocalFacts,
  answer: { ok: boolean; authenticated: boolean; why?: string },
): Finding {
  const text = "Checking the resolver, and whether it validates DNSSEC";
  const details = [`asks ${servers.join(", ") || "nobody"}`];
  if (!answer.ok) {
    return {
      text,
      verdict: "FAILED",
      details: [...details, answer.why ?? ""],
      advice: DNS_ADVICE,
    };
  }
  if (answer.authenticated) return { text, verdict: "OK", details };
  const why = trustsDnssec ? "it does not validate" : "what it says of DNSSEC could have been changed on the way";
  return {
    text,
    verdict: "WARNING",
    details: [...details, why],
    advice: "run a validating resolver on this host (unbound), and let /etc/resolv.conf name 127.0.0.1",
  };
}
