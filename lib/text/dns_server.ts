/** How DNS servers are written: `192.0.2.53`, `udp://[2001:db8::53]:5353`, `https://dns.example/dns-query`. */
import { isLoopbackAddress, parseNumericAddress } from "./address.ts";
import { ok, refuse, type Result } from "./result.ts";

export type DnsServer =
  /** UDP, and TCP for what is long. `address` is numeric, an IPv6 one perhaps with a zone. */
  | { readonly kind: "udp"; readonly address: string; readonly port: number }
  | { readonly kind: "https"; readonly url: string };

const DNS_PORT = 53;

export function parseDnsServer(text: string): Result<DnsServer> {
  if (/^https:\/\//i.test(text)) {
    return URL.canParse(text) ? ok({ kind: "https", url: text }) : refuse("is no URL");
  }
  const plain = /^(?:udp:\/\/)?(?:\[([^\]]+)\]|([^:/[\]]+|[^/[\]]*:[^/[\]]*:[^/[\]]*))(?::(\d{1,5}))?$/i.exec(text);
  const address = plain?.[1] ?? plain?.[2] ?? "";
  const port = Number(plain?.[3] ?? DNS_PORT);
  if (!parseNumericAddress(address.split("%")[0], 0).ok || port < 1 || port > 65535) {
    return refuse("must be an address, udp://ADDRESS:PORT or https://NAME/dns-query");
  }
  return ok({ kind: "udp", address, port });
}

/** What is asked on this host itself, or under TLS, cannot be changed on the way. */
export function isTrustworthyServer(server: DnsServer): boolean {
  if (server.kind === "https") return true;
  const address = parseNumericAddress(server.address.split("%")[0], 0);
  if (!address.ok) return false;
  const { family, bytes } = address.value;
  return family === "inet" ? bytes[0] === 127 : isLoopbackAddress(address.value);
}

export function formatDnsServer(server: DnsServer): string {
  if (server.kind === "https") return server.url;
  return server.port === DNS_PORT ? server.address : `${server.address} port ${server.port}`;
}
