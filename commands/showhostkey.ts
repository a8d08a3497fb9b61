/** `ipsec showhostkey`: the public part of this host's key in the forms that others want (commands.md §17). */
import type { Complaint } from "../lib/config/complaint.ts";
import { formatComplaint } from "../lib/config/complaint.ts";
import type { SecretEntry } from "../lib/config/secrets.ts";
import { splitTxt } from "../lib/config/secrets_format.ts";
import { loadSecrets } from "../lib/config/secrets_load.ts";
import { formatIdentity, type Identity, parseIdentity, sameIdentity } from "../lib/text/identity.ts";
import { encodeRsaPublicKey, modulusBits, rsaKeyId, type RsaPublicKey } from "../lib/crypto/rsa.ts";
import { formatPublicKeyPem, parsePublicKeyPem } from "../lib/crypto/rsa_public_file.ts";
import { confDirectory, privateKeyDirectory } from "../lib/system/paths.ts";
import { secretsFiles } from "../lib/system/secrets_files.ts";
import { versionCode } from "../lib/system/version.ts";
import { type Address, parseNumericAddress } from "../lib/text/address.ts";
import { formatData } from "../lib/text/data.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { SHOWHOSTKEY_MANUAL } from "./_showhostkey_manual.ts";

const PROG = "ipsec showhostkey";
const USAGE = `Usage: ipsec showhostkey [--file secrets] [--left] [--right] [--txt gateway] [--id id]
                  [--key] [--ipseckey] [--gateway gateway] [--precedence n] [--dhclient] [--json]
                  [--pem] [--from file]
`;
const OPTIONS = {
  file: true,
  id: true,
  key: false,
  left: false,
  right: false,
  txt: true,
  ipseckey: false,
  gateway: true,
  precedence: true,
  dhclient: false,
  wavesec: false,
  json: false,
  pem: false,
  from: true,
  help: false,
  version: false,
} as const;
type OptionName = keyof typeof OPTIONS;
const STATUS = { ok: 0, failure: 1, usage: 2 } as const;

interface HostKey {
  readonly key: RsaPublicKey;
  /** Where it stands, and whose it is; of a peer's key, the file alone. */
  readonly at: { readonly file: string; readonly line?: number };
  readonly ids: readonly Identity[];
  /** `RSA 3072 bits   west   Thu Jan ...`; empty where the file does not say. */
  readonly origin: string;
  readonly host: string;
  readonly base64: string;
}
type Given = ReadonlyMap<OptionName, string>;

/** Each gives the whole answer; the last one on the command line counts. */
const FORMATS: Partial<Record<OptionName, (key: HostKey, given: Given) => string>> = {
  left: (key) => `${comment("\t#", key)}\tleftrsasigkey=0s${key.base64}\n`,
  right: (key) => `${comment("\t#", key)}\trightrsasigkey=0s${key.base64}\n`,
  key: (key) => `${comment(";", key)}${zoneName(key.host)}\tIN\tKEY\t0x4200 4 1 ${key.base64}\n`,
  txt: (key, given) => {
    const strings = splitTxt(txtGateway(given.get("txt")!), key.base64).map((one) => `"${one}"`);
    return `${comment(";", key)}\tIN\tTXT\t${strings.join(" ")}\n`;
  },
  ipseckey: (key, given) => {
    const { type, name } = ipseckeyGateway(given.get("gateway"));
    const fields = [parsePrecedence(given.get("precedence")), type, IPSECKEY_RSA, name, key.base64];
    return `${comment(";", key)}${zoneName(key.host)}\tIN\tIPSECKEY\t${fields.join(" ")}\n`;
  },
  dhclient: (key) =>
    `${comment("#", key)}option oe-key code 159 = string;\noption oe-gateway code 160 = ip-address;\n` +
    `send oe-key = "0x4200 4 1 ${key.base64}";\n`,
  json: (key) => `${JSON.stringify(jsonOf(key), null, 2)}\n`,
  pem: ({ key }) => formatPublicKeyPem(key),
};
/** Which a peer's key has as well, whose name nobody has said. */
const OF_PEERS: readonly OptionName[] = ["left", "right", "pem", "json"];

function run(args: readonly string[], io: Io): number {
  const getopt = new Getopt(args, OPTIONS, {
    prog: PROG,
    extensions: new Set(["ipseckey", "gateway", "precedence", "json", "pem", "from"]),
  });
  const given = new Map<OptionName, string>();
  let format: OptionName | undefined;
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind !== "option") {
      io.stderr(
        one.kind === "error" ? `${one.message}\n${USAGE}` : `${PROG}: unexpected word "${one.value}"\n${USAGE}`,
      );
      return STATUS.usage;
    }
    if (one.name === "help" || one.name === "version") {
      io.stdout(one.name === "help" ? USAGE : `${PROG} ${versionCode()}\n`);
      return STATUS.ok;
    }
    if (one.name === "wavesec") throw new UserError(`${PROG}: --wavesec is not supported; see --dhclient`);
    given.set(one.name, one.value);
    if (FORMATS[one.name]) format = one.name;
  }
  if (!format) throw new UserError(`${PROG}: must specify a format for the result`, STATUS.usage);
  if (given.get("txt") === "") throw new UserError(`${PROG}: --txt gateway value cannot be empty`, STATUS.usage);
  const from = given.get("from");
  if (from !== undefined) {
    if (given.has("file") || given.has("id")) {
      throw new UserError(
        `${PROG}: --from names the only key of a file; --file and --id do not go with it`,
        STATUS.usage,
      );
    }
    if (!OF_PEERS.includes(format)) {
      throw new UserError(`${PROG}: --from goes with --left, --right, --pem and --json`, STATUS.usage);
    }
    io.stdout(FORMATS[format]!(peerKey(from), given));
    return STATUS.ok;
  }
  const file = given.get("file") ?? `${confDirectory((name) => io.env(name))}/ipsec.secrets`;
  io.stdout(FORMATS[format]!(findKey(file, given.get("id"), io), given));
  return STATUS.ok;
}

/** Complaints about other records are told, and hinder nothing. */
function findKey(file: string, id: string | undefined, io: Io): HostKey {
  checkReadable(file);
  const { entries, complaints } = loadSecrets(file.replace(/[\\*?[]/g, "\\$&"), secretsFiles, {
    keyFolder: privateKeyDirectory((name) => io.env(name)),
  });
  for (const complaint of complaints) io.stderr(`${PROG}: ${formatComplaint(complaint)}\n`);
  const wanted = id === undefined ? undefined : parseId(id);
  const found = entries.filter(({ ids, key }) =>
    key.kind !== "PSK" && (wanted ? ids.some((one) => sameIdentity(one, wanted)) : ids.length === 0)
  );
  const which = id === undefined ? "default" : `"${id}"`;
  if (found.length === 0) throw new UserError(`${PROG}: no ${which} key in "${file}"${because(complaints)}`);
  if (found.length > 1) throw new UserError(`${PROG}: multiple ${which} keys found!?!`);
  return ownKey(found[0]);
}

function because(complaints: readonly Complaint[]): string {
  return complaints.some(({ severity }) => severity === "error") ? " that can be used, see above" : "";
}

/** A key that a peer has given, in a file of its own. */
function peerKey(file: string): HostKey {
  checkReadable(file);
  if (!Deno.statSync(file).isFile) throw new UserError(`${PROG}: ${file} is not a regular file`);
  const key = parsePublicKeyPem(Deno.readTextFileSync(file));
  if (!key.ok) throw new UserError(`${PROG}: ${file} ${key.error}`);
  return hostKey(key.value, { at: { file }, ids: [], origin: "" });
}

/** FreeS/WAN's own words for what is most often wrong with the file. */
function checkReadable(file: string): void {
  try {
    Deno.openSync(file).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new UserError(`${PROG}: file \`${file}' does not exist`);
    throw new UserError(`${PROG}: permission denied (cannot read \`${file}')`);
  }
}

function parseId(text: string): Identity {
  const id = parseIdentity(text);
  if (!id.ok) throw new UserError(`${PROG}: --id "${text}": ${id.error}`, STATUS.usage);
  return id.value;
}

function ownKey(entry: SecretEntry): HostKey {
  if (entry.key.kind !== "RSA") {
    const { at: { file, line }, key } = entry;
    const where = key.kind === "RSA file" ? ` in ${key.path}` : "";
    throw new UserError(`${PROG}: ${file}:${line}: the key${where} cannot be shown, since it asks for its passphrase`);
  }
  const { origin, key: { publicKey } } = entry.key;
  return hostKey(publicKey, { at: entry.at, ids: entry.ids, origin });
}

function hostKey(key: RsaPublicKey, about: Pick<HostKey, "at" | "ids" | "origin">): HostKey {
  const host = about.origin.split(/\s+/)[3] || Deno.hostname();
  return { key, ...about, host, base64: formatData(encodeRsaPublicKey(key), 64)! };
}

function comment(lead: string, { origin }: HostKey): string {
  return origin ? `${lead} ${origin}\n` : "";
}

function jsonOf({ key, at, ids, origin, host, base64 }: HostKey) {
  return {
    keyId: rsaKeyId(key),
    bits: modulusBits(key),
    ...(at.line !== undefined && { host, origin, ids: ids.map(formatIdentity) }),
    publicKey: `0s${base64}`,
    file: at.file,
    line: at.line,
  };
}

/** Names that need no quoting in a zone file (RFC 1035 §5.1). */
const ZONE_NAME = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/;

function zoneName(host: string): string {
  if (!ZONE_NAME.test(host)) throw new UserError(`${PROG}: "${host}" is no name for a zone file`);
  return `${host.replace(/\.$/, "")}.`;
}

function txtGateway(text: string): string {
  const isName = text.startsWith("@") && ZONE_NAME.test(text.slice(1));
  if (!isName && !gatewayAddress(text)) {
    throw new UserError(`${PROG}: gateway must be @FQDN or IPv4 address, not "${text}"`);
  }
  return text;
}

function gatewayAddress(text: string): Address | undefined {
  const complete = text.includes(":") || /^[0-9]+(?:\.[0-9]+){3}$/.test(text);
  const address = parseNumericAddress(text, 0);
  return complete && address.ok ? address.value : undefined;
}

/** Algorithm number of RSA keys (RFC 4025 §2.4). */
const IPSECKEY_RSA = 2;
/** Gateway types (RFC 4025 §2.3). */
const GATEWAY = { none: 0, inet: 1, inet6: 2, name: 3 } as const;

function ipseckeyGateway(text: string | undefined): { type: number; name: string } {
  if (text === undefined || text === ".") return { type: GATEWAY.none, name: "." };
  const address = gatewayAddress(text);
  if (address) return { type: GATEWAY[address.family], name: text };
  const name = text.replace(/^@/, "");
  if (!ZONE_NAME.test(name) || /^[0-9.]+$/.test(name)) {
    throw new UserError(`${PROG}: gateway must be a name or an address, not "${text}"`);
  }
  return { type: GATEWAY.name, name: zoneName(name) };
}

const DEFAULT_PRECEDENCE = 10;

function parsePrecedence(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PRECEDENCE;
  if (!/^[0-9]{1,3}$/.test(text) || Number(text) > 255) {
    throw new UserError(`${PROG}: --precedence must be 0 to 255, not "${text}"`, STATUS.usage);
  }
  return Number(text);
}

export const showhostkey: Command = {
  name: "showhostkey",
  summary: "show this host's authentication key",
  usage: () => USAGE,
  manual: SHOWHOSTKEY_MANUAL,
  run,
};
