/**
 * What leftfirewall=yes does: lets the packets of a connection pass a firewall that drops by default, and takes that
 * back.
 *
 * An accepting rule in a table of our own would not help: in nf_tables a packet must be accepted by every base chain of
 * its hook, and one drop is final. So the rules go where the drops are, first in each such chain of the administrator's:
 * those of nft(8) in any table, those of iptables-nft(8), which is `table ip filter chain FORWARD`. A comment tells them
 * from his and one connection's from another's, by which they are found again, also after a crash.
 */
import { createHash } from "node:crypto";
import { ERRNO, SystemError } from "../ffi/libc.ts";
import { NfTables, type RuleChange } from "../ffi/nf_tables.ts";
import {
  type BaseChain,
  COMMENT_BYTES,
  type Hook,
  type Match,
  type RuleEntry,
  type TableFamily,
} from "../packet/nf_tables.ts";
import type { Family } from "../text/address.ts";
import { formatSubnet, type Subnet } from "../text/subnet.ts";

/** One end of what passes; protocol and port 0 are any. */
export interface PassageEnd {
  readonly subnet: Subnet;
  readonly protocol: number;
  readonly port: number;
}

/** Packets of a connection, in both directions. */
export interface Passage {
  readonly connection: string;
  /** "forward": of the networks behind this host; "host": of itself. */
  readonly of: "forward" | "host";
  /** ipsecN */
  readonly device: string;
  readonly mine: PassageEnd;
  readonly peer: PassageEnd;
}

export interface FirewallReport {
  /** Chains that have rules of ours now, as `ip filter FORWARD`. */
  readonly chains: readonly string[];
  /** Sentences on what may still drop the packets. */
  readonly warnings: readonly string[];
}

/** The packet filter of this host. */
export type FirewallRules =
  & Pick<NfTables, "generation" | "tables" | "baseChains" | "rules" | "change">
  & Disposable;

/** The world of a firewall. */
export interface FirewallDeps {
  open(): FirewallRules;
  /** Text of a file; "" where it cannot be read. */
  read(path: string): string;
}

export const SYSTEM: FirewallDeps = {
  open: () => new NfTables(),
  read: (path) => {
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return "";
    }
  },
};

/** What all comments of ours start with. */
const MARK = "oneswan ";
export const FAMILIES: Record<Family, readonly TableFamily[]> = { inet: ["inet", "ip"], inet6: ["inet", "ip6"] };
export const LEGACY_TABLES: Record<Family, string> = {
  inet: "/proc/net/ip_tables_names",
  inet6: "/proc/net/ip6_tables_names",
};
/** Rules may change while ours are made; then all is looked at anew. */
const MOST_TRIES = 10;
/** What fits into one message to the kernel many times over. */
const MOST_CHANGES = 500;
/** A kernel without nf_tables says one of these. */
export const NO_NF_TABLES: readonly number[] = [ERRNO.EINVAL, 93, /* EPROTONOSUPPORT */ 95 /* EOPNOTSUPP */];

/** Opens the firewall; doing so again leaves the same rules. Throws SystemError, with the firewall as it was. */
export function openFirewall(passage: Passage, deps: FirewallDeps = SYSTEM): FirewallReport {
  const comment = commentOf(passage);
  const report = withRules(deps, `open the firewall for ${passage.connection}`, (tables) => {
    const rules = tables.rules();
    const stale = rules.filter((rule) => rule.comment === comment);
    const owned = tables.tables().filter(({ owner }) => owner !== undefined);
    const dropping = tables.baseChains().filter((chain) => mayDrop(chain, passage, rules));
    const isOwned = (chain: BaseChain) =>
      owned.some(({ family, name }) => family === chain.family && name === chain.table);
    const chains = dropping.filter((chain) => !isOwned(chain));
    const changes: RuleChange[] = [
      ...stale.map((remove) => ({ remove })),
      ...chains.flatMap((chain) => matchesAt(passage, chain.hook).map((insert) => ({ insert, chain, comment }))),
    ];
    return { changes, result: { chains: chains.map(chainName), warnings: dropping.filter(isOwned).map(ownedWarning) } };
  });
  const legacy = deps.read(LEGACY_TABLES[passage.mine.subnet.address.family]).split("\n").includes("filter");
  const { chains, warnings } = report ?? { chains: [], warnings: [] };
  return { chains, warnings: legacy ? [...warnings, LEGACY_WARNING] : warnings };
}

const LEGACY_WARNING =
  "rules of iptables-legacy are not changed: let them accept what passes ipsec0, or move them to iptables-nft";

function ownedWarning(chain: BaseChain): string {
  return `chain ${chainName(chain)} belongs to a running program, which alone can let packets pass it`;
}

/** Closes what {@linkcode openFirewall} opened for the same passage. @returns the number of rules removed */
export function closeFirewall(passage: Passage, deps: FirewallDeps = SYSTEM): number {
  const comment = commentOf(passage);
  return remove(deps, `close the firewall for ${passage.connection}`, (rule) => rule.comment === comment);
}

/** Removes whatever connections left open, after a crash say. @returns the number of rules removed */
export function cleanFirewall(deps: FirewallDeps = SYSTEM): number {
  return remove(deps, "close the firewall", (rule) => rule.comment.startsWith(MARK));
}

function remove(deps: FirewallDeps, subject: string, isOurs: (rule: RuleEntry) => boolean): number {
  for (let removed = 0;;) {
    const count = withRules(deps, subject, (tables) => {
      const changes = tables.rules().filter(isOurs).slice(0, MOST_CHANGES).map((remove) => ({ remove }));
      return { changes, result: changes.length };
    }) ?? 0;
    removed += count;
    if (count < MOST_CHANGES) return removed;
  }
}

/** Plans changes on the rules as they are and makes them. @returns undefined for a kernel without nf_tables */
function withRules<T>(
  deps: FirewallDeps,
  subject: string,
  plan: (tables: FirewallRules) => { changes: readonly RuleChange[]; result: T },
): T | undefined {
  using tables = opened(deps);
  for (let tries = 1; tables; tries++) {
    const generation = generationOf(tables);
    if (generation === undefined) return undefined;
    const { changes, result } = plan(tables);
    try {
      tables.change(changes, generation, subject);
      return result;
    } catch (error) {
      if (!(error instanceof SystemError && error.errno === ERRNO.ERESTART) || tries === MOST_TRIES) throw error;
    }
  }
  return undefined;
}

function opened(deps: FirewallDeps): FirewallRules | undefined {
  return orNone(() => deps.open());
}

function generationOf(tables: FirewallRules): number | undefined {
  return orNone(() => tables.generation());
}

function orNone<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SystemError && NO_NF_TABLES.includes(error.errno)) return undefined;
    throw error;
  }
}

/** Whether a chain stands in the way: an empty one that accepts does not. */
function mayDrop(chain: BaseChain, passage: Passage, rules: readonly RuleEntry[]): boolean {
  if (chain.type !== "filter" || matchesAt(passage, chain.hook).length === 0) return false;
  if (!FAMILIES[passage.mine.subnet.address.family].includes(chain.family)) return false;
  return chain.drops ||
    rules.some((rule) =>
      rule.family === chain.family && rule.table === chain.table && rule.chain === chain.name &&
      !rule.comment.startsWith(MARK)
    );
}

/** What is let through at a hook. */
function matchesAt({ of, device, mine, peer }: Passage, hook: Hook): Match[] {
  const inward: Match = { device, way: "in", ...selectors(peer, mine) };
  const outward: Match = { device, way: "out", ...selectors(mine, peer) };
  if (of === "forward") return hook === "forward" ? [inward, outward] : [];
  return hook === "input" ? [inward] : hook === "output" ? [outward] : [];
}

function selectors(from: PassageEnd, to: PassageEnd): Omit<Match, "device" | "way"> {
  return {
    source: from.subnet,
    destination: to.subnet,
    protocol: from.protocol || to.protocol,
    sourcePort: from.port,
    destinationPort: to.port,
  };
}

function chainName({ family, table, name }: BaseChain): string {
  return `${family} ${table} ${name}`;
}

/** Connections of one name with different peers have different rules, so the networks are part of it. */
function commentOf({ connection, of, device, mine, peer }: Passage): string {
  const words = [connection, endText(mine), endText(peer), device, ...(of === "host" ? ["host"] : [])];
  return MARK + shortened(words.join(" "), COMMENT_BYTES - MARK.length);
}

function endText({ subnet, protocol, port }: PassageEnd): string {
  return formatSubnet(subnet) + (protocol || port ? `:${protocol}/${port}` : "");
}

/** A text as printable ASCII that fits; one that was not comes with a digest of the whole. */
function shortened(text: string, longest: number): string {
  const plain = text.replace(/[^ !#-\[\]-~]/g, "_");
  if (plain === text && text.length <= longest) return text;
  const digest = `~${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  return plain.slice(0, longest - digest.length) + digest;
}
