/** Address pools in ipsec.conf: what does not go with them, and with each other. */
import { deepStrictEqual as equal } from "node:assert/strict";
import { complaintsOf } from "./_fake_files.ts";

const conn = (name: string, ...lines: string[]) =>
  `conn ${name}\n${["left=192.0.2.1", "right=%any", ...lines].map((line) => `\t${line}\n`).join("")}`;
const POOL = "rightaddresspool=10.3.0.10-10.3.0.99";

// lines: 1 version, 2 conn a, 3 left, 4 right, 5 the pool
const ROWS: [what: string, text: string, complaints: string[]][] = [
  ["a pool", conn("a", "leftsubnet=0.0.0.0/0", POOL), []],
  ["a pool that several connections share", conn("a", POOL) + conn("b", POOL), []],
  ["pools that are apart", conn("a", POOL) + conn("b", "rightaddresspool=10.3.0.100-10.3.0.199"), []],
  [
    "one pool in two forms",
    conn("a", "rightaddresspool=10.3.0.0/30") + conn("b", "rightsourceip=10.3.0.1-10.3.0.2"),
    [],
  ],
  ["a pool as large as IPv4", conn("a", "rightaddresspool=0.0.0.1-255.255.255.255"), [
    "f:5: warning: conn a: rightaddresspool=0.0.0.1-255.255.255.255 has addresses of left=192.0.2.1: " +
    "hosts there would not find the client without proxy ARP",
  ]],
  ["different pools with addresses in common", conn("a", POOL) + conn("b", "rightaddresspool=10.3.0.0/24"), [
    "f:9: conn b: rightaddresspool=10.3.0.0/24 overlaps rightaddresspool=10.3.0.10-10.3.0.99 of conn a at f:5: " +
    "pools must be the same, or apart",
  ]],
  ["a pool of strongSwan's over another one", conn("a", "rightsourceip=10.3.0.0/24") + conn("b", POOL), [
    "f:9: conn b: rightaddresspool=10.3.0.10-10.3.0.99 overlaps rightsourceip=10.3.0.0/24 of conn a at f:5: " +
    "pools must be the same, or apart",
  ]],
  ["a pool in the network behind the gateway", conn("a", POOL, "leftsubnet=10.3.0.0/24"), [
    "f:5: warning: conn a: rightaddresspool=10.3.0.10-10.3.0.99 has addresses of leftsubnet=10.3.0.0/24: " +
    "hosts there would not find the client without proxy ARP",
  ]],
  ["an empty pool", conn("a", "rightaddresspool=10.3.0.99-10.3.0.10"), [
    "f:5: conn a: rightaddresspool=10.3.0.99-10.3.0.10: is empty: its first address comes after its last",
  ]],
  ["a pool and an address", conn("a", POOL, "rightsourceip=10.3.0.7"), [
    "f:5: conn a: rightaddresspool and rightsourceip cannot stand together",
  ]],
  ["a pool and a network", conn("a", POOL, "rightsubnet=10.4.0.0/24"), [
    "f:6: conn a: rightsubnet and rightaddresspool cannot stand together: the address is the client",
  ]],
  ["strongSwan's pool and networks", conn("a", "rightsourceip=10.3.0.0/24", "rightsubnetwithin=10.4.0.0/24"), [
    "f:6: conn a: rightsubnetwithin and rightsourceip cannot stand together: the address is the client",
  ]],
  ["a pool in transport mode", conn("a", POOL, "type=transport"), [
    "f:5: conn a: type=transport incompatible with rightaddresspool",
  ]],
  ["a pool of a known host", conn("a", "leftaddresspool=10.3.0.10-10.3.0.99"), [
    "f:5: conn a: leftaddresspool=10.3.0.10-10.3.0.99 is for peers of any address, left=%any, and not for 192.0.2.1",
  ]],
  ["name servers in two ways", conn("a", "modecfgdns=10.1.0.53", "modecfgdns2=10.1.0.54"), [
    "f:6: conn a: modecfgdns2 and modecfgdns cannot stand together",
  ]],
];
for (const [what, text, complaints] of ROWS) {
  Deno.test(`loadConfig() and ${what}`, () => equal(complaintsOf(`version 2\n${text}`), complaints));
}
