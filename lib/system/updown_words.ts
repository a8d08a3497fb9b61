/** What is known of an updown command by its words alone (commands.md §11). */
import type { UpdownVariables } from "../text/updown_variables.ts";

/** Its arguments where a command is the built-in one and needs no shell; undefined for any other. */
export function builtinArguments(command: string): string[] | undefined {
  const [ipsec, subcommand, ...args] = command.trim().split(/[ \t]+/);
  const plain = /^[\w.,:/=+@-]*$/;
  return ipsec === "ipsec" && subcommand === "_updown" && args.every((word) => plain.test(word)) ? args : undefined;
}

/**
 * The built-in command without arguments makes routes alone: that a connection comes up or goes down is nothing to it, unless
 * there is an address to be added or removed.
 */
export function doesNothing(command: string, variables: UpdownVariables): boolean {
  const { PLUTO_VERB: verb, PLUTO_MY_SOURCEIP: source = "" } = variables;
  return /^(up|down)-/.test(verb) && source === "" && builtinArguments(command)?.length === 0;
}
