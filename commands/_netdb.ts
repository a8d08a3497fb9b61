/** Protocol and service names, from /etc/protocols and /etc/services, or from short tables where a host has no such file. */

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

function inTable(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function inFile(path: string, name: string): number | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
  return findByName(text, name);
}

/** Finds `name` in lines of `NAME NUMBER[/PROTOCOL] ALIAS... # comment`. */
export function findByName(text: string, name: string): number | undefined {
  if (!/^[^\s#]+$/.test(name)) return undefined;
  for (const line of text.split("\n")) {
    const [official, number, ...aliases] = line.split("#")[0].trim().split(/\s+/);
    if (official !== name && !aliases.includes(name)) continue;
    const digits = /^\d+/.exec(number ?? "")?.[0];
    if (digits) return Number(digits);
  }
  return undefined;
}
