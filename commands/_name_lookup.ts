/** Host names to addresses, the way the host resolves them (/etc/hosts and DNS). */
import { lookup } from "node:dns/promises";
import { type NameLookup, parseAddress } from "../lib/text/address.ts";

/** The first address of `name` in `family`; undefined where there is none. */
export const lookUpName: NameLookup = async (name, family) => {
  try {
    const { address } = await lookup(name, { family: family === "inet" ? 4 : 6 });
    const parsed = parseAddress(address, family);
    return parsed.ok ? parsed.value.bytes : undefined;
  } catch {
    return undefined;
  }
};
