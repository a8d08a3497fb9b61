/** One end of a conn with automatic keying, and its part of whack's command (commands.md §7.2). */
import type { Item } from "./auto_script.ts";
import { poolParameter } from "./check_pools.ts";
import { DEFAULT_ROUTE_UNKNOWN, type ParameterReader } from "./manual_reader.ts";

export interface DefaultRoute {
  readonly address: string;
  readonly nextHop?: string;
}

export interface AutoEnd {
  readonly side: "left" | "right";
  readonly host: string;
  readonly nextHop: string;
  readonly client?: string;
  readonly clientWithin?: string;
  readonly protoPort?: string;
  readonly updown: string;
  /** `leftid`, else `left`: whose the keys are. */
  readonly keyId: string;
  readonly id?: string;
  readonly cert?: string;
  readonly ca?: string;
  /** Values of `leftrsasigkey` and `leftrsasigkey2`; none where keys are not used. */
  readonly keys: readonly [first: string, second: string] | undefined;
  readonly keyOnDemand: boolean;
  /** For clients of Mode Config that come from this end. */
  readonly addressPool?: string;
  /** What FreeS/WAN had not. */
  readonly extensions: readonly Item[];
}

const DEFAULT_UPDOWN = "ipsec _updown";
const NO_KEY_NEEDED = ["%cert", "0x00"];
const FLAGS = ["xauthserver", "xauthclient", "modecfgserver", "modecfgclient"];

export function readAutoEnd(
  read: ParameterReader,
  side: "left" | "right",
  authby: string,
  defaultRoute: DefaultRoute | undefined,
): AutoEnd {
  const value = (name: string) => read.value(`${side}${name}`);
  const { host, nextHop } = readHosts(read, side, defaultRoute);
  const said = value("id");
  const id = said === "%fromcert" ? undefined : said;
  const cert = value("cert");
  const keyId = id ?? host;
  const signs = authby.includes("rsasig");
  const first = value("rsasigkey") ?? (signs && !cert ? "%dnsondemand" : "");
  const second = value("rsasigkey2") ?? "";
  if (said === "%fromcert" && !cert) read.refuse(`${side}id=%fromcert needs ${side}cert`, `${side}id`);
  if (signs && keyId === "%any" && !cert && !NO_KEY_NEEDED.includes(first)) {
    read.refuse(`ID "${keyId}" cannot have RSA key`, `${side}id`, side);
  }
  const usesKeys = authby !== "secret" && keyId !== "%opportunistic";
  const pool = poolParameter((name) => read.value(name), side);
  const addressPool = pool && read.value(pool);
  const sourceIp = pool ? undefined : value("sourceip");
  const isAssigned = addressPool !== undefined || (sourceIp?.startsWith("%") ?? false); // %config
  const extensions: Item[] = [
    ...(sourceIp && !isAssigned ? [["--srcip", { value: sourceIp }]] : []),
    ...(addressPool ? [["--addresspool", { value: addressPool.replaceAll(" ", "") }] as Item] : []),
    ...FLAGS.filter((name) => value(name) === "yes" || name === "modecfgclient" && isAssigned).map((name) => [
      `--${name}`,
    ]),
    ...(value("xauthusername") ? [["--xauthname", { value: value("xauthusername")! }]] : []),
  ];
  const optional = {
    client: value("subnet"),
    clientWithin: value("subnetwithin"),
    addressPool,
    protoPort: value("protoport"),
    id,
    cert,
    ca: value("ca"),
  };
  return {
    side,
    host,
    nextHop,
    updown: readUpdown(read, side),
    keyId,
    keys: usesKeys ? [first, second] : undefined,
    keyOnDemand: usesKeys && [first, second].includes("%dnsondemand"),
    extensions,
    ...Object.fromEntries(Object.entries(optional).filter(([, text]) => text !== undefined)),
  };
}

function readHosts(read: ParameterReader, side: string, defaultRoute: DefaultRoute | undefined) {
  const host = read.value(side)!;
  const hop = read.value(`${side}nexthop`);
  const isDefault = host === "%defaultroute";
  if (!isDefault && hop !== "%defaultroute") return { host, nextHop: hop ?? "%direct" };
  if (!defaultRoute) {
    read.refuse(DEFAULT_ROUTE_UNKNOWN, isDefault ? side : `${side}nexthop`);
    return { host, nextHop: "%direct" };
  }
  const { address, nextHop } = defaultRoute;
  if (isDefault) {
    const isOverridden = hop !== undefined && !["%defaultroute", "%direct"].includes(hop);
    if (isOverridden) read.refuse(`non-default value of ${side}nexthop is being overridden`, `${side}nexthop`);
  } else if (nextHop === undefined) {
    read.refuse(`${side}nexthop=%defaultroute: the default route has no next hop`, `${side}nexthop`);
  }
  return { host: isDefault ? address : host, nextHop: nextHop ?? "%direct" };
}

function readUpdown(read: ParameterReader, side: string): string {
  const opensFirewall = read.yes(`${side}firewall`);
  const command = read.value(`${side}updown`);
  if (command && opensFirewall) {
    read.refuse(`cannot have both ${side}firewall and ${side}updown`, `${side}firewall`, `${side}updown`);
  }
  return command ?? (opensFirewall ? `${DEFAULT_UPDOWN} ipfwadm` : DEFAULT_UPDOWN);
}

/** One line of the description; each item has its place, also where it is empty. */
export function endGroup(end: AutoEnd): Item[] {
  const text = (option: string, value: string | undefined): Item => value === undefined ? [] : [option, { value }];
  return [
    text("--host", end.host),
    [...text("--client", end.client), ...text("--clientwithin", end.clientWithin)],
    text("--clientprotoport", end.protoPort),
    text("--nexthop", end.nextHop),
    text("--updown", end.updown),
    text("--id", end.id),
    end.keyOnDemand ? ["--dnskeyondemand"] : [],
    text("--cert", end.cert),
    text("--ca", end.ca),
    ...end.extensions,
  ];
}
