import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { parseIpseckey, parseKeyRecord } from "../../lib/dns/key_record.ts";
import { parseXIpsecServer } from "../../lib/dns/x_ipsec_server.ts";
import { formatIdentity } from "../../lib/text/identity.ts";

const text = (...strings: string[]) => strings.map((one) => new TextEncoder().encode(one));

/** A modulus of 512 bits, exponent 3: the shortest key that is accepted. */
const MODULUS = new Uint8Array(64).fill(0xc1);
const KEY_BYTES = Uint8Array.from([1, 3, ...MODULUS]);
const KEY = KEY_BYTES.toBase64();

const VALID: [strings: string[], precedence: number, gateway: string, hasKey: boolean][] = [
  [[`X-IPsec-Server(10)=192.0.2.1 ${KEY}`], 10, "192.0.2.1", true],
  [["X-IPsec-Server(10)=192.0.2.1"], 10, "192.0.2.1", false],
  [["x-ipsec-SERVER (0x10) = @gw.example.com  "], 16, "@gw.example.com", false],
  [["  X-IPsec-Server ( 65535 )=2001:db8::1"], 65535, "2001:db8::1", false],
  [["X-IPsec-Server(10)=192.0.2.1 ", KEY.slice(0, 40), KEY.slice(40)], 10, "192.0.2.1", true],
];
for (const [strings, precedence, gateway, hasKey] of VALID) {
  Deno.test(`parseXIpsecServer() reads ${strings[0].slice(0, 40)} in ${strings.length} strings`, () => {
    const parsed = parseXIpsecServer(text(...strings));
    ok(parsed?.ok);
    equal(parsed.value.precedence, precedence);
    equal(formatIdentity(parsed.value.gateway), gateway);
    deepEqual(parsed.value.key?.modulus, hasKey ? MODULUS : undefined);
  });
}

const INVALID: [string: string, why: string][] = [
  ["X-IPsec-Server 10)=192.0.2.1", "X-IPsec-Server missing '('"],
  ["X-IPsec-Server(ten)=192.0.2.1", "malformed X-IPsec-Server priority"],
  ["X-IPsec-Server()=192.0.2.1", "malformed X-IPsec-Server priority"],
  ["X-IPsec-Server(-1)=192.0.2.1", "malformed X-IPsec-Server priority"],
  ["X-IPsec-Server(10=192.0.2.1", "X-IPsec-Server priority missing ')'"],
  ["X-IPsec-Server(65536)=192.0.2.1", "X-IPsec-Server priority larger than 0xFFFF"],
  ["X-IPsec-Server(10) 192.0.2.1", "X-IPsec-Server priority missing '='"],
  ["X-IPsec-Server(10)=", "TXT X-IPsec-Server badly formed (no gateway specified)"],
  ["X-IPsec-Server(10)=@", "malformed FQDN in TXT X-IPsec-Server: empty name after @"],
  ["X-IPsec-Server(10)=0.0.0.0", "gateway address must not be 0.0.0.0 or 0::0"],
  ["X-IPsec-Server(10)=192.0.2.1 AQ==", "invalid key data: RSA public key blob too short"],
  [`X-IPsec-Server(10)=192.0.2.1 ${KEY.slice(0, 30)} ${KEY.slice(30)}`, "malformed key data: the key must be one word"],
  ["X-IPsec-Server(10)=192.0.2.1\0", "TXT rr RDATA contains a NUL"],
];
for (const [string, why] of INVALID) {
  Deno.test(`parseXIpsecServer() refuses ${JSON.stringify(string).slice(0, 60)}`, () => {
    deepEqual(parseXIpsecServer(text(string)), { ok: false, error: why });
  });
}

Deno.test("parseXIpsecServer() names what is wrong with an address and with base64", () => {
  const address = parseXIpsecServer(text("X-IPsec-Server(10)=192.0.2.256"));
  ok(address && !address.ok && address.error.startsWith("malformed IP address in TXT X-IPsec-Server: "));
  const key = parseXIpsecServer(text("X-IPsec-Server(10)=192.0.2.1 A!"));
  ok(key && !key.ok && key.error.startsWith("malformed key data: "));
});

Deno.test("parseXIpsecServer() passes over records about something else", () => {
  equal(parseXIpsecServer(text("v=spf1 -all")), undefined);
  equal(parseXIpsecServer([]), undefined);
});

Deno.test("parseXIpsecServer() gives a value or a reason for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    parseXIpsecServer([...text("X-IPsec-Server"), bytes]);
    parseXIpsecServer(text("X-IPsec-Server(1)=").concat(bytes));
  }));
});

const IPSECKEY: [name: string, head: number[], gateway: string][] = [
  ["no gateway", [10, 0, 2], "0.0.0.0"],
  ["an IPv4 gateway", [10, 1, 2, 192, 0, 2, 38], "192.0.2.38"],
  ["an IPv6 gateway", [10, 2, 2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "2001:db8::1"],
  ["a name", [10, 3, 2, 2, 0x67, 0x77, 3, 0x63, 0x6f, 0x6d, 0], "@gw.com"],
];
for (const [name, head, gateway] of IPSECKEY) {
  Deno.test(`parseIpseckey() reads ${name}`, () => {
    const parsed = parseIpseckey(Uint8Array.from([...head, ...KEY_BYTES]));
    ok(parsed?.ok);
    equal(formatIdentity(parsed.value.gateway), gateway);
    deepEqual(parsed.value.key?.modulus, MODULUS);
  });
}

const BAD_IPSECKEY: [name: string, bytes: number[], why: string][] = [
  ["too few bytes", [10, 0], "IPSECKEY rr RDATA too short"],
  ["half an address", [10, 1, 2, 192, 0], "IPSECKEY rr RDATA too short"],
  ["an unknown gateway type", [10, 4, 2], "unknown gateway type 4 in IPSECKEY"],
  ["a name without end", [10, 3, 2, 2, 0x67, 0x77], "malformed FQDN in IPSECKEY"],
  ["a pointer in a name", [10, 3, 2, 0xc0, 0x0c], "malformed FQDN in IPSECKEY"],
  ["the root as gateway", [10, 3, 2, 0], "malformed FQDN in IPSECKEY: the root is no gateway"],
  ["a gateway of zeroes", [10, 1, 2, 0, 0, 0, 0], "gateway address must not be 0.0.0.0 or 0::0"],
  ["a key that is too short", [10, 0, 2, 1, 3], "invalid key data: RSA public key blob too short"],
];
for (const [name, bytes, why] of BAD_IPSECKEY) {
  Deno.test(`parseIpseckey() refuses ${name}`, () => {
    deepEqual(parseIpseckey(Uint8Array.from(bytes)), { ok: false, error: why });
  });
}

Deno.test("parseIpseckey() passes over keys of other algorithms", () => {
  equal(parseIpseckey(Uint8Array.from([10, 0, 3, 1, 2, 3])), undefined);
});

Deno.test("parseIpseckey() gives a value or a reason for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parseIpseckey(bytes)));
});

Deno.test("parseKeyRecord() takes RSA keys for IPsec, and passes over others", () => {
  const record = (...head: number[]) => parseKeyRecord(Uint8Array.from([...head, ...KEY_BYTES]));
  ok(record(0x42, 0, 4, 1)?.ok);
  equal(record(0x42, 0, 3, 1), undefined, "protocol of DNSSEC");
  equal(record(0x42, 0, 4, 5), undefined, "another algorithm");
  equal(record(0xc2, 0, 4, 1), undefined, "a record that says there is no key");
});
