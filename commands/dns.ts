/** `ipsec dns publish-check`: whether what the DNS says about a name or an address is the key of this host. */
import { readSecrets } from "../lib/config/secrets.ts";
import { rsaKeyId, type RsaPublicKey } from "../lib/crypto/rsa.ts";
import { findDelegations, findKeyRecords, recordName } from "../lib/dns/ipsec_records.ts";
import { confDirectory } from "../lib/system/paths.ts";
import { secretsFiles } from "../lib/system/secrets_files.ts";
import { parseNumericAddress, sameAddress } from "../lib/text/address.ts";
import { formatIdentity, type Identity } from "../lib/text/identity.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { DNS_ADVICE } from "./_verify_dns.ts";
import { ownAddresses } from "./_verify_facts.ts";
import { makeResolver, readResolverOptions } from "./_resolver.ts";

const PROG = "ipsec dns";
const USAGE = `Usage: ipsec dns publish-check [--file SECRETS] [--json] NAME|ADDRESS
`;
const OPTIONS = { file: true, json: false, help: false, version: false } as const;
const STATUS = { matches: 0, differs: 1, usage: 2, unknown: 3 } as const;

interface Published {
  readonly type: "TXT or IPSECKEY" | "KEY";
  readonly gateway?: string;
  readonly precedence?: number;
  readonly key: string | undefined;
  /** Whether the key is one of this host's. */
  readonly isOurs: boolean;
  /** Peers that follow the record come to a host that is neither this one nor the subject. */
  readonly isElsewhere: boolean;
  readonly authenticated: boolean;
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const getopt = new Getopt(args, OPTIONS, { prog: PROG });
  const words: string[] = [];
  const given = new Map<keyof typeof OPTIONS, string>();
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind === "error") return usage(io, one.message);
    if (one.kind === "word") words.push(one.value);
    else if (one.name === "help") {
      io.stdout(USAGE);
      return 0;
    } else given.set(one.name, one.value);
  }
  const [action, subject, extra] = words;
  if (action !== "publish-check") return usage(io, `${PROG}: the action must be publish-check`);
  if (!subject || extra !== undefined) return usage(io, `${PROG}: name one host or address`);
  const keys = ownKeys(given.get("file") ?? `${confDirectory(io.env)}/ipsec.secrets`);
  const found = await lookUp(identityOf(subject), keys, io);
  const { published, why } = found;
  const matches = published.some(isRight);
  if (given.has("json")) {
    io.stdout(`${JSON.stringify({ subject, keys: keys.map(rsaKeyId), published, matches, why }, null, 2)}\n`);
  } else io.stdout(report(subject, keys, found));
  if (matches) return STATUS.matches;
  return published.length || found.isMissing ? STATUS.differs : STATUS.unknown;
}

function isRight({ isOurs, isElsewhere }: Published): boolean {
  return isOurs && !isElsewhere;
}

function usage(io: Io, message: string): number {
  io.stderr(`${message}\n${USAGE}`);
  return STATUS.usage;
}

function identityOf(text: string): Identity {
  const address = parseNumericAddress(text, 0);
  if (address.ok) return { kind: "address", address: address.value };
  return { kind: "fqdn", name: text.replace(/^@/, "").replace(/\.$/, "") };
}

function ownKeys(file: string): RsaPublicKey[] {
  const { entries, complaints } = readSecrets(file.replace(/[\\*?[]/g, "\\$&"), secretsFiles);
  const keys = entries.flatMap(({ key }) => key.kind !== "PSK" && "key" in key ? [key.key.publicKey] : []);
  if (keys.length) return keys;
  if (complaints.length) throw new UserError(`${PROG}: no RSA key from ${file}: ${complaints[0].message}`);
  throw new UserError(`${PROG}: ${file} has no RSA key; make one with \`ipsec newhostkey --output ${file}'`);
}

interface LookedUp {
  readonly published: readonly Published[];
  readonly why: string | undefined;
  readonly isMissing: boolean;
  readonly isUnanswered: boolean;
}

async function lookUp(id: Identity, keys: readonly RsaPublicKey[], io: Io): Promise<LookedUp> {
  const dns = makeResolver(readResolverOptions(io));
  const ids = new Set(keys.map(rsaKeyId));
  const isOurs = (key: RsaPublicKey | undefined) => key !== undefined && ids.has(rsaKeyId(key));
  const [delegations, old] = await Promise.all([
    findDelegations(recordName(id)!, dns, id),
    findKeyRecords(id, dns),
  ]);
  const here = [...ownAddresses(), ...id.kind === "address" ? [id.address] : []];
  const isElsewhere = (gateway: Identity) =>
    gateway.kind === "address" && !here.some((one) => sameAddress(one, gateway.address));
  const published: Published[] = [];
  if (delegations.ok) {
    for (const { precedence, gateway, key } of delegations.found) {
      published.push({
        type: "TXT or IPSECKEY",
        precedence,
        gateway: formatIdentity(gateway),
        key: key && rsaKeyId(key),
        isOurs: isOurs(key),
        isElsewhere: isElsewhere(gateway),
        authenticated: delegations.authenticated,
      });
    }
  }
  if (old.ok) {
    for (const key of old.found) {
      const { authenticated } = old;
      published.push({ type: "KEY", key: rsaKeyId(key), isOurs: isOurs(key), isElsewhere: false, authenticated });
    }
  }
  return {
    published,
    why: delegations.ok ? undefined : delegations.why,
    isMissing: !delegations.ok && delegations.isMissing,
    isUnanswered: !delegations.ok && delegations.isUnanswered === true,
  };
}

function report(subject: string, keys: readonly RsaPublicKey[], found: LookedUp): string {
  const { published, why } = found;
  const lines = published.map(({ type, gateway, precedence, key, isOurs, isElsewhere, authenticated }) =>
    [
      `${type} record`,
      ...(gateway ? [`gateway ${gateway} (${precedence})${isElsewhere ? " NOT this host" : ""}`] : []),
      key ? `key ${key}${isOurs ? ", of this host" : ", NOT of this host"}` : "no key",
      authenticated ? "proved by DNSSEC" : "not proved by DNSSEC",
    ].join(": ").replace(/: (?=key|no key|proved|not)/g, ", ")
  );
  const verdict = verdictOn(subject, `this host has ${keys.map(rsaKeyId).join(", ")}`, found);
  return [...lines, ...(why ? [why] : []), verdict].map((line) => `${line}\n`).join("");
}

function verdictOn(subject: string, own: string, { published, isMissing, isUnanswered }: LookedUp): string {
  const what = `what is published for ${subject}`;
  if (published.some(isRight)) return `${what} matches the key of this host`;
  if (published.some(({ isOurs }) => isOurs)) return `${what} names another gateway: peers would turn to that`;
  if (published.length) return `${what} does not match: ${own}`;
  if (isUnanswered) return `${what} is not known: ${DNS_ADVICE}`;
  if (!isMissing) return `${what} cannot be used: ${own}`;
  return `nothing is published for ${subject}: put the record of \`ipsec showhostkey --txt' there; ${own}`;
}

export const dns: Command = {
  name: "dns",
  summary: "check what the DNS says about this host's key",
  usage: () => USAGE,
  manual: `## DESCRIPTION

Asks the DNS what is published for a name or an address (in the reverse map), and compares it with the RSA keys of
ipsec.secrets: TXT records of the form \`X-IPsec-Server(10)=192.0.2.1 AQ...\`, IPSECKEY records (RFC 4025), and the KEY records
of old peers. Each record found is a line with its gateway, the short name of its key, and whether DNSSEC proves it.

The records to publish come from ipsec_showhostkey(8). After a change it takes as long as the old record's time to live
until everybody sees the new one.

## OPTIONS

- \`--file SECRETS\`: instead of ipsec.secrets in /etc, or \`$IPSEC_CONFS\`
- \`--json\`: the same as JSON

## EXIT STATUS

0 a record has a key of this host; 1 there is none, or only with other keys, or with a gateway whose address is neither of
this host nor the one asked for; 2 wrong options; 3 nobody answered, or not with something usable.

## EXAMPLES

    $ ipsec dns publish-check west.example.com
    TXT or IPSECKEY record: gateway @west.example.com (10), key AQOF8tZ2m, of this host, proved by DNSSEC
    what is published for west.example.com matches the key of this host

## SEE ALSO

ipsec_showhostkey(8), ipsec_verify(8), ipsec.conf(5)
`,
  run,
};
