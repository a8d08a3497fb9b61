/** Conns with manual keying for tests, from text as it stands in ipsec.conf. */
import type { ManualHost } from "../../lib/config/manual_conn.ts";
import type { ConnParameters } from "../../lib/config/manual_reader.ts";
import { type Address, parseNumericAddress } from "../../lib/text/address.ts";

export function ip(text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

/** @param text parameters separated by blanks; each stands on a line of its own */
export function parametersOf(text: string): ConnParameters {
  const lines = text.split(/\s+/).map((word, i) => {
    const equals = word.indexOf("=");
    const given = { value: word.slice(equals + 1).replaceAll("_", " "), at: { file: "ipsec.conf", line: i + 1 } };
    return [word.slice(0, equals), given] as const;
  });
  const byName = new Map(lines);
  return (name) => byName.get(name);
}

/** @param iam as `1.2.3.4@ipsec0` */
export function hostOf(iam: string, rest: Partial<ManualHost> = {}): ManualHost {
  const [address, device] = iam.split("@");
  return { interfaces: [{ device, address: ip(address) }], ...rest };
}

export const KEYS = {
  "3des": "0x0102030405060708_1112131415161718_2122232425262728".replaceAll("_", ""),
  md5: `0x${"0a".repeat(16)}`,
  sha1: `0x${"0b".repeat(20)}`,
  aes: `0x${"0c".repeat(16)}`,
  gcm: `0x${"0d".repeat(20)}`,
  otherGcm: `0x${"0e".repeat(20)}`,
} as const;

const HOSTS = "left=1.2.3.4 right=5.6.7.8";
const NETS = "leftsubnet=10.0.1.0/24 rightsubnet=10.0.2.0/24";
const ESP = `esp=3des-md5-96 espenckey=${KEYS["3des"]} espauthkey=${KEYS.md5}`;

export const PARTS = { HOSTS, NETS, ESP } as const;
