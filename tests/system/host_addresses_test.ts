import { equal } from "node:assert/strict";
import { HostAddresses } from "../../lib/system/host_addresses.ts";
import { formatAddress, parseAddress } from "../../lib/text/address.ts";

const INTERFACES = [
  { name: "lo", address: "127.0.0.1" },
  { name: "eth0", address: "fe80::1%eth0" },
  { name: "eth0:1", address: "192.0.2.7" },
  { name: "eth0", address: "2001:db8::7" },
  { name: "ipsec0", address: "192.0.2.7" },
  { name: "odd", address: "no address" },
];
const addresses = new HostAddresses();
addresses.read(INTERFACES);

function bytes(text: string): Uint8Array {
  const parsed = parseAddress(text, 0);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.bytes;
}

const OWN: [address: string, own: boolean][] = [
  ["127.0.0.1", true],
  ["192.0.2.7", true],
  ["fe80::1", true],
  ["192.0.2.8", false],
];
for (const [address, own] of OWN) {
  Deno.test(`HostAddresses.has() says ${own} to ${address}`, () => equal(addresses.has(bytes(address)), own));
}

const ON: [address: string, device: string, on: boolean][] = [
  ["192.0.2.7", "eth0", true],
  ["192.0.2.7", "ipsec0", true],
  ["192.0.2.7", "lo", false],
  ["192.0.2.9", "eth0", false],
];
for (const [address, device, on] of ON) {
  Deno.test(`HostAddresses.isOn() says ${on} to ${address} on ${device}`, () => {
    equal(addresses.isOn(bytes(address), device), on);
  });
}

const OF: [device: string, addressBytes: 4 | 16, address: string | undefined][] = [
  ["eth0", 4, "192.0.2.7"],
  ["eth0", 16, "2001:db8::7"],
  ["ipsec0", 16, undefined],
  ["eth1", 4, undefined],
];
for (const [device, addressBytes, expected] of OF) {
  Deno.test(`HostAddresses.of() gives ${expected} for ${device} and ${addressBytes} bytes`, () => {
    const found = addresses.of(device, addressBytes);
    equal(found && formatAddress(found), expected);
  });
}

Deno.test("HostAddresses.read() forgets what was there before", () => {
  const other = new HostAddresses();
  other.read(INTERFACES);
  other.read([]);
  equal(other.has(bytes("192.0.2.7")), false);
  equal(other.of("eth0", 4), undefined);
});
