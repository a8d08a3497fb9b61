/** Names to addresses, the way the host resolves them: /etc/hosts and DNS, then /etc/networks (text-forms.md §3.4). */
import { lookup } from "node:dns/promises";
import { type Family, type NameLookup, parseAddress } from "../lib/text/address.ts";
import { networkAddress } from "./_netdb.ts";

/** The first address of `name` in `family`; undefined where there is none. */
export const lookUpName: NameLookup = async (name, family) =>
  await hostBytes(name, family) ?? (family === "inet" ? networkAddress(name)?.bytes : undefined);

async function hostBytes(name: string, family: Family): Promise<Uint8Array | undefined> {
  try {
    const { address } = await lookup(name, { family: family === "inet" ? 4 : 6 });
    const parsed = parseAddress(address, family);
    return parsed.ok ? parsed.value.bytes : undefined;
  } catch {
    return undefined;
  }
}
