import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Client, clientPayload, readClient, sameClient } from "../../lib/ike/client_ids.ts";
import { subnetOf } from "../../lib/text/subnet.ts";

const family = fc.constantFrom("inet" as const, "inet6" as const);
const client: fc.Arbitrary<Client> = family.chain((family) => {
  const length = family === "inet" ? 4 : 16;
  return fc.record({
    bytes: fc.uint8Array({ minLength: length, maxLength: length }),
    bits: fc.nat(8 * length),
    protocol: fc.nat(255),
    port: fc.nat(65535),
  }).map(({ bytes, bits, protocol, port }) => ({
    client: subnetOf({ family, bytes: new Uint8Array(bytes) }, bits),
    protocol,
    port,
  }));
}).filter(({ client }) => client.address.bytes.some((byte) => byte !== 0) || client.bits === 0);

Deno.test("readClient() reads what clientPayload() wrote", () => {
  fc.assert(fc.property(client, (client) => {
    const read = readClient(clientPayload(client), "our client");
    ok(read.ok);
    ok(sameClient(read.value, client));
  }));
});

Deno.test("readClient() answers any bytes of any type", () => {
  fc.assert(fc.property(fc.nat(255), fc.uint8Array({ maxLength: 40 }), (idType, data) => {
    const read = readClient({ type: "ID", idType, protocol: 0, port: 0, data }, "our client");
    ok(read.ok ? read.value.client.bits >= 0 : read.error !== "");
  }));
});

const READ: [what: string, idType: number, hex: string, client: string][] = [
  ["an address", 1, "c0000201", "192.0.2.1/32"],
  ["a subnet", 4, "0a000100ffffff00", "10.0.1.0/24"],
  ["a subnet with host bits", 4, "0a000105ffffff00", "10.0.1.0/24"],
  ["everything", 4, "0000000000000000", "0.0.0.0/0"],
  ["a range that is a subnet", 7, "0a0001000a0001ff", "10.0.1.0/24"],
  ["a range of one", 7, "0a0001070a000107", "10.0.1.7/32"],
  ["an IPv6 address", 5, "20010db8000000000000000000000001", "32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1/128"],
];
for (const [what, idType, hex, want] of READ) {
  Deno.test(`readClient() reads ${what}`, () => {
    const id = { type: "ID", idType, protocol: 17, port: 1701, data: Uint8Array.fromHex(hex) } as const;
    const read = readClient(id, "peer client");
    ok(read.ok);
    const { client: { address, bits }, protocol, port } = read.value;
    deepEqual([`${address.bytes.join(".")}/${bits}`, protocol, port], [want, 17, 1701]);
  });
}

const REFUSED: [idType: number, hex: string, sentence: string][] = [
  [2, "6162", "unsupported ID type ID_FQDN"],
  [99, "6162", "unsupported ID type 99??"],
  [
    1,
    "c00002",
    "peer client ID payload ID_IPV4_ADDR has wrong length in Quick I1 (IPv4 address must be exactly 4 bytes)",
  ],
  [1, "00000000", "peer client ID payload ID_IPV4_ADDR is invalid (0.0.0.0) in Quick I1"],
  [4, "0a000100ffffff", "peer client ID payload ID_IPV4_ADDR_SUBNET wrong length in Quick I1"],
  [4, "0a000100ff00ff00", "peer client ID payload ID_IPV4_ADDR_SUBNET bad subnet in Quick I1 (impossible mask count)"],
  [4, "00000000ffffffff", "peer client ID payload ID_IPV4_ADDR_SUBNET bad subnet in Quick I1 (contains only anyaddr)"],
  [7, "0a000100", "peer client ID payload ID_IPV4_ADDR_RANGE wrong length in Quick I1"],
  [
    7,
    "0a0001010a000103",
    "peer client ID payload in Quick I1, ID_IPV4_ADDR_RANGE 10.0.1.1 - 10.0.1.3 unacceptable: not a valid subnet",
  ],
];
for (const [idType, hex, sentence] of REFUSED) {
  Deno.test(`readClient() refuses ${hex} of type ${idType}`, () => {
    const read = readClient({ type: "ID", idType, protocol: 0, port: 0, data: Uint8Array.fromHex(hex) }, "peer client");
    equal(read.ok ? "accepted" : read.error, sentence);
  });
}
