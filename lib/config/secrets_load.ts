/** ipsec.secrets with the keys that lie in files of their own (config.md §19.6): read, checked, and ready for signing. */
import type { RsaPrivateKey } from "../crypto/rsa.ts";
import { parseRsaKeyFile, type RsaKeyFile } from "../crypto/rsa_key_file.ts";
import type { Secret } from "../crypto/secret.ts";
import { refuse, type Result } from "../text/result.ts";
import { sanitizeText } from "../text/sanitize.ts";
import { Complaints } from "./complaint.ts";
import {
  isOpenToOthers,
  readSecrets,
  type SecretEntry,
  type SecretKey,
  type Secrets,
  type SecretsFileSystem,
} from "./secrets.ts";
import { bytesOf } from "./secrets_lexer.ts";

export interface LoadOptions {
  /** Where key files lie whose names are relative: ipsec.d/private. */
  readonly keyFolder: string;
}

/** Never throws, unless `files` does. A key that must be asked for its passphrase stays an `RSA file`. */
export function loadSecrets(pattern: string, files: SecretsFileSystem, { keyFolder }: LoadOptions): Secrets {
  const secrets = readSecrets(pattern, files);
  const complaints = new Complaints();
  for (const { at, severity, message } of secrets.complaints) {
    if (severity === "error") complaints.error(at, message);
    else complaints.warn(at, message);
  }
  const entries: SecretEntry[] = [];
  for (const entry of secrets.entries) {
    if (entry.key.kind !== "RSA file") {
      entries.push(entry);
      continue;
    }
    const path = entry.key.path.startsWith("/") ? entry.key.path : `${keyFolder}/${entry.key.path}`;
    const loaded = loadKey({ ...entry.key, path }, files);
    if (loaded.ok) entries.push({ ...entry, key: loaded.value });
    else complaints.error(entry.at, `error loading RSA private key file "${sanitizeText(path)}": ${loaded.error}`);
  }
  return { ...secrets, entries, complaints: complaints.sorted(secrets.files) };
}

type FileKey = Extract<SecretKey, { readonly kind: "RSA file" }>;

/** @returns the key itself, or the same where its passphrase has to be asked for */
function loadKey(key: FileKey, files: SecretsFileSystem): Result<SecretKey> {
  const file = openKeyFile(key.path, files);
  if (!file.ok) return file;
  if (file.value.isEncrypted && key.passphrase === "%prompt") return { ok: true, value: key };
  if (file.value.isEncrypted && !key.passphrase) {
    return refuse("it is encrypted; its passphrase, or %prompt, must follow its name");
  }
  const opened = file.value.open(key.passphrase === "%prompt" ? undefined : key.passphrase);
  return opened.ok ? { ok: true, value: loadedKey(opened.value, key.path) } : refuse(`it ${opened.error}`);
}

/** What a key that asks for its passphrase is once that has been given. */
export function unlockKey(key: FileKey, passphrase: Secret, files: SecretsFileSystem): Result<SecretKey> {
  return loadKey({ ...key, passphrase }, files);
}

function loadedKey(key: RsaPrivateKey, path: string): SecretKey {
  return { kind: "RSA", key, origin: "", path };
}

function openKeyFile(path: string, files: SecretsFileSystem): Result<RsaKeyFile> {
  const file = files.read(path);
  if (typeof file === "string") return refuse(file);
  if (file.mode !== undefined && isOpenToOthers(file.mode)) {
    const mode = (file.mode & 0o7777).toString(8).padStart(4, "0");
    return refuse(`with mode ${mode} others can read or change the key; run: chmod 600 ${sanitizeText(path)}`);
  }
  const parsed = parseRsaKeyFile(bytesOf(file.text));
  return parsed.ok ? parsed : refuse(`it ${parsed.error}`);
}
