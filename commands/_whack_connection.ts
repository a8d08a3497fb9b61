/**
 * The description of a connection out of whack's options (whack.md §2.2): ends one after the other, then what the whole
 * must be to make sense.
 */
import {
  type Address,
  anyAddress,
  type Family,
  formatAddress,
  isAnyAddress,
  type NameLookup,
  resolveAddress,
} from "../lib/text/address.ts";
import { formatPoolRange, parsePoolRange } from "../lib/text/pool_range.ts";
import { formatProtocolPort, parseProtocolPort } from "../lib/text/protocol_port.ts";
import type { Result } from "../lib/text/result.ts";
import { formatSubnet, resolveSubnet } from "../lib/text/subnet.ts";
import type { ConnectionDescription, EndDescription, ShuntName } from "../lib/pluto/description.ts";
import { protocolNumber, servicePort } from "./_netdb.ts";
import { checkLifetimes, type Lifetimes } from "./_whack_lifetimes.ts";

/** Ends the reading with a complaint. */
export type Refuse = (message: string, operand?: string) => never;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What is known of one end while its options are read. */
interface End {
  readonly words: Writable<Partial<EndDescription>>;
  host?: Address;
  protocol: number;
  /** Options that may not come any more. */
  readonly seen: Set<string>;
}

type Policy = "psk" | "rsasig" | "encrypt" | "authenticate" | "compress" | "tunnel" | "pfs" | "disablearrivalcheck";

/** Host words, and what they make of the connection beside the tunnel that each of the last three is. */
const HOST_WORDS: Readonly<Record<string, { readonly oppo?: true; readonly group?: true }>> = {
  "%any": {},
  "%opportunistic": { oppo: true },
  "%group": { group: true },
  "%opportunisticgroup": { oppo: true, group: true },
};

const SHUNTS: Readonly<Record<string, ShuntName>> = {
  initiateontraffic: "trap",
  pass: "pass",
  drop: "drop",
  reject: "reject",
};
const FAILURES: Readonly<Record<string, ConnectionDescription["failure"]>> = {
  failnone: "none",
  failpass: "pass",
  faildrop: "drop",
  failreject: "reject",
};
const FAMILIES: Readonly<Record<string, Family>> = { 4: "inet", 6: "inet6" };
const DPD_ACTIONS = ["none", "hold", "clear", "restart", "restart_by_peer"];
const XAUTH_FORMS = ["file", "alwaysok"];

export class ConnectionReader {
  readonly #lookup: NameLookup;
  readonly #refuse: Refuse;
  #end = newEnd();
  #left: End | undefined;
  /** Of the last end, where both have been named. */
  readonly #seen = new Set<string>();
  readonly #policy = new Set<Policy>();
  readonly #numbers = new Map<string, number>();
  readonly #texts = new Map<string, string>();
  #shunt: ShuntName = "trap";
  #failure: ConnectionDescription["failure"] = "none";
  #oppo = false;
  #hostFamily: Family = "inet";
  #clientFamily: Family = "inet";
  /** Options that have been read as of that family. */
  #hostsReadBy: string | undefined;
  #clientsReadBy: string | undefined;

  constructor(lookup: NameLookup, refuse: Refuse) {
    this.#lookup = lookup;
    this.#refuse = refuse;
  }

  /** One option of an end. */
  async end(name: string, value: string): Promise<void> {
    const { seen, words } = this.#end;
    if (seen.has(name)) this.#refuse("duplicated flag", name);
    seen.add(name);
    switch (name) {
      case "host":
        return await this.#host(value);
      case "nexthop":
        return await this.#nextHop(value);
      case "client":
        return await this.#client(value);
      case "clientwithin":
        if (seen.has("client")) this.#refuse("--clientwithin conflicts with --client");
        this.#policy.add("tunnel");
        words.clientWithin = await this.#subnet(name, value);
        return;
      case "clientprotoport": {
        const parsed = this.#value(parseProtocolPort(value, { protocolNumber, servicePort }), value);
        this.#end.protocol = parsed.protocol;
        words.protoPort = formatProtocolPort(parsed);
        return;
      }
      case "ikeport":
        words.ikePort = this.#port(value);
        return;
      case "srcip":
        words.sourceIp = formatAddress(await this.#address(value, this.#clientFamily));
        return;
      case "addresspool":
        return this.#addressPool(value);
      default:
        Object.assign(words, END_WORDS[name](value));
    }
  }

  /** One option of the connection as such. */
  whole(name: string, value: string, number: () => number): Promise<void> | void {
    if (this.#seen.has(name)) this.#refuse("duplicated flag", name);
    this.#seen.add(name);
    const family = /^(tunnel)?ipv([46])$/.exec(name);
    if (family) this.#family(name, family[1] !== undefined, FAMILIES[family[2]]);
    else if (Object.hasOwn(SHUNTS, name)) this.#shunt = SHUNTS[name];
    else if (Object.hasOwn(FAILURES, name)) this.#failure = FAILURES[name];
    else if (POLICIES.includes(name as Policy)) this.#policy.add(name as Policy);
    else if (NUMBERS.includes(name)) this.#numbers.set(name, number());
    else if (name === "to") this.#turn();
    else if (/^modecfg(dns|wins)/.test(name)) return this.#servers(name, value);
    else if (name === "dpdaction" && !DPD_ACTIONS.includes(value)) this.#oneOf(name, DPD_ACTIONS, value);
    else if (name === "xauthby" && !XAUTH_FORMS.includes(value)) this.#oneOf(name, XAUTH_FORMS, value);
    else if (value) this.#texts.set(name, value);
  }

  /** An address for `--oppohere` and `--oppothere`. */
  async opportunistic(name: string, value: string): Promise<string> {
    this.#clientsReadBy = name;
    const address = await this.#address(value, this.#clientFamily);
    if (isAnyAddress(address)) this.#refuse("0.0.0.0 or 0::0 isn't a valid client address", value);
    return formatAddress(address);
  }

  /** Whether any option of a connection was there; the family of clients is one of opportunistic initiation as well. */
  isBegun(isOpportunistic: boolean): boolean {
    const own = [...this.#seen].filter((name) => !(isOpportunistic && name.startsWith("tunnelipv")));
    return own.length > 0 || this.#end.seen.size > 0;
  }

  /** A name for XAUTH and nothing else: of no end, but of whoever initiates. */
  get loneUser(): string | undefined {
    const isAlone = !this.#left && this.#seen.size === 0 && this.#end.seen.size === 1;
    return isAlone ? this.#end.words.xauthUser : undefined;
  }

  /** The description. Throws where an end is missing, or the ends do not fit each other. */
  finish(): ConnectionDescription {
    const left = this.#left, right = this.#end;
    if (!left) this.#refuse("connection description option, but no --to");
    if (!right.host) this.#refuse("connection missing --host after --to");
    if (isAnyAddress(left.host!) && isAnyAddress(right.host)) this.#refuse("hosts cannot both be 0.0.0.0 or 0::0");
    const has = (policy: Policy) => this.#policy.has(policy);
    if (this.#oppo) {
      if (has("psk") || !has("rsasig")) this.#refuse("only RSASIG is supported for opportunism");
      if (!has("pfs")) this.#refuse("PFS required for opportunism");
      if (!has("encrypt")) this.#refuse("encryption required for opportunism");
    }
    this.#checkEnd(left, right);
    this.#checkEnd(right, left);
    const isShunt = !has("psk") && !has("rsasig");
    if (isShunt && this.#shunt === "trap") this.#refuse("non-shunt connection must have --psk or --rsasig or both");
    return {
      left: left.words as EndDescription,
      right: right.words as EndDescription,
      hostFamily: this.#hostFamily,
      clientFamily: this.#clientFamily,
      psk: has("psk"),
      rsasig: has("rsasig"),
      encrypt: has("encrypt"),
      authenticate: has("authenticate"),
      compress: has("compress"),
      tunnel: has("tunnel"),
      pfs: has("pfs"),
      disableArrivalCheck: has("disablearrivalcheck"),
      dontRekey: this.#seen.has("dontrekey"),
      shunt: this.#shunt,
      failure: this.#failure,
      ...this.#lifetimes(),
      keyingTries: this.#numbers.get("keyingtries") ?? 3,
      ...this.#extensions(),
    };
  }

  /** For any request: the defaults pass (whack.md §3). */
  checkLifetimes(): void {
    checkLifetimes(this.#lifetimes(), !this.#seen.has("dontrekey"), this.#refuse);
  }

  #lifetimes(): Lifetimes {
    const number = (name: string, fallback: number) => this.#numbers.get(name) ?? fallback;
    return {
      ikeLifetimeSeconds: number("ikelifetime", 3600),
      ipsecLifetimeSeconds: number("ipseclifetime", 28800),
      rekeyMarginSeconds: number("rekeymargin", 540),
      rekeyFuzzPercent: number("rekeyfuzz", 100),
    };
  }

  /** What FreeS/WAN had not; nothing where nothing was said. */
  #extensions(): Partial<ConnectionDescription> {
    const text = (name: string) => this.#texts.get(name);
    const texts = (...names: string[]) => names.flatMap((name) => text(name) ?? []);
    const list = (name: string) => text(name)?.split(",").filter(Boolean);
    const dns = [...list("modecfgdns") ?? [], ...texts("modecfgdns1", "modecfgdns2")];
    const wins = texts("modecfgwins1", "modecfgwins2");
    const said = (name: string) => this.#seen.has(name) || undefined;
    const delay = this.#numbers.get("dpddelay") ?? 0;
    const all = {
      ike: text("ike"),
      esp: text("esp"),
      ah: text("ah"),
      pfsGroup: text("pfsgroup"),
      aggressive: said("aggrmode"),
      dpd: delay > 0
        ? {
          delaySeconds: delay,
          timeoutSeconds: this.#numbers.get("dpdtimeout") ?? 120,
          action: (text("dpdaction") ?? "hold").replace("_by_peer", ""), // of either side's making
        }
        : undefined,
      forceEncapsulation: said("forceencaps"),
      natTraversal: said("nonattraversal") && false,
      fragmentation: said("nofragmentation") && false,
      modecfgPull: said("modecfgpull"),
      modecfgDns: dns.length ? dns : undefined,
      modecfgWins: wins.length ? wins : undefined,
      modecfgDomains: list("modecfgdomains"),
      modecfgBanner: text("modecfgbanner"),
      xauthBy: text("xauthby"),
      legacy: said("legacy"),
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  #family(name: string, ofClients: boolean, family: Family): void {
    const other = `${ofClients ? "tunnel" : ""}ipv${family === "inet" ? 6 : 4}`;
    if (this.#seen.has(other)) this.#refuse(`--${name} conflicts with --${other}`);
    const usedBy = ofClients ? this.#clientsReadBy : this.#hostsReadBy;
    if (usedBy !== undefined && (ofClients || family === "inet6")) this.#refuse(`--${name} must precede`, usedBy);
    if (ofClients) {
      this.#clientFamily = family;
      return;
    }
    this.#hostFamily = family;
    const clientsAreOpen = !this.#seen.has("tunnelipv4") && !this.#seen.has("tunnelipv6");
    if (clientsAreOpen && this.#clientsReadBy === undefined) this.#clientFamily = family;
  }

  /** From the left end to the right one. */
  #turn(): void {
    if (!this.#end.host) this.#refuse("connection missing --host before --to");
    this.#left = this.#end;
    this.#end = newEnd();
  }

  async #host(value: string): Promise<void> {
    const end = this.#end, { words, seen } = end;
    this.#hostsReadBy = "host";
    const word = Object.hasOwn(HOST_WORDS, value) ? HOST_WORDS[value] : undefined;
    end.host = word ? anyAddress(this.#hostFamily) : await this.#address(value, this.#hostFamily);
    words.host = word ? value : isAnyAddress(end.host) ? "%any" : formatAddress(end.host);
    if (!word?.oppo && !word?.group) return;
    this.#policy.add("tunnel");
    if (word.group && seen.has("client")) this.#refuse("--host %group clashes with --client");
    if (word.group) seen.add("client");
    if (!words.client) {
      this.#clientsReadBy = value;
      words.client = formatSubnet({ address: anyAddress(this.#clientFamily), bits: 0, port: 0 });
    }
    if (word.oppo) {
      this.#oppo = true;
      words.dnsKeyOnDemand = true;
    }
  }

  async #nextHop(value: string): Promise<void> {
    this.#hostsReadBy = "nexthop";
    const isDirect = value === "%direct";
    const address = isDirect ? anyAddress(this.#hostFamily) : await this.#address(value, this.#hostFamily);
    this.#end.words.nextHop = isAnyAddress(address) ? "%direct" : formatAddress(address);
  }

  async #client(value: string): Promise<void> {
    const end = this.#end;
    if (end.seen.has("clientwithin")) this.#refuse("--client conflicts with --clientwithin");
    this.#policy.add("tunnel");
    if (/^v(host|net):/.test(value)) end.words.virtual = value;
    else end.words.client = await this.#subnet("client", value);
  }

  /** The client of whoever comes: as a client it makes a tunnel. */
  #addressPool(value: string): void {
    const range = this.#value(parsePoolRange(value), value);
    this.#clientsReadBy = "addresspool";
    if (range.from.family !== this.#clientFamily) {
      this.#refuse(`--addresspool needs --tunnelipv${range.from.family === "inet" ? 4 : 6} before it`, value);
    }
    this.#policy.add("tunnel");
    this.#end.words.addressPool = formatPoolRange(range);
  }

  /** `--modecfgdns` has several. */
  async #servers(name: string, value: string): Promise<void> {
    const servers: string[] = [];
    for (const one of value.split(",").filter(Boolean)) {
      servers.push(formatAddress(await this.#address(one, this.#clientFamily)));
    }
    this.#texts.set(name, servers.join(","));
  }

  async #subnet(name: string, value: string): Promise<string> {
    this.#clientsReadBy = name;
    return formatSubnet(this.#value(await resolveSubnet(value, this.#clientFamily, this.#lookup), value));
  }

  async #address(value: string, family: Family): Promise<Address> {
    return this.#value(await resolveAddress(value, family, this.#lookup), value);
  }

  #value<T>(parsed: Result<T>, operand: string): T {
    return parsed.ok ? parsed.value : this.#refuse(parsed.error, operand);
  }

  #port(value: string): number {
    const port = /^\d+$/.test(value) ? Number(value) : 0;
    return port >= 1 && port <= 65535
      ? port
      : this.#refuse("<port-number> must be a number between 1 and 65535", value);
  }

  #oneOf(name: string, words: readonly string[], value: string): never {
    return this.#refuse(`--${name} must be ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`, value);
  }

  #checkEnd(end: End, other: End): void {
    // Families need no check: each operand was read as of the family that holds for all.
    if (isAnyAddress(other.host!) && end.words.nextHop === undefined) {
      this.#refuse("our nexthop must be specified when other host is a %any or %opportunistic");
    }
    if (end.protocol !== other.protocol) {
      this.#refuse("the protocol for leftprotoport and rightprotoport must be the same");
    }
  }
}

const POLICIES: readonly Policy[] = [
  "psk",
  "rsasig",
  "encrypt",
  "authenticate",
  "compress",
  "tunnel",
  "pfs",
  "disablearrivalcheck",
];
const NUMBERS = [
  "ikelifetime",
  "ipseclifetime",
  "rekeymargin",
  "rekeyfuzz",
  "keyingtries",
  "dpddelay",
  "dpdtimeout",
];

/** Options of an end whose operand is taken as it is. */
const END_WORDS: Readonly<Record<string, (value: string) => Partial<EndDescription>>> = {
  id: (id) => ({ id }),
  cert: (cert) => ({ cert }),
  ca: (ca) => ({ ca }),
  updown: (updown) => ({ updown }),
  dnskeyondemand: () => ({ dnsKeyOnDemand: true }),
  xauthname: (xauthUser) => ({ xauthUser }),
  xauthserver: () => ({ xauthServer: true }),
  xauthclient: () => ({ xauthClient: true }),
  modecfgserver: () => ({ modecfgServer: true }),
  modecfgclient: () => ({ modecfgClient: true }),
};

function newEnd(): End {
  return { words: {}, protocol: 0, seen: new Set() };
}
