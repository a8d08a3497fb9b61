/** What pluto reads when it is told to: secrets, policy groups, the host's names for both. */
import { lookup } from "node:dns/promises";
import type { Complaint } from "../config/complaint.ts";
import type { FileSystem } from "../config/file_system.ts";
import { readPolicyGroup } from "../config/policy_group.ts";
import type { SecretEntry } from "../config/secrets.ts";
import { loadSecrets, unlockKey } from "../config/secrets_load.ts";
import { Secret } from "../crypto/secret.ts";
import type { GroupFile } from "../pluto/groups.ts";
import type { ReadSecrets } from "../pluto/parts.ts";
import type { Reply } from "../pluto/whacks.ts";
import { type Address, parseNumericAddress } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import { hostSubnet } from "../text/subnet.ts";
import { secretsFiles } from "./secrets_files.ts";

/** A mistyped passphrase may be typed again. */
const MOST_TRIES = 3;

export interface PlutoFilesOptions {
  /** May be a pattern. */
  readonly secretsFile: string;
  readonly keyFolder: string;
  readonly policyGroupsDirectory: string;
  readonly files: FileSystem;
}

export class PlutoFiles {
  readonly #options: PlutoFilesOptions;

  constructor(options: PlutoFilesOptions) {
    this.#options = options;
  }

  /** @param asker who can be asked for passphrases */
  async secrets(asker: Reply | undefined): Promise<ReadSecrets> {
    const { secretsFile, keyFolder } = this.#options;
    const { entries, files, complaints } = loadSecrets(secretsFile, secretsFiles, { keyFolder });
    const texts = complaints.map(formatComplaint);
    const ready: SecretEntry[] = [];
    for (const entry of entries) {
      const named = await withAddresses(entry, texts);
      const unlocked = named.key.kind === "RSA file" ? await unlock(named, asker, texts) : named;
      if (unlocked) ready.push(unlocked);
    }
    return { entries: ready, files, complaints: texts };
  }

  /** Undefined where there is no such file. */
  async group(name: string): Promise<GroupFile | undefined> {
    const { policyGroupsDirectory, files } = this.#options;
    // whoever describes a connection gives the name: complaints about a file elsewhere would show what is in it
    if (name.includes("/")) return undefined;
    const path = `${policyGroupsDirectory}/${name}`;
    if (files.read(path) === "no such file") return undefined;
    const { entries, complaints } = readPolicyGroup(path, files);
    const texts = complaints.map(formatComplaint);
    const subnets: { subnet: ReturnType<typeof hostSubnet>; line: number }[] = [];
    for (const entry of entries) {
      if ("subnet" in entry) subnets.push({ subnet: entry.subnet, line: entry.line });
      else {
        const addresses = await addressesOf(entry.name);
        if (!addresses.length) texts.push(`"${path}" line ${entry.line}: no address for "${entry.name}"`);
        subnets.push(...addresses.map((address) => ({ subnet: hostSubnet(address), line: entry.line })));
      }
    }
    return { path, subnets, complaints: texts };
  }
}

/** `"F" line N: WHY`, as pluto says it. */
function formatComplaint({ at, message }: Complaint): string {
  return at.line > 0 ? `"${at.file}" line ${at.line}: ${message}` : `"${at.file}": ${message}`;
}

/** A host's name among the indices stands for its addresses. */
async function withAddresses(entry: SecretEntry, complaints: string[]): Promise<SecretEntry> {
  const ids: Identity[] = [];
  for (const id of entry.ids) {
    if (id.kind !== "name") {
      ids.push(id);
      continue;
    }
    const addresses = await addressesOf(id.name);
    const { file, line } = entry.at;
    if (!addresses.length) {
      complaints.push(`ERROR "${file}" line ${line}: index "${id.name}" does not look numeric and name lookup failed`);
    }
    ids.push(...addresses.map((address): Identity => ({ kind: "address", address })));
  }
  return { ...entry, ids };
}

async function unlock(
  entry: SecretEntry,
  asker: Reply | undefined,
  complaints: string[],
): Promise<SecretEntry | undefined> {
  const { key, at } = entry;
  if (key.kind !== "RSA file") return entry;
  const where = `"${at.file}" line ${at.line}`;
  if (!asker?.ask) {
    complaints.push(`${where}: enter a passphrase using ipsec auto --rereadsecrets`);
    return undefined;
  }
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const again = tries > 0 ? "invalid passphrase, please try again" : `need passphrase for '${key.path}'`;
    const typed = await asker.ask(again, true);
    if (!typed) break;
    const opened = unlockKey(key, new Secret(new TextEncoder().encode(typed)), secretsFiles);
    if (opened.ok) return { ...entry, key: opened.value };
  }
  complaints.push(`${where}: error loading RSA private key file`);
  return undefined;
}

async function addressesOf(name: string): Promise<Address[]> {
  try {
    const found = await lookup(name, { all: true });
    return found.flatMap(({ address }) => {
      const parsed = parseNumericAddress(address, 0);
      return parsed.ok ? [parsed.value] : [];
    });
  } catch {
    return [];
  }
}
