import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import { resolverOptions } from "../../lib/dns/servers.ts";
import { formatDnsServer, isTrustworthyServer, parseDnsServer } from "../../lib/text/dns_server.ts";

const VALID: [text: string, shown: string, isTrusted: boolean][] = [
  ["127.0.0.1", "127.0.0.1", true],
  ["192.0.2.53", "192.0.2.53", false],
  ["udp://192.0.2.53:5353", "192.0.2.53 port 5353", false],
  ["::1", "::1", true],
  ["udp://[2001:db8::53]:54", "2001:db8::53 port 54", false],
  ["fe80::1%eth0", "fe80::1%eth0", false],
  ["https://dns.example/dns-query", "https://dns.example/dns-query", true],
];
for (const [text, shown, isTrusted] of VALID) {
  Deno.test(`parseDnsServer() reads ${text}`, () => {
    const server = parseDnsServer(text);
    deepEqual(server.ok && [formatDnsServer(server.value), isTrustworthyServer(server.value)], [shown, isTrusted]);
  });
}

for (
  const text of [
    "",
    "dns.example",
    "udp://dns.example",
    "http://192.0.2.1/",
    "192.0.2.53:0",
    "192.0.2.53:70000",
    "https://",
  ]
) {
  Deno.test(`parseDnsServer() refuses ${JSON.stringify(text)}`, () => equal(parseDnsServer(text).ok, false));
}

Deno.test("resolverOptions() takes what is named, else resolv.conf, and trusts what nobody can change on the way", () => {
  const named = resolverOptions(["https://dns.example/q"], "nameserver 192.0.2.53\n");
  deepEqual([named.servers.map(formatDnsServer), named.trustAd], [["https://dns.example/q"], true]);
  const remote = resolverOptions([], "nameserver 192.0.2.53\noptions timeout:2 attempts:3\n");
  deepEqual([remote.servers.map(formatDnsServer), remote.trustAd, remote.timeoutMs, remote.attempts], [
    ["192.0.2.53"],
    false,
    1000,
    3,
  ]);
  equal(resolverOptions([], "nameserver 192.0.2.53\noptions trust-ad\n").trustAd, true);
  equal(resolverOptions(["192.0.2.53"], "options trust-ad\n").trustAd, false, "that is said of the others");
  equal(resolverOptions([], "nameserver 127.0.0.53\n").trustAd, true);
});
