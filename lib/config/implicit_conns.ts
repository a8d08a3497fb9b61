/** The connections that are there unless one of the same name is defined (config.md §16). */

const COMMON = {
  left: "%defaultroute",
  leftid: "%myid",
  leftrsasigkey: "%dnsondemand",
  rightrsasigkey: "%dnsondemand",
  auto: "route",
};
const NEGOTIATED = { keyingtries: "3", ikelifetime: "1h", keylife: "1h", rekey: "no" };
const PEERS = { right: "%opportunisticgroup" };

/** In the order in which `_confread` wrote their parameters. */
export const IMPLICIT_CONNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  clear: { ...COMMON, type: "passthrough", authby: "never", right: "%group" },
  "clear-or-private": { ...COMMON, type: "passthrough", ...PEERS, failureshunt: "passthrough", ...NEGOTIATED },
  "private-or-clear": { ...COMMON, type: "tunnel", ...PEERS, failureshunt: "passthrough", ...NEGOTIATED },
  private: { ...COMMON, type: "tunnel", ...PEERS, failureshunt: "drop", ...NEGOTIATED },
  block: { ...COMMON, type: "reject", authby: "never", right: "%group" },
  packetdefault: {
    ...COMMON,
    type: "tunnel",
    right: "%opportunistic",
    leftsubnet: "0.0.0.0/0",
    failureshunt: "passthrough",
    ...NEGOTIATED,
  },
};

export function isImplicit(name: string): boolean {
  return Object.hasOwn(IMPLICIT_CONNS, name);
}

/** @param oe of `config setup`: whether packetdefault, which is for everybody, is loaded by itself, too */
export function isOn(oe: string | undefined): boolean {
  return oe === "yes" || oe === "on";
}

/** @param oe of `config setup`: without opportunism none is there by itself, though `also` still takes them over */
export function isOff(oe: string | undefined): boolean {
  return oe === "no" || oe === "off";
}
