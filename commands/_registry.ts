/** All subcommands. Modules are loaded when they are called, so that start-up costs what the one command costs. */
import type { Command } from "./_command.ts";

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  auto: async () => (await import("./auto.ts")).auto,
  barf: async () => (await import("./barf.ts")).barf,
  conf: async () => (await import("./conf.ts")).conf,
  dns: async () => (await import("./dns.ts")).dns,
  eroute: async () => (await import("./eroute.ts")).eroute,
  klips: async () => (await import("./klips.ts")).klips,
  klipsdebug: async () => (await import("./klipsdebug.ts")).klipsdebug,
  look: async () => (await import("./look.ts")).look,
  manual: async () => (await import("./manual.ts")).manual,
  newhostkey: async () => (await import("./newhostkey.ts")).newhostkey,
  pf_key: async () => (await import("./pf_key.ts")).pfKey,
  pluto: async () => (await import("./pluto.ts")).pluto,
  ranbits: async () => (await import("./ranbits.ts")).ranbits,
  rsasigkey: async () => (await import("./rsasigkey.ts")).rsasigkey,
  secrets: async () => (await import("./secrets.ts")).secrets,
  "self-install": async () => (await import("./self_install.ts")).selfInstall,
  setup: async () => (await import("./setup.ts")).setup,
  showdefaults: async () => (await import("./showdefaults.ts")).showdefaults,
  showhostkey: async () => (await import("./showhostkey.ts")).showhostkey,
  showpolicy: async () => (await import("./showpolicy.ts")).showpolicy,
  spi: async () => (await import("./spi.ts")).spi,
  spigrp: async () => (await import("./spigrp.ts")).spigrp,
  tncfg: async () => (await import("./tncfg.ts")).tncfg,
  whack: async () => (await import("./whack.ts")).whack,
  verify: async () => (await import("./verify.ts")).verify,
  _confread: async () => (await import("./_confread.ts")).confreadCommand,
  _include: async () => (await import("./_include.ts")).includeCommand,
  _keycensor: async () => (await import("./_keycensor.ts")).keycensor,
  _pluto_helper: async () => (await import("./_pluto_helper.ts")).plutoHelper,
  _ppp: async () => (await import("./_ppp.ts")).ppp,
  _secretcensor: async () => (await import("./_secretcensor.ts")).secretcensor,
  _updown: async () => (await import("./_updown.ts")).updown,
};

/** Other spellings that people type. */
export const ALIASES: Readonly<Record<string, string>> = {
  pfkey: "pf_key",
  tnconfig: "tncfg",
};

/** The commands' own one-line summaries, repeated here so that listing them loads none; a test compares the two. */
export const SUMMARIES: Readonly<Record<string, string>> = {
  auto: "control automatically-keyed IPsec connections",
  barf: "spew out collected IPsec debugging information",
  conf: "check ipsec.conf, and show what it says",
  dns: "check what the DNS says about this host's key",
  eroute: "manipulate IPSEC extended routing tables",
  klips: "start, stop and examine KLIPS, the packet engine",
  klipsdebug: "set KLIPS debug features and level",
  look: "show minimal debugging information",
  manual: "take manually-keyed IPsec connections up and down",
  newhostkey: "generate a new RSA authentication key for this host",
  pf_key: "show the PF_KEY messages that KLIPS sends",
  pluto: "negotiate keys by IKE: the keying daemon",
  ranbits: "generate random bits in ASCII form",
  rsasigkey: "generate an RSA signature key",
  secrets: "check ipsec.secrets, and list what it holds",
  "self-install": "install this file as the ipsec command, or remove it",
  setup: "control IPsec subsystem",
  showdefaults: "show the default route that start has found",
  showhostkey: "show this host's authentication key",
  showpolicy: "show what IPsec does with the packets of a socket or between two addresses",
  spi: "manage IPSEC Security Associations",
  spigrp: "group and ungroup IPSEC Security Associations",
  tncfg: "associate IPSEC virtual interface with physical interface",
  whack: "control pluto",
  verify: "see if IPsec has been installed correctly",
  _confread: "read ipsec.conf for a script",
  _include: "print configuration files with what they include",
  _keycensor: "print ipsec.conf without its keys",
  _pluto_helper: "run updown commands and write logs for pluto",
  _ppp: "tell IPsec that a link of pppd has come up or gone down",
  _secretcensor: "print ipsec.secrets without its secrets",
  _updown: "set routes and the firewall for a connection",
};

export function findCommand(name: string): (() => Promise<Command>) | undefined {
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  return Object.hasOwn(COMMANDS, known) ? COMMANDS[known] : undefined;
}

/** Names for `ipsec --help`: alphabetical, without internal ones. */
export function listedNames(): string[] {
  return Object.keys(COMMANDS).filter((name) => !name.startsWith("_")).sort();
}
