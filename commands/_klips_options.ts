/** Words of `ipsec klips`. */
import { parseArgs } from "node:util";
import type { LogLevel } from "../lib/system/log.ts";
import { KEEPALIVE_SECONDS } from "../lib/system/sa_upkeep.ts";
import { UserError } from "./_command.ts";

export const PROG = "ipsec klips";
const CRYPTO = ["libcrypto", "runtime", "noble"] as const;
const LEVELS = ["error", "notice", "info", "debug"] as const;
const ACTIONS = ["start", "stop", "status", "foreground"] as const;

export const KLIPS_USAGE =
  `Usage: ipsec klips --start [--crypto libcrypto|runtime|noble] [--loglevel error|notice|info|debug]
                         [--keepalive SECONDS]
       ipsec klips --foreground [--adopt] [--crypto PROVIDER] [--loglevel LEVEL] [--keepalive SECONDS]
       ipsec klips --stop
       ipsec klips --status [--json]
       ipsec klips --help
`;

export interface KlipsOptions {
  readonly action: typeof ACTIONS[number];
  readonly crypto: typeof CRYPTO[number] | undefined;
  readonly level: LogLevel;
  readonly keepaliveSeconds: number;
  readonly adopt: boolean;
  readonly json: boolean;
}

export function parseKlipsOptions(args: readonly string[]): KlipsOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        start: { type: "boolean" },
        stop: { type: "boolean" },
        status: { type: "boolean" },
        foreground: { type: "boolean" },
        adopt: { type: "boolean" },
        json: { type: "boolean" },
        crypto: { type: "string" },
        loglevel: { type: "string" },
        keepalive: { type: "string" },
      },
    }));
  } catch (error) {
    throw new UserError(`${PROG}: ${(error as Error).message}\n${KLIPS_USAGE.trimEnd()}`, 2);
  }
  const actions = ACTIONS.filter((name) => values[name]);
  if (actions.length !== 1) {
    throw new UserError(
      `${PROG}: exactly one of --start, --stop, --status or --foreground is needed\n${KLIPS_USAGE.trimEnd()}`,
      2,
    );
  }
  return {
    action: actions[0],
    crypto: values.crypto === undefined ? undefined : choice("--crypto", values.crypto, CRYPTO),
    level: values.loglevel === undefined ? "info" : choice("--loglevel", values.loglevel, LEVELS),
    keepaliveSeconds: values.keepalive === undefined ? KEEPALIVE_SECONDS : seconds("--keepalive", values.keepalive),
    adopt: values.adopt ?? false,
    json: values.json ?? false,
  };
}

function choice<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (!found) throw new UserError(`${PROG}: ${option} must be one of ${allowed.join(", ")}: it is "${value}"`, 2);
  return found;
}

const LONGEST_SECONDS = 86400;

function seconds(option: string, value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : Infinity;
  if (number <= LONGEST_SECONDS) return number;
  throw new UserError(`${PROG}: ${option} must be 0 to ${LONGEST_SECONDS} seconds: it is "${value}"`, 2);
}
