/**
 * Keys for Wireshark, where the user has asked for them: debugging "private", which is never part of "all". Its table
 * "IKEv1 Decryption Table" (the file `ikev1_decryption_table` of a profile) then opens captured messages.
 */
import type { Secret } from "../crypto/secret.ts";
import type { IkeHost } from "./host.ts";
import type { State } from "./state_table.ts";

/** One row of the table: the initiator's cookie, and the encryption key of all exchanges under this SA. */
export function decryptionRow(initiatorCookie: Uint8Array, encryptionKey: Secret): string {
  return `${initiatorCookie.toHex()},${encryptionKey.reveal().toHex()}`;
}

/** @param state whose keys have just been made */
export function logKeys(host: Pick<IkeHost, "debug">, state: State): void {
  if (state.kind !== "isakmp" || !state.keys) return;
  const { initiatorCookie, keys } = state;
  host.debug(state, "private", () => `ikev1_decryption_table: ${decryptionRow(initiatorCookie, keys.encryptionKey)}`);
}
