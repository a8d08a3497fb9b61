/** The values of the KLIPS tools' options: lib/text with the names of this host. */
import { type Address, type Family, resolveAddress } from "../lib/text/address.ts";
import { parseData } from "../lib/text/data.ts";
import { refuse, type Result } from "../lib/text/result.ts";
import { resolveSaId, type SaId } from "../lib/text/sa_id.ts";
import { resolveSubnet, type Subnet } from "../lib/text/subnet.ts";
import { lookUpName } from "./_name_lookup.ts";

export function readAddress(text: string, family: Family | 0): Promise<Result<Address>> {
  return resolveAddress(text, family, lookUpName);
}

/** @param family undefined where the user has not said it */
export async function readSubnet(text: string, family: Family | undefined): Promise<Result<Subnet>> {
  return family ? await resolveSubnet(text, family, lookUpName) : refuse("unknown address family in ttosubnet");
}

export function readSaId(text: string): Promise<Result<SaId>> {
  return resolveSaId(text, lookUpName);
}

/** A key, or undefined for a text that is none. */
export function readKey(text: string): Uint8Array | undefined {
  const data = parseData(text, 0);
  return data.ok ? data.value : undefined;
}
