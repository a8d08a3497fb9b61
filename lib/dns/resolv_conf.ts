/** /etc/resolv.conf, as resolv.conf(5) has it: whom to ask. */
import { parseNumericAddress } from "../text/address.ts";

/** Of the C library: further name servers are not asked. */
const MOST_SERVERS = 3;

export interface ResolverConfiguration {
  /** Numeric addresses, an IPv6 one perhaps with its zone. */
  readonly servers: readonly string[];
  readonly timeoutSeconds: number;
  readonly attempts: number;
  /** `options trust-ad`: what a server says about DNSSEC is believed, wherever it is. */
  readonly trustAd: boolean;
}

/** Never fails: what it does not know it passes over, as the C library does. */
export function parseResolvConf(text: string): ResolverConfiguration {
  const servers: string[] = [];
  let timeoutSeconds = 5, attempts = 2, trustAd = false;
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.trim().split(/[ \t]+/);
    if (word === "nameserver" && rest[0] && servers.length < MOST_SERVERS) {
      const [address] = rest[0].split("%");
      if (parseNumericAddress(address, 0).ok) servers.push(rest[0]);
    } else if (word === "options") {
      for (const option of rest) {
        const [name, value] = option.split(":");
        const number = Number(value);
        if (name === "timeout" && number >= 1) timeoutSeconds = Math.min(number, 30);
        else if (name === "attempts" && number >= 1) attempts = Math.min(number, 5);
        else if (name === "trust-ad") trustAd = true;
      }
    }
  }
  return { servers: servers.length ? servers : ["127.0.0.1"], timeoutSeconds, attempts, trustAd };
}
