/** `ipsec dns publish-check`: whether what the DNS says about a name or an address is the key of this host. */
import { readSecrets } from "../lib/config/secrets.ts";
import { rsaKeyId, type RsaPublicKey } from "../lib/crypto/rsa.ts";
import { findDelegations, findKeyRecords, recordName } from "../lib/dns/ipsec_records.ts";
import { confDirectory } from "../lib/system/paths.ts";
import { secretsFiles } from "../lib/system/secrets_files.ts";
import { parseNumericAddress } from "../lib/text/address.ts";
import { formatIdentity, type Identity } from "../lib/text/identity.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
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
  const { published, why, isMissing } = await lookUp(identityOf(subject), keys, io);
  const ours = published.filter(({ isOurs }) => isOurs);
  if (given.has("json")) {
    io.stdout(
      `${JSON.stringify({ subject, keys: keys.map(rsaKeyId), published, matches: ours.length > 0, why }, null, 2)}\n`,
    );
  } else io.stdout(report(subject, keys, published, why));
  if (ours.length) return STATUS.matches;
  return published.length || isMissing ? STATUS.differs : STATUS.unknown;
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
  const why = complaints.length ? `: ${complaints[0].message}` : "";
  throw new UserError(`${PROG}: ${file} has no RSA key${why}; make one with \`ipsec newhostkey --output ${file}'`);
}

async function lookUp(id: Identity, keys: readonly RsaPublicKey[], io: Io) {
  const dns = makeResolver(readResolverOptions(io));
  const ids = new Set(keys.map(rsaKeyId));
  const isOurs = (key: RsaPublicKey | undefined) => key !== undefined && ids.has(rsaKeyId(key));
  const [delegations, old] = await Promise.all([
    findDelegations(recordName(id)!, dns, id),
    findKeyRecords(id, dns),
  ]);
  const published: Published[] = [];
  if (delegations.ok) {
    for (const { precedence, gateway, key } of delegations.found) {
      published.push({
        type: "TXT or IPSECKEY",
        precedence,
        gateway: formatIdentity(gateway),
        key: key && rsaKeyId(key),
        isOurs: isOurs(key),
        authenticated: delegations.authenticated,
      });
    }
  }
  if (old.ok) {
    for (const key of old.found) {
      published.push({ type: "KEY", key: rsaKeyId(key), isOurs: isOurs(key), authenticated: old.authenticated });
    }
  }
  return {
    published,
    why: delegations.ok ? undefined : delegations.why,
    isMissing: !delegations.ok && delegations.isMissing,
  };
}

function report(subject: string, keys: readonly RsaPublicKey[], published: readonly Published[], why?: string): string {
  const lines = published.map(({ type, gateway, precedence, key, isOurs, authenticated }) =>
    [
      `${type} record`,
      ...(gateway ? [`gateway ${gateway} (${precedence})`] : []),
      key ? `key ${key}${isOurs ? ", of this host" : ", NOT of this host"}` : "no key",
      authenticated ? "proved by DNSSEC" : "not proved by DNSSEC",
    ].join(": ").replace(/: (?=key|no key|proved|not)/g, ", ")
  );
  const own = `this host has ${keys.map(rsaKeyId).join(", ")}`;
  const verdict = published.some(({ isOurs }) => isOurs)
    ? `what is published for ${subject} matches the key of this host`
    : `what is published for ${subject} does not match: ${own}`;
  return [...lines, ...(why ? [why] : []), verdict].map((line) => `${line}\n`).join("");
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

0 a record has a key of this host; 1 there is none, or only with other keys; 2 wrong options; 3 nobody answered, or not
with something usable.

## EXAMPLES

    $ ipsec dns publish-check west.example.com
    TXT or IPSECKEY record: gateway @west.example.com (10), key AQOF8tZ2m, of this host, proved by DNSSEC
    what is published for west.example.com matches the key of this host

## SEE ALSO

ipsec_showhostkey(8), ipsec_verify(8), ipsec.conf(5)
`,
  run,
};
