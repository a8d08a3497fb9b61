/**
 * Name and password for a peer that asks for them (XAUTH, client's side): as given with `--initiate`, as ipsec.conf and
 * ipsec.secrets have them, or asked for.
 */
import { Secret } from "../crypto/secret.ts";
import type { IsakmpSa } from "../ike/state.ts";
import type { Connection } from "./connection.ts";
import type { Keys } from "./keys.ts";
import type { Whacks } from "./whacks.ts";

export async function askCredentials(
  sa: IsakmpSa,
  connection: Connection,
  { whacks, keys }: { readonly whacks: Whacks; readonly keys: Keys },
): Promise<{ readonly user: string; readonly password: Secret } | undefined> {
  const reply = whacks.waiting(sa.number);
  const user = connection.xauth?.user ?? connection.ours.xauthUser ??
    await reply?.ask?.(`XAUTH: username for "${connection.name}"`, false);
  if (user === undefined) return undefined;
  const given = connection.xauth?.password ?? keys.xauthPassword(user);
  if (given) return { user, password: given };
  const password = await reply?.ask?.(`XAUTH: password of ${user} for "${connection.name}"`, true);
  return password === undefined ? undefined : { user, password: new Secret(new TextEncoder().encode(password)) };
}
