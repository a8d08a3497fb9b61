/** Words of `ipsec setup` (commands.md §3). */
import { resolve } from "node:path";
import { UserError } from "./_command.ts";

export const SETUP_USAGE = `Usage: ipsec setup {--start|--stop|--restart|--status}
       ipsec setup [--show|--showonly] [--config FILE] {start|stop|restart|status}
       ipsec setup status [--json]
       ipsec setup [start] --foreground [--show] [--config FILE]
`;

/** Each also with two dashes before it. `_serve` is what start runs in the background. */
const COMMANDS = {
  start: "start",
  stop: "stop",
  restart: "restart",
  status: "status",
  "force-reload": "restart",
  _autostart: "start",
  _autostop: "stop",
  _autorestart: "restart",
  _serve: "serve",
  version: "version",
  help: "help",
} as const;

export interface SetupOptions {
  readonly command: typeof COMMANDS[keyof typeof COMMANDS];
  readonly foreground: boolean;
  /** Of status: for programs. */
  readonly json: boolean;
  /** Each command before it is executed. */
  readonly show: boolean;
  /** Commands instead of their execution. */
  readonly showOnly: boolean;
  /** Absolute. */
  readonly config: string | undefined;
  /** Said of a start after a crash. */
  readonly isRestart: boolean;
}

export function parseSetupOptions(args: readonly string[]): SetupOptions {
  let word: keyof typeof COMMANDS | undefined;
  let foreground = false, json = false, show = false, showOnly = false;
  let config: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--foreground") foreground = true;
    else if (arg === "--json") json = true;
    else if (arg === "--show") show = true;
    else if (arg === "--showonly") showOnly = true;
    else if (arg === "--config" && i + 1 < args.length) config = resolve(args[++i]);
    else {
      const name = arg.replace(/^--/, "");
      if (word !== undefined || !Object.hasOwn(COMMANDS, name)) throw new UserError(SETUP_USAGE, 2);
      word = name as keyof typeof COMMANDS;
    }
  }
  if (word === undefined && foreground) word = "start";
  if (word === undefined || foreground && COMMANDS[word] !== "start") throw new UserError(SETUP_USAGE, 2);
  if (json && COMMANDS[word] !== "status") throw new UserError(SETUP_USAGE, 2);
  return { command: COMMANDS[word], foreground, json, show, showOnly, config, isRestart: word === "_autostart" };
}
