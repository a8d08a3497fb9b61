/**
 * What start, a changed link or a changed configuration make necessary, as data: shown by `ipsec setup --show`, then
 * done by {@linkcode SetupService}.
 */
import type { InterfaceRecord } from "./setup_state.ts";
import type { SetupSettings } from "./setup_settings.ts";
import type { VirtualInterface } from "./virtual_interfaces.ts";

export type SetupStep =
  | { readonly do: "attach"; readonly virtual: string; readonly physical: string }
  | { readonly do: "detach"; readonly virtual: string }
  | { readonly do: "addAddress" | "deleteAddress"; readonly virtual: string; readonly address: string }
  | { readonly do: "up"; readonly virtual: string; readonly mtu?: number }
  | { readonly do: "down"; readonly virtual: string }
  /** A setting of KLIPS that had a file in /proc/sys/net/ipsec. */
  | { readonly do: "flag"; readonly name: string; readonly value: string }
  | { readonly do: "sysctl"; readonly name: string; readonly value: string }
  /** Another subcommand. */
  | { readonly do: "ipsec"; readonly words: readonly string[] };

type Kind = SetupStep["do"];

/** The command that does the same. */
const SHELL: { readonly [K in Kind]: (step: Extract<SetupStep, { readonly do: K }>) => string } = {
  attach: ({ virtual, physical }) => `ipsec tncfg --attach --virtual ${virtual} --physical ${physical}`,
  detach: ({ virtual }) => `ipsec tncfg --detach --virtual ${virtual}`,
  addAddress: ({ virtual, address }) => `ip address add ${address} dev ${virtual} noprefixroute`,
  deleteAddress: ({ virtual, address }) => `ip address del ${address} dev ${virtual}`,
  up: ({ virtual, mtu }) => `ip link set ${virtual} up${mtu === undefined ? "" : ` mtu ${mtu}`}`,
  down: ({ virtual }) => `ip link set ${virtual} down`,
  flag: ({ name, value }) => `# KLIPS: ${name}=${value}`,
  sysctl: ({ name, value }) => `echo ${value} > /proc/sys/${name}`,
  ipsec: ({ words }) => `ipsec ${words.join(" ")}`,
};

export function shellOf(step: SetupStep): string {
  return (SHELL[step.do] as (step: SetupStep) => string)(step);
}

/**
 * What makes the interfaces that are into those that are wanted. Of KLIPS's predecessor, which was killed, there are
 * addresses and no attachment: their physical device is "". A new address is there before the old one goes, so that
 * no route is lost in between.
 */
export function interfaceSteps(
  present: readonly InterfaceRecord[],
  wanted: readonly Pick<VirtualInterface, "virtual" | "physical" | "addresses">[],
  mtu: number | undefined,
): SetupStep[] {
  const steps: SetupStep[] = [];
  for (const { virtual, physical, addresses } of present) {
    if (wanted.some((one) => one.virtual === virtual)) continue;
    if (physical) steps.push({ do: "detach", virtual });
    for (const address of addresses) steps.push({ do: "deleteAddress", virtual, address });
    steps.push({ do: "down", virtual });
  }
  for (const { virtual, physical, addresses } of wanted) {
    const was = present.find((one) => one.virtual === virtual);
    const isAttached = was?.physical === physical;
    if (was?.physical && !isAttached) steps.push({ do: "detach", virtual });
    if (!isAttached) steps.push({ do: "attach", virtual, physical });
    const fresh = addresses.filter((address) => !was?.physical || !was.addresses.includes(address));
    const stale = was?.addresses.filter((address) => !addresses.includes(address)) ?? [];
    for (const address of fresh) steps.push({ do: "addAddress", virtual, address });
    if (!was?.physical) steps.push({ do: "up", virtual, ...(mtu !== undefined && { mtu }) });
    for (const address of stale) steps.push({ do: "deleteAddress", virtual, address });
  }
  return steps;
}

/** KLIPS's own settings; its default is to log nothing. */
export function klipsSteps({ klipsDebug, fragIcmp, hideTos }: SetupSettings, isFresh: boolean): SetupStep[] {
  const steps: SetupStep[] = [
    { do: "flag", name: "icmp", value: fragIcmp ? "1" : "0" },
    { do: "flag", name: "inbound_policy_check", value: "1" },
    { do: "flag", name: "tos", value: hideTos ? "1" : "0" },
  ];
  if (!isFresh) steps.unshift({ do: "ipsec", words: ["klipsdebug", "--none"] });
  for (const word of klipsDebug) {
    steps.push({ do: "ipsec", words: word === "all" ? ["klipsdebug", "--all"] : ["klipsdebug", "--set", word] });
  }
  return steps;
}

export function manualWords(conn: string, file: string | undefined): string[] {
  return ["manual", ...(file === undefined ? [] : ["--config", file]), "--up", conn];
}
