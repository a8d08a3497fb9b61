/** What the built-in `_updown` is asked for: its arguments and PLUTO_* variables, checked (commands.md §11.3). */
import { type Address, parseNumericAddress } from "../text/address.ts";
import type { Result } from "../text/result.ts";
import { parseSubnet, type Subnet } from "../text/subnet.ts";
import type { PassageEnd } from "./firewall.ts";
import { UPDOWN_VERBS, type UpdownVerb } from "../text/updown_variables.ts";

export type Variables = (name: string) => string | undefined;

/** Something that the caller must do otherwise: what is said, and the exit status. */
export class UpdownRefusal extends Error {
  constructor(readonly lines: readonly string[], readonly status: number) {
    super(lines.join("\n"));
    this.name = "UpdownRefusal";
  }
}

export interface UpdownRequest {
  readonly verb: UpdownVerb;
  readonly of: "host" | "client";
  readonly opensFirewall: boolean;
}

const STATUS = { unknownVerb: 1, notSet: 1, obsolete: 2, parameters: 2 } as const;

/** `ipfwadm` stands for whatever filters packets today. */
const FIREWALL_ARGUMENTS = ["ipfwadm", "ipchains", "iptables", "nft"];
const VERB = new RegExp(`^(${UPDOWN_VERBS.join("|")})-(host|client)(-v6)?$`);

/** Throws {@linkcode UpdownRefusal}. */
export function readUpdownRequest(args: readonly string[], variables: Variables): UpdownRequest {
  checkVersion(variables("PLUTO_VERSION") ?? "");
  const [first = ""] = args;
  const opensFirewall = args.length === 1 && FIREWALL_ARGUMENTS.includes(first);
  if (first && first !== "custom" && !opensFirewall) {
    throw new UpdownRefusal([`unknown parameters \`${args.join(" ")}'`], STATUS.parameters);
  }
  const text = variables("PLUTO_VERB") ?? "";
  const [, verb, of] = VERB.exec(text) ?? [];
  const changesFirewall = (verb === "up" || verb === "down") && of === "client";
  if (!verb || changesFirewall && first && !opensFirewall) {
    throw new UpdownRefusal([`unknown verb \`${text}' or parameter \`${first}'`], STATUS.unknownVerb);
  }
  return { verb: verb as UpdownVerb, of: of as "host" | "client", opensFirewall };
}

function checkVersion(version: string): void {
  if (version === "1.0") {
    throw new UpdownRefusal(
      [`obsolete interface version \`${version}',`, "\tcalled by obsolete Pluto?"],
      STATUS.obsolete,
    );
  }
  if (/^1\./.test(version)) return;
  const hint = version ? [] : ["\tit is called by pluto and `ipsec manual', with PLUTO_* variables set"];
  throw new UpdownRefusal([`unknown interface version \`${version}'`, ...hint], STATUS.obsolete);
}

/** A variable that must be set. */
export function requiredVariable(variables: Variables, name: string): string {
  const text = variables(name);
  if (!text) throw new UpdownRefusal([`${name} not set`], STATUS.notSet);
  return text;
}

export function subnetVariable(variables: Variables, name: string): Subnet {
  const text = requiredVariable(variables, name);
  return parsed(name, text, parseSubnet(text, text.includes(":") ? "inet6" : "inet"));
}

/** @returns undefined where it is not set, or empty */
export function addressVariable(variables: Variables, name: string): Address | undefined {
  const text = variables(name);
  // what stands behind a slash is the network of the address, which some configurations give
  return text ? parsed(name, text, parseNumericAddress(text.replace(/\/\d+$/, ""), 0)) : undefined;
}

/** One end of what a firewall lets pass. */
export function passageEnd(variables: Variables, whose: "MY" | "PEER"): PassageEnd {
  return {
    subnet: subnetVariable(variables, `PLUTO_${whose}_CLIENT`),
    protocol: numberVariable(variables, `PLUTO_${whose}_PROTOCOL`, 255),
    port: numberVariable(variables, `PLUTO_${whose}_PORT`, 65535),
  };
}

function numberVariable(variables: Variables, name: string, most: number): number {
  const text = variables(name) || "0";
  if (/^\d{1,5}$/.test(text) && Number(text) <= most) return Number(text);
  throw new UpdownRefusal([`${name} is \`${text}', which is no number from 0 to ${most}`], STATUS.notSet);
}

function parsed<T>(name: string, text: string, result: Result<T>): T {
  if (result.ok) return result.value;
  throw new UpdownRefusal([`${name} is \`${text}': ${result.error}`], STATUS.notSet);
}
