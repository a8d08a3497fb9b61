/** `--keyid`: public keys by hand, or fetched from the DNS (whack.md §2.1, §8). */
import { decodeRsaPublicKey } from "../crypto/rsa.ts";
import { parseData } from "../text/data.ts";
import { formatIdentity, parseIdentity } from "../text/identity.ts";
import { RC } from "./define.ts";
import type { Parts } from "./parts.ts";
import type { KeyRequest } from "./request.ts";
import type { Reply } from "./whacks.ts";

export function keyRequest({ id, add, rsa }: KeyRequest, parts: Parts, reply: Reply): void {
  const { keys, teller } = parts;
  const parsed = parseIdentity(id);
  if (!parsed.ok) return teller.tell(undefined, RC.badId, `bad --keyid "${id}": ${parsed.error}`);
  if (rsa === undefined) {
    if (!add) keys.removeAll(parsed.value);
    reply.hold();
    parts.inBackground(() => fetchKey(parsed.value, parts, reply).finally(() => reply.release()));
    return;
  }
  const data = parseData(rsa, 0);
  const key = data.ok ? decodeRsaPublicKey(data.value) : data;
  // a key that cannot be used takes nobody's place
  if (!key.ok) return teller.tell(undefined, RC.serious, key.error);
  if (!add) keys.removeAll(parsed.value);
  keys.add(parsed.value, key.value);
}

async function fetchKey(id: Parameters<Parts["keys"]["fetchBoth"]>[0], parts: Parts, reply: Reply): Promise<void> {
  const { keys, whys } = await parts.keys.fetchBoth(id);
  for (const key of keys) parts.keys.add(id, key);
  for (const why of whys) {
    const text = `failure to fetch key for ${formatIdentity(id)} from DNS: ${why}`;
    parts.whacks.at(reply, () => parts.teller.announce(undefined, RC.noKey, text));
  }
}
