/** `ipsec verify`: whether IPsec is installed and running, and what is published for it (commands.md §20). */
import { Resolver, type ResolverOptions } from "../lib/dns/resolver.ts";
import { type Address, parseNumericAddress, sameAddress } from "../lib/text/address.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { lookUpName } from "./_name_lookup.ts";
import { makeResolver, readResolverOptions } from "./_resolver.ts";
import { checkForward, checkReverse, type OwnKey } from "./_verify_dns.ts";
import { fullHostName, lookAtHost, ownAddresses, ownKey } from "./_verify_facts.ts";
import { DNS_NOT_USED, type LocalFacts, localFindings, publicAddresses, resolverFinding } from "./_verify_local.ts";
import { VERIFY_MANUAL } from "./_verify_manual.ts";
import { type Chapter, type Finding, formatChapter, isBad } from "./_verify_report.ts";
import { sameName } from "../lib/text/identity.ts";

const PROG = "ipsec verify";
const USAGE = "Usage: ipsec verify [--host NAME] [--ip ADDRESS] [--colour | --nocolour] [--json]\n";
const OPTIONS = {
  host: true,
  ip: true,
  colour: false,
  nocolour: false,
  json: false,
  help: false,
  version: false,
} as const;
const STATUS = { fine: 0, bad: 1, usage: 2 } as const;
const DNS_HEADING = "\nOpportunistic Encryption DNS checks:";

async function run(args: readonly string[], io: Io): Promise<number> {
  const given = parse(args, io);
  if (typeof given === "number") return given;
  const chapters = given.has("host") || given.has("ip")
    ? await namedChapters(given.get("host"), given.get("ip"), io)
    : await hostChapters(io);
  if (!chapters) return STATUS.bad;
  const inColour = given.has("colour") || io.stdoutIsTerminal && !given.has("nocolour") && !io.env("NO_COLOR");
  if (given.has("json")) io.stdout(`${JSON.stringify({ chapters }, null, 2)}\n`);
  else for (const one of chapters) io.stdout(formatChapter(one, inColour));
  return chapters.some(({ findings }) => findings.some(isBad)) ? STATUS.bad : STATUS.fine;
}

function parse(args: readonly string[], io: Io): Map<keyof typeof OPTIONS, string> | number {
  const getopt = new Getopt(args, OPTIONS, { prog: PROG, extensions: new Set(["json", "help", "version"]) });
  const given = new Map<keyof typeof OPTIONS, string>();
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind !== "option") {
      io.stderr(`${one.kind === "error" ? one.message : `${PROG}: unexpected word "${one.value}"`}\n${USAGE}`);
      return STATUS.usage;
    }
    if (one.name === "help") {
      io.stdout(USAGE);
      return STATUS.fine;
    }
    given.set(one.name, one.value);
  }
  return given;
}

/** Of another host, or of what is published for this one. */
async function namedChapters(host: string | undefined, ip: string | undefined, io: Io): Promise<Chapter[]> {
  const dns = makeResolver(readResolverOptions(io));
  const chapters: Chapter[] = [];
  const ours = ownAddresses();
  const own = ownKey(io);
  const keyFor = (address: Address) => ours.some((one) => sameAddress(one, address)) ? own : undefined;
  if (host !== undefined) {
    const address = await addressOf(host);
    const isOurs = sameName(host, fullHostName());
    const findings = await checkForward(host, dns, isOurs ? own : undefined);
    if (address) findings.push(...await checkReverse(address, dns, keyFor(address)));
    else findings.push(unresolved(host));
    chapters.push({ heading: `Checking ${host} for Opportunistic Encryption:`, findings });
  }
  if (ip !== undefined) {
    const address = parseNumericAddress(ip, 0);
    if (!address.ok) throw new UserError(`${PROG}: --ip ${ip}: ${address.error}`, STATUS.usage);
    const findings = await checkReverse(address.value, dns, keyFor(address.value));
    chapters.push({ heading: `Checking IP ${ip} for Opportunistic Encryption:`, findings });
  }
  return chapters;
}

function unresolved(host: string): Finding {
  return {
    text: `${host} does not resolve to an IP, no reverse lookup tests possible.`,
    verdict: "N/A",
  };
}

async function addressOf(name: string): Promise<Address | undefined> {
  for (const family of ["inet", "inet6"] as const) {
    const bytes = await lookUpName(name, family);
    if (bytes) return { family, bytes: new Uint8Array(bytes) };
  }
  return undefined;
}

async function hostChapters(io: Io): Promise<Chapter[] | undefined> {
  if (Deno.uid() !== 0) {
    io.stdout('To check this machine, you need to run "ipsec verify" as root.\n');
    return undefined;
  }
  const options = readResolverOptions(io);
  const { facts, key } = await lookAtHost(io, options);
  return [
    {
      heading: "Checking your system to see if IPsec got installed and started correctly:",
      findings: localFindings(facts),
    },
    {
      heading: DNS_HEADING,
      findings: facts.uses?.dns === false ? [DNS_NOT_USED] : await dnsFindings(facts, key, options),
    },
  ];
}

async function dnsFindings(facts: LocalFacts, key: OwnKey, options: ResolverOptions): Promise<Finding[]> {
  const dns = new Resolver(options, { now: () => performance.now() });
  const name = fullHostName();
  const addresses = publicAddresses(facts);
  const root = await dns.lookup(name, "TXT");
  const reachable = {
    ok: root.ok || root.kind !== "failure",
    authenticated: root.authenticated,
    ...(!root.ok && { why: root.why }),
  };
  const findings: Finding[] = [resolverFinding(facts, reachable)];
  if (reachable.ok) findings.push(...await checkForward(name, dns, key));
  findings.push(addressFinding(addresses));
  if (reachable.ok) { for (const address of addresses) findings.push(...await checkReverse(address, dns, key)); }
  return findings;
}

function addressFinding(addresses: readonly Address[]): Finding {
  const text = "Does the machine have at least one non-private address?";
  if (addresses.length) return { text, verdict: "OK" };
  return {
    text,
    verdict: "FAILED",
    advice: "peers cannot find this host by a reverse map; it can still initiate: see `myid=' in ipsec.conf(5)",
  };
}

export const verify: Command = {
  name: "verify",
  summary: "see if IPsec has been installed correctly",
  usage: () => USAGE,
  manual: VERIFY_MANUAL,
  run,
};
