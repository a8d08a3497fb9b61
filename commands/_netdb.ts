/**
 * Protocol and service names, from /etc/protocols and /etc/services, or from short tables where a host has no such file;
 * networks from /etc/networks.
 */
import { type Address, parseNumericAddress } from "../lib/text/address.ts";

const PROTOCOLS: Readonly<Record<string, number>> = {
  ip: 0,
  icmp: 1,
  igmp: 2,
  ipip: 4,
  ipencap: 4,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  "ipv6-icmp": 58,
  ospf: 89,
  ipcomp: 108,
  l2tp: 115,
  sctp: 132,
};

const SERVICES: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  tftp: 69,
  http: 80,
  pop3: 110,
  ntp: 123,
  imap2: 143,
  snmp: 161,
  bgp: 179,
  ldap: 389,
  https: 443,
  isakmp: 500,
  syslog: 514,
  l2tp: 1701,
  "ipsec-nat-t": 4500,
};

/** @returns the number of a protocol name; undefined for a text that is none */
export function protocolNumber(name: string): number | undefined {
  return inFile("/etc/protocols", name) ?? inTable(PROTOCOLS, name);
}

/** @returns the port of a service name, whatever its protocol; undefined for a text that is none */
export function servicePort(name: string): number | undefined {
  return inFile("/etc/services", name) ?? inTable(SERVICES, name);
}

/** @returns the IPv4 address of a network's name; undefined for a text that is none */
export function networkAddress(name: string): Address | undefined {
  return findNetwork(read("/etc/networks"), name);
}

function inTable(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function inFile(path: string, name: string): number | undefined {
  return findByName(read(path), name);
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Finds `name` in lines of `NAME NUMBER[/PROTOCOL] ALIAS... # comment`. */
export function findByName(text: string, name: string): number | undefined {
  for (const value of valuesOf(text, name)) {
    const digits = /^\d+/.exec(value)?.[0];
    if (digits) return Number(digits);
  }
  return undefined;
}

/** Finds `name` in lines of `NAME ADDRESS ALIAS... # comment`. */
export function findNetwork(text: string, name: string): Address | undefined {
  for (const value of valuesOf(text, name)) {
    const address = parseNumericAddress(value, "inet");
    if (address.ok) return address.value;
  }
  return undefined;
}

/** The second words of all lines that have `name` for a first word or an alias. */
function* valuesOf(text: string, name: string): Generator<string> {
  if (!/^[^\s#]+$/.test(name)) return;
  for (const line of text.split("\n")) {
    const [official, value = "", ...aliases] = line.split("#")[0].trim().split(/\s+/);
    if (official === name || aliases.includes(name)) yield value;
  }
}
