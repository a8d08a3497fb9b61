import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { type Address, type Family, formatAddress, type NameLookup, parseAddress } from "../../lib/text/address.ts";
import {
  addressInSubnet,
  formatSubnet,
  formatSubnetWithPort,
  hostSubnet,
  isHostSubnet,
  lastAddress,
  makeSubnet,
  maskOf,
  parseSubnet,
  resolveSubnet,
  sameSubnet,
  type Subnet,
  subnetInSubnet,
  subnetOf,
} from "../../lib/text/subnet.ts";
import { anAddress, aSubnet, aText, unwrap } from "./_arbitraries.ts";

const NAME_FAILED = "does not look numeric and name lookup failed";
const NON_DNS = "illegal (non-DNS-name) character in name";
const NO_SLASH = "no / in subnet specification";
const NON_CONTIGUOUS = "non-contiguous or otherwise erroneous mask";
const TOO_LARGE = "subnet mask bit count too large";
const OVERFLOW = "byte overflow in dotted-decimal address";
const NO_MASKS = "masks are not permitted for IPv6 addresses";

/** Vectors: text-forms.md §4, checked there against the original. */
const READ: [family: Family, text: string, subnet: string][] = [
  ["inet", "1.2.3.0/255.255.255.0", "1.2.3.0/24"],
  ["inet", "1.2.3.1/255.255.255.240", "1.2.3.0/28"],
  ["inet", "1.2.3.4/255.255", "1.2.0.0/16"],
  ["inet", "1.2.3.1/0", "0.0.0.0/0"],
  ["inet", "0/0", "0.0.0.0/0"],
  ["inet", "1.2.3.4/00", "0.0.0.0/0"],
  ["inet", "%default", "0.0.0.0/0"],
  ["inet", "128.009.000.032/32", "128.9.0.32/32"],
  ["inet", "0x80090020/32", "128.9.0.32/32"],
  ["inet", "128.9.0.32/0xffFF0000", "128.9.0.0/16"],
  ["inet", "10/8", "10.0.0.0/8"],
  ["inet", "10.0.1/24", "10.0.1.0/24"],
  ["inet", "1.2.3.4/024", "1.2.3.0/24"],
  ["inet", "1.2.3.4/032", "1.2.3.4/32"],
  ["inet", "1.2.3.4/000000000000024", "1.2.3.0/24"],
  ["inet", "1.2.3.4/24:80", "1.2.3.0/24:80"],
  ["inet", "1.2.3.4/24:0x50", "1.2.3.0/24:80"],
  ["inet", "1.2.3.4/0xffffff00:80", "1.2.3.0/24:80"],
  ["inet", "1.2.3.4/24:010", "1.2.3.0/24:8"],
  ["inet", "1.2.3.4/24:70000", "1.2.3.0/24:4464"],
  ["inet", "1.2.3.4/24:65536", "1.2.3.0/24"],
  ["inet6", "3049:1::8007:2040/64:53", "3049:1::/64:53"],
  ["inet6", "3049:12::9000:3200/28", "3049:10::/28"],
  ["inet6", "1:0:0:0:3:0:0:2/128", "1::3:0:0:2/128"],
  ["inet6", "1:0:3:0:0:0:0:2/128", "1:0:3::2/128"],
  ["inet6", "::1/64", "::/64"],
  ["inet6", "::/21", "::/21"],
  ["inet6", "%default", "::/0"],
];
for (const [family, text, subnet] of READ) {
  Deno.test(`parseSubnet() reads ${text} in ${family} as ${subnet}`, () => {
    equal(formatSubnetWithPort(unwrap(parseSubnet(text, family))), subnet);
  });
}

const REFUSED: [family: Family, text: string, error: string][] = [
  ["inet", "", "empty string"],
  ["inet", "1.2.3.4/", "empty string"],
  ["inet", "1.2.3.4/24:", "empty string"],
  ["inet6", "1::/ffff::", "empty string"],
  ["inet", "%Default", NO_SLASH],
  ["inet", "%default:80", NO_SLASH],
  ["inet", "%default ", NO_SLASH],
  ["inet", "1.2.3.4", NO_SLASH],
  ["inet", ":80", NO_SLASH],
  ["inet", "1.2.3.0/255.255.127.0", NON_CONTIGUOUS],
  ["inet", "0x80090020/0xff0000FF", NON_CONTIGUOUS],
  ["inet", "128.9.0.32/0x00ffFF0000", NAME_FAILED],
  ["inet", "128.9.0.32/0xffFF", NAME_FAILED],
  ["inet", "1.2.3.1/24._", NAME_FAILED],
  ["inet", "1.2.3.4/-1", NAME_FAILED],
  ["inet", "128.0x9.0.32/32", "syntax error in dotted-decimal address"],
  ["inet", "128.9.0.32.27/32", "extra garbage on end of dotted-decimal address"],
  ["inet", "1.2.3.4 /24", "extra garbage on end of dotted-decimal address"],
  ["inet", "328.9.0.32/32", OVERFLOW],
  ["inet", "1.2.3.4/99999999999999999999999", OVERFLOW],
  ["inet", "1.2.3.4/33", TOO_LARGE],
  ["inet", "1.2.3.4/33:80", TOO_LARGE],
  ["inet", "/24", NON_DNS],
  ["inet", "/", NON_DNS],
  ["inet", "1.2.3.4/24/5", NON_DNS],
  ["inet", "1.2.3.4/ 24", NON_DNS],
  ["inet", "1.2.3.4/24:http", "non-digit in number"],
  ["inet", "1.2.3.4/24:-1", "non-digit in number"],
  ["inet", "1.2.3.4/24:4294967296", "unsigned-long overflow"],
  ["inet", "1.2.3.4/:80", "non-ipv6 address may not contain `:'"],
  ["inet", "1::2/64", "non-ipv6 address may not contain `:'"],
  ["inet6", "::/129", TOO_LARGE],
  ["inet6", "1::/0x10", NO_MASKS],
  ["inet6", "1::/a", NO_MASKS],
  ["inet6", "1::/", NO_MASKS],
  ["inet6", "1.2.3.4/24", NAME_FAILED],
  // The network is judged before the port, the port before the mask.
  ["inet", "1.2.3.400/24:http", OVERFLOW],
  ["inet", "some.name/24:http", NAME_FAILED],
  ["inet", "1.2.3.400/", OVERFLOW],
  ["inet", "1.2.3.4/33:http", "non-digit in number"],
];
for (const [family, text, error] of REFUSED) {
  Deno.test(`parseSubnet() refuses "${text}" in ${family}: ${error}`, () => {
    deepEqual(parseSubnet(text, family), { ok: false, error });
  });
}

const NAMES: Record<string, number[]> = { "net.example": [192, 0, 2, 1], "mask.example": [255, 255, 255, 0] };
const lookup: NameLookup = (name) => Promise.resolve(NAMES[name] && Uint8Array.from(NAMES[name]));

const RESOLVED: [text: string, outcome: string][] = [
  ["net.example/24:80", "192.0.2.0/24:80"],
  ["192.0.2.9/mask.example", "192.0.2.0/24"],
  ["net.example/net.example", NON_CONTIGUOUS],
  ["192.0.2.9/none.example", NAME_FAILED],
  ["none.example/24", NAME_FAILED],
  ["none.example/24:http", NAME_FAILED],
  ["net.example/24:http", "non-digit in number"],
  ["%default", "0.0.0.0/0"],
  ["net.example", NO_SLASH],
];
for (const [text, outcome] of RESOLVED) {
  Deno.test(`resolveSubnet() of ${text} gives ${outcome}`, async () => {
    const subnet = await resolveSubnet(text, "inet", lookup);
    equal(subnet.ok ? formatSubnetWithPort(subnet.value) : subnet.error, outcome);
  });
}

const MADE: [address: string, bits: number, hostBits: "0" | "x", outcome: string][] = [
  ["192.0.2.9", 24, "0", "192.0.2.0/24"],
  ["192.0.2.0", 24, "x", "192.0.2.0/24"],
  ["192.0.2.9", 24, "x", "improper subnet, host-part bits on"],
  ["192.0.2.9", 32, "x", "192.0.2.9/32"],
  ["192.0.2.9", 33, "0", "impossible mask count"],
  ["192.0.2.9", -1, "0", "impossible mask count"],
  ["192.0.2.9", 1.5, "0", "impossible mask count"],
  ["2001:db8::1", 32, "0", "2001:db8::/32"],
  ["2001:db8::1", 129, "x", "impossible mask count"],
];
for (const [address, bits, hostBits, outcome] of MADE) {
  Deno.test(`makeSubnet() of ${address}, ${bits}, "${hostBits}" gives ${outcome}`, () => {
    const subnet = makeSubnet(unwrap(parseAddress(address, 0)), bits, hostBits);
    equal(subnet.ok ? formatSubnet(subnet.value) : subnet.error, outcome);
  });
}

function subnet(text: string): Subnet {
  return unwrap(parseSubnet(text, text.includes("::") ? "inet6" : "inet"));
}

Deno.test("maskOf() and lastAddress() are those of the prefix", () => {
  equal(formatAddress(maskOf(subnet("192.0.2.64/26"))), "255.255.255.192");
  equal(formatAddress(lastAddress(subnet("192.0.2.64/26"))), "192.0.2.127");
  equal(formatAddress(lastAddress(subnet("2001:db8::/112"))), "2001:db8::ffff");
});

const INSIDE: [inner: string, outer: string, inside: boolean][] = [
  ["192.0.2.0/24", "192.0.2.0/24", true],
  ["192.0.2.64/26", "192.0.2.0/24", true],
  ["192.0.2.0/24", "192.0.2.0/26", false],
  ["192.0.3.0/24", "192.0.2.0/24", false],
  ["192.0.2.0/24", "0/0", true],
  ["::/0", "0/0", false],
  ["0/0", "::/0", false],
  ["2001:db8:1::/48", "2001:db8::/32", true],
];
for (const [inner, outer, inside] of INSIDE) {
  Deno.test(`subnetInSubnet() of ${inner} in ${outer} is ${inside}`, () => {
    equal(subnetInSubnet(subnet(inner), subnet(outer)), inside);
  });
}

Deno.test("sameSubnet() compares address and bits, and no port", () => {
  equal(sameSubnet(subnet("10/8:80"), subnet("10/8")), true);
  equal(sameSubnet(subnet("10/8"), subnet("10/9")), false);
  equal(sameSubnet(subnet("0/0"), subnet("::/0")), false);
});

Deno.test("addressInSubnet() is whether the address lies in a network of that length with the same address", () => {
  fc.assert(fc.property(anAddress(), aSubnet(), (address, net) => {
    const within = address.family === net.address.family && sameSubnet(subnetOf(address, net.bits), net);
    equal(addressInSubnet(address, net), within);
  }));
});

Deno.test("hostSubnet() holds its address alone", () => {
  fc.assert(fc.property(anAddress(), anAddress(), (one: Address, other: Address) => {
    const host = hostSubnet(one);
    equal(isHostSubnet(host), true);
    equal(addressInSubnet(one, host), true);
    equal(addressInSubnet(other, host), formatAddress(other) === formatAddress(one));
  }));
});

Deno.test("a subnet holds its first and last address, and not its neighbour", () => {
  fc.assert(fc.property(aSubnet(), (subnet) => {
    equal(addressInSubnet(subnet.address, subnet), true);
    equal(addressInSubnet(lastAddress(subnet), subnet), true);
    if (subnet.bits === 0) return;
    const bytes = subnet.address.bytes.slice();
    bytes[(subnet.bits - 1) >> 3] ^= 0x80 >> ((subnet.bits - 1) & 7);
    const neighbour = subnetOf({ family: subnet.address.family, bytes }, subnet.bits);
    equal(addressInSubnet(neighbour.address, subnet), false);
    equal(subnetInSubnet(neighbour, subnetOf(subnet.address, subnet.bits - 1)), true);
  }));
});

Deno.test("parseSubnet() reads what formatSubnetWithPort() wrote", () => {
  fc.assert(fc.property(aSubnet(), (subnet) => {
    deepEqual(parseSubnet(formatSubnetWithPort(subnet), subnet.address.family), { ok: true, value: subnet });
  }));
});

Deno.test("parseSubnet() answers any text", () => {
  const texts = aText("/", ":", ".", "%default", "0x", "24", "255.255.0.0", "::", "ffff", "a", " ", "\n", "é");
  fc.assert(fc.property(texts, fc.constantFrom<Family>("inet", "inet6"), (text, family) => {
    const parsed = parseSubnet(text, family);
    if (!parsed.ok) return equal(typeof parsed.error, "string");
    deepEqual(subnetOf(parsed.value.address, parsed.value.bits).address, parsed.value.address);
  }));
});
