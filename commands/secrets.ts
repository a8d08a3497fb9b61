/** `ipsec secrets`: what ipsec.secrets holds, and what is wrong with it (commands.md §24). */
import { type Complaint, Complaints, formatComplaint, formatPosition } from "../lib/config/complaint.ts";
import type { SecretEntry, Secrets } from "../lib/config/secrets.ts";
import { loadSecrets } from "../lib/config/secrets_load.ts";
import { sanitizeText } from "../lib/text/sanitize.ts";
import { formatIdentity } from "../lib/text/identity.ts";
import { AMBIGUOUS, findRivals } from "../lib/config/secrets_match.ts";
import { modulusBits, rsaKeyId } from "../lib/crypto/rsa.ts";
import { confDirectory, plutoPaths, privateKeyDirectory } from "../lib/system/paths.ts";
import { secretsFiles } from "../lib/system/secrets_files.ts";
import { plutoListens } from "../lib/system/whack_client.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { SECRETS_MANUAL } from "./_secrets_manual.ts";
import { toolVersion } from "./_tool_version.ts";

const PROG = "ipsec secrets";
const USAGE = `Usage: ${PROG} [--file FILE] [--json]\n`;
const OPTIONS = { file: true, json: false, help: false, version: false } as const;

async function run(args: readonly string[], io: Io): Promise<number> {
  const getopt = new Getopt(args, OPTIONS, { prog: PROG });
  let named: string | undefined, json = false;
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind === "error") throw new UserError(`${one.message}\n${USAGE.trimEnd()}`, 2);
    if (one.kind === "word") throw new UserError(`${PROG}: unexpected word "${one.value}"\n${USAGE.trimEnd()}`, 2);
    if (one.name === "help" || one.name === "version") {
      io.stdout(one.name === "help" ? USAGE : toolVersion("secrets"));
      return 0;
    }
    if (one.name === "file") named = one.value;
    else json = true;
  }
  // Like pluto's --secretsfile, FILE may be a pattern.
  const secrets = loadSecrets(named ?? `${confDirectory(io.env)}/ipsec.secrets`, secretsFiles, {
    keyFolder: privateKeyDirectory(io.env),
  });
  const complaints = withRivals(secrets);
  if (json) io.stdout(`${JSON.stringify(facts(secrets, complaints), null, 2)}\n`);
  else {
    for (const file of secrets.files) io.stdout(`loading secrets from "${file}"\n`);
    for (const entry of secrets.entries) io.stdout(`${formatPosition(entry.at)}: ${describe(entry)}\n`);
    for (const complaint of complaints) io.stderr(`${formatComplaint(complaint)}\n`);
  }
  if (named === undefined && !json) await tellPluto(io);
  return complaints.some(({ severity }) => severity === "error") ? 1 : 0;
}

/** What was the whole of the command: a pluto that runs takes the secrets over, and asks for passphrases. */
async function tellPluto(io: Io): Promise<void> {
  if (!await plutoListens(plutoPaths(io.env).socket)) return;
  const { perform } = await import("./auto.ts");
  await perform(["--rereadsecrets"], {}, io);
}

function withRivals({ entries, complaints, files }: Secrets): Complaint[] {
  const all = new Complaints();
  for (const { at, severity, message } of complaints) {
    if (severity === "error") all.error(at, message);
    else all.warn(at, message);
  }
  for (const { first, second } of findRivals(entries)) {
    all.warn(second.at, `${AMBIGUOUS} (the one of ${formatPosition(first.at)})`);
  }
  return all.sorted(files);
}

/** `RSA 3072 bits [keyid AQOF8tZ2N] in /etc/ipsec.d/private/west.pem for @west` */
function describe({ key, ids, idCount }: SecretEntry): string {
  if (key.kind === "XAUTH") return `XAUTH for ${key.users.map(sanitizeText).join(" ") || "any user"}`;
  const what = key.kind === "PSK"
    ? "PSK"
    : key.kind === "RSA"
    ? `RSA ${modulusBits(key.key.publicKey)} bits [keyid ${rsaKeyId(key.key.publicKey)}]${
      key.path ? ` in ${key.path}` : ""
    }`
    : `RSA in ${key.path} (asks for the passphrase)`;
  const unusable = idCount - ids.length;
  const rest = unusable > 0 ? ` (and ${unusable} that cannot be used)` : "";
  return `${what} for ${idCount === 0 ? "everybody" : ids.map(formatIdentity).join(" ")}${rest}`;
}

function facts({ files, entries }: Secrets, complaints: readonly Complaint[]) {
  return {
    files,
    secrets: entries.map(({ at, key, ids, idCount }) => ({
      file: at.file,
      line: at.line,
      kind: key.kind === "RSA file" ? "RSA" : key.kind,
      ids: idCount === 0 || key.kind === "XAUTH" ? null : ids.map(formatIdentity),
      ...(key.kind === "XAUTH" && { users: key.users }),
      ...(key.kind === "RSA" && { keyId: rsaKeyId(key.key.publicKey), bits: modulusBits(key.key.publicKey) }),
      ...((key.kind === "RSA" || key.kind === "RSA file") && key.path &&
        { keyFile: key.path, prompts: key.kind === "RSA file" }),
    })),
    complaints: complaints.map(({ at, severity, message }) => ({ file: at.file, line: at.line, severity, message })),
  };
}

export const secrets: Command = {
  name: "secrets",
  summary: "check ipsec.secrets, and list what it holds",
  usage: () => USAGE,
  manual: SECRETS_MANUAL,
  run,
};
