/** The command line of `ipsec manual` (klips.md §9), of the old form as well. */
import { MANUAL_ACTIONS, type ManualAction } from "../lib/config/manual_plan.ts";

export interface ManualOptions {
  readonly action: ManualAction;
  readonly names: readonly string[];
  /** Whether the names are parts of one connection. */
  readonly union: boolean;
  readonly show: boolean;
  readonly showOnly: boolean;
  readonly other: boolean;
  /** ADDR@IFACE */
  readonly iam: string | undefined;
  readonly config: string | undefined;
  readonly include: boolean;
  /** `NAME up` */
  readonly obsolete: boolean;
}

/** What ends the command at once. */
export type ManualAnswer = "help" | "version" | "usage" | { readonly unknown: string };

const FLAGS: Readonly<Record<string, keyof ManualOptions>> = {
  "--union": "union",
  "--show": "show",
  "--showonly": "showOnly",
  "--other": "other",
};

export function readManualOptions(args: readonly string[]): ManualOptions | ManualAnswer {
  const words = [...args];
  const names: string[] = [];
  const flags: Partial<Record<keyof ManualOptions, boolean>> = {};
  const values: { iam?: string; config?: string } = {};
  let action: ManualAction | undefined;
  let include = true;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const verb = MANUAL_ACTIONS.find((one) => word === `--${one}`);
    if (verb) {
      if (action) return "usage";
      action = verb;
    } else if (word === "--help" || word === "--version") return word.slice(2) as "help" | "version";
    else if (Object.hasOwn(FLAGS, word)) flags[FLAGS[word]] = true;
    else if (word === "--noinclude") include = false;
    else if (word === "--iam" || word === "--config") {
      const value = words.shift();
      if (value === undefined) return "usage";
      values[word.slice(2) as "iam" | "config"] = value;
    } else if (word === "--") names.push(...words.splice(0));
    else if (word.startsWith("-")) return { unknown: word };
    else names.push(word);
  }
  const obsolete = !action && names.length > 1;
  action ??= obsolete ? MANUAL_ACTIONS.find((one) => one === names.at(-1)) : undefined;
  if (obsolete) names.pop();
  if (!action || names.length === 0) return "usage";
  return {
    action,
    names,
    union: flags.union ?? false,
    show: flags.show ?? false,
    showOnly: flags.showOnly ?? false,
    other: flags.other ?? false,
    iam: values.iam,
    config: values.config,
    include,
    obsolete,
  };
}
