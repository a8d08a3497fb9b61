/** Looks at this host for `ipsec verify`. */
import { hostname } from "node:os";
import { readSecrets, type Secrets } from "../lib/config/secrets.ts";
import type { RsaPublicKey } from "../lib/crypto/rsa.ts";
import type { ResolverOptions } from "../lib/dns/resolver.ts";
import { SystemError } from "../lib/ffi/libc.ts";
import { NfTables } from "../lib/ffi/nf_tables.ts";
import { LINK_FLAG } from "../lib/packet/rtnetlink.ts";
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { REQUEST_VERSION } from "../lib/pluto/request.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { networkFacts } from "../lib/system/network_facts.ts";
import { confDirectory, pfkeySocketPath, plutoPaths, setupPaths } from "../lib/system/paths.ts";
import { secretsFiles } from "../lib/system/secrets_files.ts";
import { SetupRecord, type SetupState } from "../lib/system/setup_state.ts";
import { versionCode } from "../lib/system/version.ts";
import { askPluto, WhackFailed } from "../lib/system/whack_client.ts";
import type { Address } from "../lib/text/address.ts";
import { formatDnsServer } from "../lib/text/dns_server.ts";
import type { Io } from "./_command.ts";
import { configFiles } from "./_config_files.ts";
import { attachedLines } from "./_look_page.ts";
import type { LocalFacts } from "./_verify_local.ts";
import { missingSecrets } from "./_verify_secrets.ts";
import { usesOf } from "./_verify_uses.ts";

export interface Host {
  readonly facts: LocalFacts;
  readonly key: RsaPublicKey | undefined;
}

export async function lookAtHost(io: Io, resolver: ResolverOptions): Promise<Host> {
  const confs = confDirectory(io.env);
  const secretsFile = `${confs}/ipsec.secrets`;
  const secrets = secretsOf(secretsFile);
  const key = readKey(secretsFile, secrets);
  const klips = await askKlips(pfkeySocketPath(io.env));
  const control = plutoPaths(io.env).socket;
  const pluto = await whyNoPluto(control);
  const facts: LocalFacts = {
    uses: usesOf(`${confs}/ipsec.conf`, configFiles),
    version: `Linux oneswan ${versionCode()}`,
    onPath: findOnPath(io.env("PATH") ?? ""),
    klips: klips.why,
    tun: whyNoTun(),
    missingRights: missingRights(text("/proc/self/status")),
    secretsFile,
    missingSecrets: missingSecrets(`${confs}/ipsec.conf`, configFiles, ownAddresses(), secrets),
    rsaKey: "why" in key ? key : undefined,
    pluto,
    plutoInterfaces: pluto === undefined ? await interfacesOfPluto(control) : [],
    udpPorts: new Set([...udpPorts(text("/proc/net/udp")), ...udpPorts(text("/proc/net/udp6"))]),
    interfaces: interfaces(klips.attachments, SetupRecord.open(setupPaths(io.env).state).state.interfaces),
    rpFilterAll: text("/proc/sys/net/ipv4/conf/all/rp_filter").trim() || undefined,
    isForwarding: text("/proc/sys/net/ipv4/ip_forward").trim() === "1",
    ...packetFilter(),
    nowSeconds: Date.now() / 1000,
    servers: resolver.servers.map(formatDnsServer),
    trustsDnssec: resolver.trustAd,
  };
  return { facts, key: "why" in key ? undefined : key };
}

/** What is published for these is this host's business. */
export function ownAddresses(): Address[] {
  return networkFacts().addresses.map(({ address }) => address);
}

/** @returns undefined where there is none, or it must not be read */
export function ownKey(io: Io): RsaPublicKey | undefined {
  const file = `${confDirectory(io.env)}/ipsec.secrets`;
  const key = readKey(file, secretsOf(file));
  return "why" in key ? undefined : key;
}

export function text(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** The name that this host has in the DNS: its host name, with the domain of /etc/hosts or resolv.conf where it has none. */
export function fullHostName(): string {
  const name = hostname();
  if (name.includes(".")) return name;
  for (const line of text("/etc/hosts").split("\n")) {
    const [, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const full = names.includes(name) ? names.find((one) => one.startsWith(`${name}.`)) : undefined;
    if (full) return full;
  }
  const domain = /^(?:domain|search)[ \t]+(\S+)/m.exec(text("/etc/resolv.conf"))?.[1];
  return domain ? `${name}.${domain}` : name;
}

function findOnPath(path: string): string | undefined {
  return path.split(":").filter(Boolean).map((folder) => `${folder}/ipsec`).find((file) => {
    try {
      const { isFile, mode } = Deno.statSync(file);
      return isFile && ((mode ?? 0) & 0o111) !== 0;
    } catch {
      return false;
    }
  });
}

async function askKlips(path: string): Promise<{ readonly why?: string; readonly attachments: string }> {
  try {
    const client = await PfkeyClient.connect(path);
    try {
      return { attachments: await client.readProc("tncfg") };
    } finally {
      client.close();
    }
  } catch (error) {
    return { why: errorReason(error), attachments: "" };
  }
}

function whyNoTun(): string | undefined {
  try {
    Deno.openSync("/dev/net/tun", { read: true, write: true }).close();
    return undefined;
  } catch (error) {
    return `/dev/net/tun: ${errorReason(error)}`;
  }
}

/** Bits of capability sets, capability.h. */
const NEEDED_RIGHTS = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n } as const;

function missingRights(status: string): string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1];
  if (!effective) return [];
  const bits = BigInt(`0x${effective}`);
  return Object.entries(NEEDED_RIGHTS).filter(([, bit]) => !(bits >> bit & 1n)).map(([name]) => name);
}

/** The name of the file is no pattern here. */
function secretsOf(file: string): Secrets {
  return readSecrets(file.replace(/[\\*?[]/g, "\\$&"), secretsFiles);
}

/** @returns why there is none */
function readKey(file: string, { entries, complaints }: Secrets): RsaPublicKey | NonNullable<LocalFacts["rsaKey"]> {
  try {
    Deno.statSync(file);
  } catch (error) {
    return { why: `${file}: ${errorReason(error)}`, mayExist: false };
  }
  for (const { key } of entries) if (key.kind !== "PSK" && "key" in key) return key.key.publicKey;
  return { why: complaints.length ? complaints[0].message : "the file has none", mayExist: complaints.length > 0 };
}

/** By its status, of which nothing comes into its log. */
export async function interfacesOfPluto(socket: string): Promise<string[]> {
  const found: string[] = [];
  const line = (text: string) => void found.push(...(/^000 interface (\S+)/.exec(text)?.slice(1) ?? []));
  const request = { version: REQUEST_VERSION, status: true } as const;
  try {
    await askPluto(socket, request, { line, prompt: () => Promise.resolve(undefined), complain: () => {} });
  } catch (error) {
    if (!(error instanceof WhackFailed)) throw error; // it has ended meanwhile
  }
  return found;
}

/** Asks for nothing, so that pluto has nothing to say in its log. */
export async function whyNoPluto(socket: string): Promise<string | undefined> {
  try {
    using connection = await Deno.connect({ transport: "unix", path: socket });
    await connection.write(new TextEncoder().encode(`${JSON.stringify({ version: REQUEST_VERSION })}\n`));
    return undefined;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? `Pluto is not running (no "${socket}")` : errorReason(error);
  }
}

/** @param table in the form of /proc/net/udp: the second column is ADDRESS:PORT in hexadecimal */
function udpPorts(table: string): number[] {
  return table.split("\n").slice(1).map((line) => parseInt(line.trim().split(/\s+/)[1]?.split(":")[1] ?? "", 16))
    .filter(Number.isInteger);
}

function interfaces(attachments: string, wanted: SetupState["interfaces"]): LocalFacts["interfaces"] {
  const physicals = physicalsOf(attachments, wanted);
  const { links, addresses } = networkFacts();
  return links.map(({ name, mtu, flags }) => ({
    name,
    isUp: (flags & LINK_FLAG.UP) !== 0,
    mtu,
    addresses: addresses.filter(({ device }) => device === name).map(({ address }) => address),
    rpFilter: text(`/proc/sys/net/ipv4/conf/${name}/rp_filter`).trim() || undefined,
    physical: physicals.get(name),
  }));
}

/**
 * By the ipsecN above each, from lines such as `ipsec0 -> eth0 mtu=16260(1443) -> 1500`. One whose device is down or gone has
 * `NULL` there; which it waits for is in what start has written down.
 */
export function physicalsOf(
  attachments: string,
  wanted: readonly { readonly virtual: string; readonly physical: string }[],
): Map<string, string> {
  return new Map(
    attachedLines(attachments).flatMap((line) => {
      const [virtual, physical] = line.split(" -> ").map((part) => part.split(" ")[0]);
      const below = physical === "NULL" ? wanted.find((one) => one.virtual === virtual)?.physical : physical;
      return below ? [[virtual, below] as const] : [];
    }),
  );
}

const TRANSLATING = ["masq", "snat", "nat"];

function packetFilter(): Pick<LocalFacts, "translations" | "droppingInput"> {
  try {
    using tables = new NfTables();
    const chains = tables.baseChains();
    const rules = tables.rules();
    const natTables = new Set(chains.filter(({ type, hook }) => type === "nat" && hook === "postrouting").map(placeOf));
    const translations = rules
      .filter((rule) => natTables.has(placeOf(rule)) && rule.expressions.some((one) => TRANSLATING.includes(one)))
      .map((rule) => ({ where: `${placeOf(rule)} ${rule.chain}`, isLimited: rule.expressions.includes("meta") }));
    const droppingInput = chains
      .filter(({ type, hook, drops }) => type === "filter" && hook === "input" && drops)
      .map((chain) => `${placeOf(chain)} ${chain.name}`);
    return { translations, droppingInput };
  } catch (error) {
    if (error instanceof SystemError) return { translations: undefined, droppingInput: [] };
    throw error;
  }
}

function placeOf({ family, table }: { readonly family: string; readonly table: string }): string {
  return `${family} ${table}`;
}
