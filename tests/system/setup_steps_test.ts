import { deepEqual } from "node:assert/strict";
import type { InterfaceRecord } from "../../lib/system/setup_state.ts";
import { interfaceSteps, shellOf } from "../../lib/system/setup_steps.ts";

const one = (physical: string, ...addresses: string[]): InterfaceRecord => ({ virtual: "ipsec0", physical, addresses });
const OLD = "192.0.2.1/32", NEW = "192.0.2.9/32";

const CHANGES: [what: string, present: InterfaceRecord[], wanted: InterfaceRecord[], commands: string[]][] = [
  ["nothing where all is as wanted", [one("eth0", OLD)], [one("eth0", OLD)], []],
  ["a new interface", [], [one("eth0", OLD)], [
    "ipsec tncfg --attach --virtual ipsec0 --physical eth0",
    `ip address add ${OLD} dev ipsec0 noprefixroute`,
    "ip link set ipsec0 up mtu 1400",
  ]],
  ["an interface that goes", [one("eth0", OLD)], [], [
    "ipsec tncfg --detach --virtual ipsec0",
    `ip address del ${OLD} dev ipsec0`,
    "ip link set ipsec0 down",
  ]],
  ["a new address, before the old one goes", [one("ppp0", OLD)], [one("ppp0", NEW)], [
    `ip address add ${NEW} dev ipsec0 noprefixroute`,
    `ip address del ${OLD} dev ipsec0`,
  ]],
  ["another device", [one("ppp0", OLD)], [one("ppp1", OLD)], [
    "ipsec tncfg --detach --virtual ipsec0",
    "ipsec tncfg --attach --virtual ipsec0 --physical ppp1",
  ]],
  ["what a killed KLIPS has left", [one("", OLD)], [one("eth0", NEW)], [
    "ipsec tncfg --attach --virtual ipsec0 --physical eth0",
    `ip address add ${NEW} dev ipsec0 noprefixroute`,
    "ip link set ipsec0 up mtu 1400",
    `ip address del ${OLD} dev ipsec0`,
  ]],
  ["what a killed KLIPS has left and nobody wants", [one("", OLD)], [], [
    `ip address del ${OLD} dev ipsec0`,
    "ip link set ipsec0 down",
  ]],
];
for (const [what, present, wanted, commands] of CHANGES) {
  Deno.test(`interfaceSteps() for ${what}`, () => {
    deepEqual(interfaceSteps(present, wanted, 1400).map(shellOf), commands);
  });
}
