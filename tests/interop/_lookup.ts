/** Looks names up by the resolver of a host and prints the answers as JSON: `deno run _lookup.ts SERVER NAME TYPE ...`. */
import { DEFAULT_RESOLVER, Resolver } from "../../lib/dns/resolver.ts";
import type { RecordType } from "../../lib/dns/record.ts";

const [address, ...questions] = Deno.args;
const resolver = new Resolver(
  { ...DEFAULT_RESOLVER, servers: [{ kind: "udp", address, port: 53 }], trustAd: true, timeoutMs: 2000 },
  { now: () => performance.now() },
);
const asked: Promise<unknown>[] = [];
for (let i = 0; i < questions.length; i += 2) {
  asked.push(resolver.lookup(questions[i], questions[i + 1] as RecordType));
}
console.log(
  JSON.stringify(await Promise.all(asked), (_, value) => value instanceof Uint8Array ? value.toHex() : value),
);
