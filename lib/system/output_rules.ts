/**
 * Whether rules of this host's packet filter would look at a packet that the kernel sends for us. What is given to a link
 * directly passes none of them, so that it must not be given where there are any.
 */
import { SystemError } from "../ffi/libc.ts";
import type { NfTables } from "../ffi/nf_tables.ts";
import type { Hook } from "../packet/nf_tables.ts";
import type { Family } from "../text/address.ts";
import { FAMILIES, type FirewallDeps, LEGACY_TABLES, NO_NF_TABLES, SYSTEM } from "./firewall.ts";

/** What is asked of nf_tables. */
export type RuleListing = Pick<NfTables, "generation" | "baseChains" | "rules"> & Disposable;

/** The world of the rules. */
export interface OutputRulesDeps extends Pick<FirewallDeps, "read"> {
  open(): RuleListing;
  /** In milliseconds. */
  now(): number;
}

/** How long an answer is believed. */
const BELIEVED_MS = 500;

/** What a packet of the host's own passes. */
const HOOKS: readonly Hook[] = ["output", "postrouting"];
/** Expressions of nf_tables; a target of iptables' may be NOTRACK. */
const UNTRACKING: readonly string[] = ["notrack", "target"];

export class OutputRules {
  readonly #deps: OutputRulesDeps;
  /** The version of the rules that `#ruled` is about. */
  #generation = -1;
  #ruled: Record<Family, boolean> = { inet: true, inet6: true };
  readonly #answers: Record<Family, { ruled: boolean; until: number }> = {
    inet: { ruled: true, until: -Infinity },
    inet6: { ruled: true, until: -Infinity },
  };

  constructor(deps: OutputRulesDeps = { ...SYSTEM, now: () => performance.now() }) {
    this.#deps = deps;
  }

  /** Where it cannot be known, there are some. */
  areThereFor(family: Family): boolean {
    const answer = this.#answers[family];
    const now = this.#deps.now();
    if (now >= answer.until) {
      answer.ruled = this.#read(family);
      answer.until = now + BELIEVED_MS;
    }
    return answer.ruled;
  }

  /** Lists the rules where they have changed. */
  #read(family: Family): boolean {
    if (this.#deps.read(LEGACY_TABLES[family]).trim() !== "") return true;
    try {
      using tables = this.#deps.open();
      const generation = tables.generation();
      if (generation !== this.#generation) {
        this.#ruled = readRuled(tables);
        this.#generation = generation;
      }
      return this.#ruled[family];
    } catch (error) {
      if (error instanceof SystemError) return !NO_NF_TABLES.includes(error.errno);
      throw error;
    }
  }
}

/**
 * A chain that has no rule and accepts looks at nothing. Address translation is settled when a connection's first packet
 * enters ipsecN, and its chains are not asked again; unless a rule keeps packets from being tracked there.
 */
function readRuled(tables: RuleListing): Record<Family, boolean> {
  const rules = tables.rules();
  const untracked = rules.some(({ expressions }) => expressions.some((name) => UNTRACKING.includes(name)));
  const ruled = tables.baseChains().filter((chain) =>
    HOOKS.includes(chain.hook) && (chain.type !== "nat" || untracked) &&
    (chain.drops ||
      rules.some((rule) => rule.family === chain.family && rule.table === chain.table && rule.chain === chain.name))
  );
  const has = (family: Family) => ruled.some((chain) => FAMILIES[family].includes(chain.family));
  return { inet: has("inet"), inet6: has("inet6") };
}
