/** The options of whack, one row each (whack.md §2). */
import { PLUTO_AREAS } from "../lib/config/debug_areas.ts";

export interface WhackOption {
  readonly takesValue?: true;
  /** Of a connection: of one end of it, or of the whole. */
  readonly of?: "end" | "connection";
  /** May be given several times. */
  readonly repeats?: true;
  /** The option that it is another name of. */
  readonly alias?: string;
  /** FreeS/WAN's whack had it not: abbreviations that it took stay as they were. */
  readonly extension?: true;
}

const VALUE = { takesValue: true } as const;
const END = { of: "end" } as const;
const WHOLE = { of: "connection" } as const;
const REPEATS = { repeats: true } as const;
const NEW = { extension: true } as const;

function rows(names: string, row: WhackOption): Record<string, WhackOption> {
  return Object.fromEntries(names.split(" ").map((name) => [name, row]));
}

/** What `--debug-all` turns on. */
export const DEBUG_ALL = "raw crypt parsing emitting control lifecycle klips dns oppo controlmore pfkey".split(" ");
const DEBUG_NEW = PLUTO_AREAS.filter((area) => !DEBUG_ALL.includes(area) && area !== "private");
export const IMPAIRMENTS = "impair-delay-adns-key-answer impair-delay-adns-txt-answer impair-bust-mi2 impair-bust-mr2";

export const LISTS = ["pubkeys", "certs", "cacerts", "crls", "cards"] as const;

export const WHACK_OPTIONS: Readonly<Record<string, WhackOption>> = {
  help: {},
  version: {},
  ...rows("optionsfrom label", { ...VALUE, ...REPEATS }),
  ...rows("ctlbase name", VALUE),
  // one end
  ...rows("host id cert ca ikeport nexthop client clientwithin clientprotoport updown", { ...END, ...VALUE }),
  dnskeyondemand: END,
  ...rows("srcip addresspool xauthname", { ...END, ...VALUE, ...NEW }),
  ...rows("xauthserver xauthclient modecfgserver modecfgclient", { ...END, ...NEW }),
  // the whole connection
  to: WHOLE,
  ...rows("ipv4 ipv6 tunnelipv4 tunnelipv6", WHOLE),
  ...rows("psk rsasig encrypt authenticate compress tunnel pfs disablearrivalcheck", WHOLE),
  ...rows("initiateontraffic pass drop reject failnone failpass faildrop failreject dontrekey", WHOLE),
  ...rows("ikelifetime ipseclifetime rekeymargin rekeyfuzz keyingtries", { ...WHOLE, ...VALUE }),
  rekeywindow: { ...WHOLE, ...VALUE, alias: "rekeymargin" },
  ...rows("aggrmode forceencaps nonattraversal nofragmentation legacy modecfgpull", { ...WHOLE, ...NEW }),
  ...rows("ike esp ah pfsgroup dpddelay dpdtimeout dpdaction xauthby", { ...WHOLE, ...VALUE, ...NEW }),
  ...rows("modecfgdns modecfgdns1 modecfgdns2 modecfgwins1 modecfgwins2", { ...WHOLE, ...VALUE, ...NEW }),
  ...rows("modecfgdomains modecfgbanner", { ...WHOLE, ...VALUE, ...NEW }),
  // what is to be done
  ...rows("route unroute initiate terminate delete", {}),
  asynchronous: REPEATS,
  xauthpass: { ...VALUE, ...NEW },
  ...rows("oppohere oppothere", VALUE),
  deletestate: VALUE,
  crash: { ...VALUE, ...REPEATS },
  ...rows("keyid pubkeyrsa myid", VALUE),
  addkey: {},
  ...rows(["none", "all", ...DEBUG_ALL, "private"].map((area) => `debug-${area}`).join(" "), REPEATS),
  ...rows(DEBUG_NEW.map((area) => `debug-${area}`).join(" "), { ...REPEATS, ...NEW }),
  ...rows(IMPAIRMENTS, REPEATS),
  ...rows("listen unlisten", {}),
  utc: {},
  ...rows([...LISTS, "all"].map((list) => `list${list}`).join(" "), {}),
  ...rows("rereadsecrets rereadcacerts rereadcrls rereadall", {}),
  ...rows("status shutdown", {}),
  json: NEW,
};

export const WHACK_USAGE = `Usage:

all forms: [--optionsfrom <filename>] [--ctlbase <path>] [--label <string>]

help: whack [--help] [--version]

connection: whack --name <connection_name>
 [--ipv4 | --ipv6] [--tunnelipv4 | --tunnelipv6]
 (--host <ip-address> | --id <identity> | --cert <path> | --ca <distinguished name>
   | --ikeport <port-number> | --nexthop <ip-address> | --srcip <ip-address>
   | --client <subnet> | --clientwithin <address range>
   | --clientprotoport <protocol>/<port> | --dnskeyondemand | --updown <updown>
   | --xauthserver | --xauthclient | --xauthname <name>
   | --modecfgserver | --modecfgclient | --addresspool <address range>) ...
 --to (the same for the other end)
 [--psk] [--rsasig] [--encrypt] [--authenticate] [--compress] [--tunnel]
 [--pfs] [--pfsgroup <group>] [--disablearrivalcheck] [--aggrmode]
 [--ike <algorithms>] [--esp <algorithms>] [--ah <algorithms>] [--legacy]
 [--ikelifetime <seconds>] [--ipseclifetime <seconds>]
 [--rekeymargin <seconds>] [--rekeyfuzz <percentage>] [--keyingtries <count>]
 [--dontrekey] [--delete]
 [--dpddelay <seconds> --dpdtimeout <seconds>]
 [--dpdaction (none|hold|clear|restart|restart_by_peer)]
 [--forceencaps] [--nonattraversal] [--nofragmentation]
 [--modecfgpull] [--modecfgdns <ip-addresses>]
 [--modecfgdns1 <ip-address>] [--modecfgdns2 <ip-address>]
 [--modecfgwins1 <ip-address>] [--modecfgwins2 <ip-address>]
 [--modecfgdomains <domains>] [--modecfgbanner <text>]
 [--xauthby (file|alwaysok)]
 [--initiateontraffic | --pass | --drop | --reject]
 [--failnone | --failpass | --faildrop | --failreject]

routing: whack (--route | --unroute) --name <connection_name>

initiation: whack (--initiate | --terminate) --name <connection_name> [--asynchronous]
 [--xauthname <name>] [--xauthpass <password>]

opportunistic initiation: whack [--tunnelipv4 | --tunnelipv6]
 --oppohere <ip-address> --oppothere <ip-address> [--asynchronous]

delete: whack --delete --name <connection_name>

deletestate: whack --deletestate <state_object_number> | --crash <ip-address>

pubkey: whack --keyid <id> [--addkey] [--pubkeyrsa <key>]

myid: whack --myid <id>

debug: whack [--name <connection_name>] [--debug-none] [--debug-all]
 [--debug-raw] [--debug-crypt] [--debug-parsing] [--debug-emitting]
 [--debug-control] [--debug-lifecycle] [--debug-klips] [--debug-dns]
 [--debug-oppo] [--debug-controlmore] [--debug-pfkey] [--debug-private]
 [--debug-natt] [--debug-dpd] [--debug-x509]
 [--impair-delay-adns-key-answer] [--impair-delay-adns-txt-answer]
 [--impair-bust-mi2] [--impair-bust-mr2]

listen: whack (--listen | --unlisten)

list: whack [--utc] [--listpubkeys] [--listcerts] [--listcacerts] [--listcrls]
 [--listcards] [--listall]

reread: whack [--rereadsecrets] [--rereadcacerts] [--rereadcrls] [--rereadall]

status: whack --status [--json]

shutdown: whack --shutdown

`;
