/** Values of lib/text for property tests. */
import fc from "fast-check";
import type { Address, Family } from "../../lib/text/address.ts";
import type { Result } from "../../lib/text/result.ts";
import { type Subnet, subnetOf } from "../../lib/text/subnet.ts";

/** The value of a conversion that must succeed. */
export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

const LENGTHS = { inet: 4, inet6: 16 } as const;

/** Addresses rich in zeroes, which is where the spellings differ. */
export function anAddress(...families: Family[]): fc.Arbitrary<Address> {
  const byte = fc.oneof(fc.constant(0), fc.constant(0), fc.constant(255), fc.nat(255));
  const of = (family: Family) =>
    fc.array(byte, { minLength: LENGTHS[family], maxLength: LENGTHS[family] })
      .map((bytes) => ({ family, bytes: Uint8Array.from(bytes) }));
  return fc.constantFrom<Family>(...families.length > 0 ? families : ["inet", "inet6"] as const).chain(of);
}

export function aSubnet(): fc.Arbitrary<Subnet> {
  return anAddress().chain((address) =>
    fc.record({ bits: fc.nat(address.bytes.length * 8), port: fc.oneof(fc.constant(0), fc.nat(65535)) })
      .map(({ bits, port }) => ({ ...subnetOf(address, bits), port }))
  );
}

/** Any text, and texts that are nearly of a form: its `pieces` in any order. */
export function aText(...pieces: string[]): fc.Arbitrary<string> {
  return fc.oneof(fc.string({ unit: "binary" }), fc.array(fc.constantFrom(...pieces)).map((some) => some.join("")));
}
