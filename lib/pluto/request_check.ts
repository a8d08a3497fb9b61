/** Whether a value is a request of whack, member by member: what comes over the socket is not what the compiler has seen. */
import { type ListName, LONGEST_REQUEST, REQUEST_VERSION } from "./request.ts";

type Check = (value: unknown) => boolean;

const LISTS: readonly ListName[] = ["pubkeys", "certs", "cacerts", "crls", "cards"];

const flag: Check = (value) => typeof value === "boolean";
const text: Check = (value) => typeof value === "string" && value.length <= LONGEST_REQUEST && !value.includes("\0");
const count: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const oneOf = (...words: readonly unknown[]): Check => (value) => words.includes(value);
const listOf = (item: Check): Check => (value) => Array.isArray(value) && value.every(item);

/** An object with no other members than these; those marked with `?` may be left out. */
function members(table: Readonly<Record<string, Check>>): Check {
  const rows = Object.entries(table).map(([name, check]) => ({
    name: name.replace("?", ""),
    check,
    may: name.endsWith("?"),
  }));
  return (value) => {
    if (typeof value !== "object" || value === null) return false;
    const given = value as Record<string, unknown>;
    return Object.keys(given).every((name) => rows.some((row) => row.name === name)) &&
      rows.every(({ name, check, may }) => given[name] === undefined ? may : check(given[name]));
  };
}

const end = members({
  host: text,
  "id?": text,
  "cert?": text,
  "ca?": text,
  "ikePort?": count,
  "nextHop?": text,
  "client?": text,
  "clientWithin?": text,
  "virtual?": text,
  "protoPort?": text,
  "dnsKeyOnDemand?": flag,
  "updown?": text,
  "sourceIp?": text,
  "addressPool?": text,
  "xauthServer?": flag,
  "xauthClient?": flag,
  "xauthUser?": text,
  "modecfgServer?": flag,
  "modecfgClient?": flag,
});

const family = oneOf("inet", "inet6");

const connection = members({
  left: end,
  right: end,
  "hostFamily?": family,
  "clientFamily?": family,
  psk: flag,
  rsasig: flag,
  encrypt: flag,
  authenticate: flag,
  compress: flag,
  tunnel: flag,
  pfs: flag,
  disableArrivalCheck: flag,
  dontRekey: flag,
  shunt: oneOf("trap", "pass", "drop", "reject"),
  failure: oneOf("none", "pass", "drop", "reject"),
  ikeLifetimeSeconds: count,
  ipsecLifetimeSeconds: count,
  rekeyMarginSeconds: count,
  rekeyFuzzPercent: count,
  keyingTries: count,
  "ike?": text,
  "esp?": text,
  "ah?": text,
  "pfsGroup?": text,
  "aggressive?": flag,
  "dpd?": members({ delaySeconds: count, timeoutSeconds: count, action: text }),
  "forceEncapsulation?": flag,
  "natTraversal?": flag,
  "fragmentation?": flag,
  "modecfgPull?": flag,
  "modecfgDns?": listOf(text),
  "modecfgWins?": listOf(text),
  "modecfgDomains?": listOf(text),
  "modecfgBanner?": text,
  "xauthBy?": text,
  "legacy?": flag,
});

const REQUEST: Readonly<Record<string, Check>> = {
  version: oneOf(REQUEST_VERSION),
  name: text,
  debug: members({ flags: listOf(text) }),
  myid: text,
  delete: flag,
  deleteState: count,
  crash: text,
  connection,
  listen: flag,
  unlisten: flag,
  rereadSecrets: flag,
  rereadCacerts: flag,
  rereadCrls: flag,
  lists: listOf(oneOf(...LISTS)),
  utc: flag,
  keys: listOf(members({ id: text, add: flag, "rsa?": text })),
  route: flag,
  unroute: flag,
  initiate: flag,
  oppo: members({ here: text, there: text }),
  terminate: flag,
  status: oneOf(true, "json"),
  shutdown: flag,
  async: flag,
  xauth: members({ "user?": text, "password?": text }),
};

/** @returns the member that is wrong; undefined where none is */
export function checkRequest(value: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(value).find((name) => !Object.hasOwn(REQUEST, name) || !REQUEST[name](value[name]));
}
