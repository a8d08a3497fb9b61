/** The command line of `ipsec auto` (commands.md §7), of the old form as well. */

interface Operation {
  /** Of a connection, which is named. */
  readonly named?: true;
  /** Words of whack; the name of the connection stands for NAME, what may be left out leaves its blank. */
  readonly whack?: readonly string[];
}

/** `--add` and `--replace` are made from ipsec.conf; all others say the same whatever it holds. */
export const OPERATIONS = {
  add: { named: true },
  replace: { named: true },
  up: { named: true, whack: ["ASYNC", "--name", "NAME", "--initiate"] },
  down: { named: true, whack: ["--name", "NAME", "--terminate"] },
  delete: { named: true, whack: ["--name", "NAME", "--delete"] },
  route: { named: true, whack: ["--name", "NAME", "--route"] },
  unroute: { named: true, whack: ["--name", "NAME", "--unroute"] },
  ready: { whack: ["--listen"] },
  rereadgroups: { whack: ["--listen"] },
  status: { whack: ["--status"] },
  rereadsecrets: { whack: ["--rereadsecrets"] },
  rereadcacerts: { whack: ["--rereadcacerts"] },
  rereadcrls: { whack: ["--rereadcrls"] },
  rereadall: { whack: ["--rereadall"] },
  listpubkeys: { whack: ["UTC", "--listpubkeys"] },
  listcerts: { whack: ["UTC", "--listcerts"] },
  listcacerts: { whack: ["UTC", "--listcacerts"] },
  listcrls: { whack: ["UTC", "--listcrls"] },
  listcards: { whack: ["UTC", "--listcards"] },
  listall: { whack: ["UTC", "--listall"] },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;

export interface AutoOptions {
  readonly operation: OperationName;
  /** Of the connection; empty for operations without. */
  readonly name: string;
  readonly show: boolean;
  readonly showOnly: boolean;
  readonly asynchronous: boolean;
  readonly verbose: boolean;
  readonly utc: boolean;
  readonly json: boolean;
  readonly include: boolean;
  readonly config: string | undefined;
  /** Of XAUTH, for `--up`. */
  readonly user: string | undefined;
  /** `NAME up` */
  readonly obsolete: boolean;
}

/** What ends the command at once. */
export type AutoAnswer = "help" | "version" | "usage" | { readonly unknown: string };

const FLAGS: Readonly<Record<string, "show" | "showOnly" | "asynchronous" | "verbose" | "utc" | "json">> = {
  "--show": "show",
  "--showonly": "showOnly",
  "--asynchronous": "asynchronous",
  "--async": "asynchronous",
  "--verbose": "verbose",
  "--utc": "utc",
  "--json": "json",
};

function operationNamed(word: string): OperationName | undefined {
  return Object.hasOwn(OPERATIONS, word) ? word as OperationName : undefined;
}

export function isNamed(operation: OperationName): boolean {
  return "named" in OPERATIONS[operation];
}

export function readAutoOptions(args: readonly string[]): AutoOptions | AutoAnswer {
  const words = [...args];
  const names: string[] = [];
  const flags = { show: false, showOnly: false, asynchronous: false, verbose: false, utc: false, json: false };
  let operation: OperationName | undefined, config: string | undefined, user: string | undefined, include = true;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const found = word.startsWith("--") ? operationNamed(word.slice(2)) : undefined;
    if (found) {
      if (operation) return "usage";
      operation = found;
    } else if (word === "--help" || word === "--version") return word.slice(2) as "help" | "version";
    else if (Object.hasOwn(FLAGS, word)) flags[FLAGS[word]] = true;
    else if (word === "--noinclude") include = false;
    else if (word === "--config") {
      config = words.shift();
      if (config === undefined) return "usage";
    } else if (word === "--xauthname") {
      user = words.shift();
      if (!user) return "usage";
    } else if (word === "--") names.push(...words.splice(0));
    else if (word.startsWith("-")) return { unknown: word };
    else names.push(word);
  }
  const obsolete = !operation && names.length > 0;
  if (obsolete) operation = operationNamed(names.pop()!);
  if (!operation || names.length !== (isNamed(operation) ? 1 : 0) || names[0] === "") return "usage";
  if (flags.json && operation !== "status" && !operation.startsWith("list")) return "usage";
  if (user !== undefined && operation !== "up") return "usage";
  return { operation, name: names[0] ?? "", ...flags, include, config, user, obsolete };
}

export const AUTO_USAGE = `Usage:
	ipsec auto [--showonly] [--asynchronous] --up connectionname
		[--xauthname username]
	ipsec auto [--showonly] --{add|delete|replace|down} connectionname
	ipsec auto [--showonly] --{route|unroute} connectionname
	ipsec auto [--showonly] --{ready|status|rereadsecrets|rereadgroups}
	ipsec auto [--showonly] --{rereadcacerts|rereadcrls|rereadall}
	ipsec auto [--showonly] [--utc] --{listpubkeys|listcerts|listcacerts}
	ipsec auto [--showonly] --{listcrls|listcards|listall}

	other options: [--config ipsecconfigfile] [--verbose] [--show] [--json]
`;
