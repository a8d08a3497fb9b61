/** The forms that values of ipsec.conf have, and what is wrong with a text that has not its form (config.md §21). */
import { parseGroup, parseIkeSuites } from "../ike/suite_text.ts";
import { readNumber } from "../text/c_number.ts";
import { parseAddress } from "../text/address.ts";
import { parseData } from "../text/data.ts";
import { parseDnsServer } from "../text/dns_server.ts";
import { isPoolRange, parsePoolRange } from "../text/pool_range.ts";
import { type NameDatabase, parseProtocolPort } from "../text/protocol_port.ts";
import type { Result } from "../text/result.ts";
import { parseSubnet } from "../text/subnet.ts";
import { parseSyslogPriority } from "../text/syslog_priority.ts";
import { suggest } from "../text/suggest.ts";
import { isSectionName } from "./sections.ts";

export interface Form {
  /** For the manual page and for messages: "yes or no". */
  readonly says: string;
  /** @returns what is wrong with a value that is not empty; undefined where nothing is */
  check(value: string): string | undefined;
}

export const TEXT: Form = { says: "text", check: () => undefined };

/** One of some words. */
export function oneOf(...words: string[]): Form {
  const says = words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return { says, check: (value) => words.includes(value) ? undefined : `must be ${says}${didYouMean(value, words)}` };
}

/** Some words, or else another form. */
export function wordsOr(words: readonly string[], form: Form): Form {
  return {
    says: `${words.join(", ")} or ${form.says}`,
    check: (value) => {
      const wrong = words.includes(value) ? undefined : form.check(value);
      return wrong && value.startsWith("%")
        ? `must be ${words.join(", ")} or ${form.says}${didYouMean(value, words)}`
        : wrong;
    },
  };
}

/** Words of one form each, separated by blanks (and commas, where `separator` says so). */
export function listOf(form: Form, separator: RegExp = / +/): Form {
  return {
    says: `list of ${form.says}`,
    check: (value) =>
      value.split(separator).filter(Boolean).map((word) => within(word, form.check(word))).find(Boolean),
  };
}

function within(word: string, wrong: string | undefined): string | undefined {
  return wrong && `"${word}" ${wrong}`;
}

function didYouMean(value: string, words: readonly string[]): string {
  const near = suggest(value, words);
  return near ? `; did you mean ${near}?` : "";
}

export const YES_NO = oneOf("yes", "no");

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Form {
  const says = most === Number.MAX_SAFE_INTEGER ? `integer of at least ${least}` : `integer from ${least} to ${most}`;
  return {
    says,
    check: (value) =>
      /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most ? undefined : `must be an ${says}`,
  };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86400 };

/** `90`, `90s`, `1.5h`: in whole seconds, cut off; undefined where the text is no time (config.md §12.2). */
export function parseTime(text: string): number | undefined {
  const match = /^(?:(\d+)(s?)|(\d+(?:\.\d+)?)([mhd]))$/.exec(text);
  if (!match) return undefined;
  return Math.floor(Number(match[1] ?? match[3]) * UNIT_SECONDS[match[2] ?? match[4]]);
}

/** @param mostSeconds pluto's bound, where it has one */
export function time(mostSeconds = Infinity): Form {
  return {
    says: "time (30, 30s, 2.5m, 8h, 1d)",
    check: (value) => {
      const seconds = parseTime(value);
      if (seconds === undefined) return "not valid time, must be nnn[smhd]";
      return seconds > mostSeconds ? `must be at most ${mostSeconds} seconds, and is ${seconds}` : undefined;
    },
  };
}

export const PERCENT: Form = {
  says: "percentage (100%)",
  check: (value) => /^\d+%$/.test(value) ? undefined : "must be nnn%",
};

export const SECTION_NAME: Form = {
  says: "name of a connection",
  check: (value) =>
    isSectionName(value) ? undefined : "invalid section name: letters, digits, '.', '_' and '-', a letter first",
};

/** An address, or a name for the resolver. */
export const ADDRESS: Form = {
  says: "address or name",
  check: (value) => {
    const parsed = parseAddress(value, 0);
    return parsed.ok || "name" in parsed ? undefined : parsed.error;
  },
};

/** Of a Mode Config server. */
export const ADDRESS_POOL: Form = {
  says: "range (10.3.0.10-10.3.0.99) or network (10.3.0.0/24)",
  check: (value) => errorOf(parsePoolRange(value)),
};

export const DOMAIN: Form = {
  says: "domain (example.com)",
  check: (value) =>
    value.length <= LONGEST_DOMAIN &&
      /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(value)
      ? undefined
      : "must be the name of a domain, as example.com",
};
const LONGEST_DOMAIN = 254;

/** Where values are addresses, or pools of them as strongSwan writes them. */
export const SOURCE_ADDRESS: Form = {
  says: `${ADDRESS.says}, or ${ADDRESS_POOL.says}`,
  check: (value) => (isPoolRange(value) ? ADDRESS_POOL : ADDRESS).check(value),
};

export const SUBNET: Form = {
  says: "subnet (10.1.0.0/16)",
  check: (value) => {
    // A colon before the slash is IPv6; one after it begins a port.
    const family = value.split("/")[0].includes(":") ? "inet6" : "inet";
    const parsed = parseSubnet(value, family);
    return parsed.ok || parsed.error === NAME_LOOKUP ? undefined : parsed.error;
  },
};
const NAME_LOOKUP = "does not look numeric and name lookup failed";

/** Keys: what is wrong is said without the text. */
export const DATA: Form = {
  says: "binary data (0x..., 0s..., 0t...)",
  check: (value) => {
    const parsed = parseData(value, 0);
    return parsed.ok ? undefined : hideCharacter(parsed.error);
  },
};

/** The reason may repeat one character of a key: of no use to a reader of a log. */
function hideCharacter(error: string): string {
  return error.replace(/unknown character \(.*\) in input/s, "unknown character in input");
}

/** RFC 3110 §2: exponent length, exponent, modulus. */
export const RSA_KEY: Form = {
  says: "RSA public key (0sAQ...)",
  check: (value) => {
    const parsed = parseData(value, 0);
    if (!parsed.ok) return hideCharacter(parsed.error);
    const bytes = parsed.value;
    if (bytes.length === 1 && bytes[0] === 0) return undefined; // 0x00: no key
    const [start, length] = bytes[0] === 0 ? [3, bytes[1] << 8 | bytes[2]] : [1, bytes[0]];
    if (!(start + length < bytes.length)) return "is no RSA public key: it ends before the modulus";
    return bytes[start + length] === 0 ? "is no RSA public key: its modulus begins with a zero byte" : undefined;
  },
};

/** Whatever `@#`, `@~`, `@`, `user@`, `=` or an address makes of it. */
export const IDENTITY: Form = {
  says: "identity (@name, user@name, address or distinguished name)",
  check: (value) => {
    if (/^@[#~]/.test(value)) {
      return /^([0-9a-fA-F]{2})+$/.test(value.slice(2)) ? undefined : "needs pairs of hex digits after @# or @~";
    }
    if (value === "@") return "has no name after the @";
    return value.includes("@") || value.includes("=") ? undefined : ADDRESS.check(value);
  },
};

const MOST_SPI = 0xffffffff;

export const SPI: Form = {
  says: "SPI (0x100 to 0xffffffff)",
  check: (value) => {
    const spi = /^0x/i.test(value) ? readNumber(value) : undefined;
    if (spi === undefined) return "must be a hexadecimal number, 0x...";
    return spi >= 0x100 && spi <= MOST_SPI ? undefined : "must be from 0x100 to 0xffffffff";
  },
};

export const SPI_BASE: Form = {
  says: "SPI whose last digit is 0 (0x200)",
  check: (value) => SPI.check(value) ?? (value.endsWith("0") ? undefined : "must end in 0"),
};

/** Names are the host's affair: whether a host knows one is seen where it is used. */
const ANY_NAME: NameDatabase = {
  protocolNumber: (name) => /^[a-z]/i.test(name) ? 0 : undefined,
  servicePort: (name) => name === "" || name === "%any" || /[a-z]/i.test(name) && !/^0x/i.test(name) ? 0 : undefined,
};

export const PROTO_PORT: Form = {
  says: "protocol, or protocol/port (17/1701, tcp/http)",
  check: (value) => {
    const parsed = parseProtocolPort(value, ANY_NAME);
    return parsed.ok ? undefined : parsed.error;
  },
};

/** `ipsec0=eth0`, in the words of the start-up script. */
export const INTERFACE: Form = {
  says: "VIRTUAL=PHYSICAL (ipsec0=eth0) or %defaultroute",
  check: (value) =>
    value === "%defaultroute" || /^ipsec[0-9]=[^=]+$/.test(value)
      ? undefined
      : "is not understood: ipsec0=eth0 or %defaultroute",
};

export const SYSLOG_PRIORITY: Form = {
  says: "FACILITY.PRIORITY (daemon.error)",
  check: (value) => {
    const parsed = parseSyslogPriority(value);
    return parsed.ok ? undefined : parsed.error;
  },
};

/** Of ESP and AH; which names there are depends on the keying, see `check_conn.ts`. */
export const ALGORITHMS: Form = {
  says: "algorithms (aes128-sha2_256;modp2048,3des-sha1)",
  check: (value) =>
    /^[a-z0-9_]+([-+;:,][a-z0-9_]+)*!?$/i.test(value.replaceAll(", ", ","))
      ? undefined
      : "must be names of algorithms joined by - or ; and separated by commas",
};

export const IKE_ALGORITHMS: Form = {
  says: "algorithms (aes256-sha2_256;modp2048,3des-md5-modp1536)",
  check: (value) => errorOf(parseIkeSuites(value, false)),
};

export const GROUP: Form = {
  says: "group (modp2048, ecp256)",
  check: (value) => errorOf(parseGroup(value)),
};

export function errorOf(result: Result<unknown>): string | undefined {
  return result.ok ? undefined : result.error;
}

export const DNS_SERVER: Form = {
  says: "DNS server (192.0.2.53, udp://[2001:db8::53]:5353, https://dns.example/dns-query)",
  check: (value) => {
    const server = parseDnsServer(value);
    return server.ok ? undefined : server.error;
  },
};

/** What a peer behind NAT may have for a network: `vhost:%no,%priv` for its own address, `vnet:` for a subnet. */
const VIRTUAL = /^(vhost|vnet):/;
const VIRTUAL_WORDS = ["%no", "%priv", "%all", "%dhcp", "%ike"];

export function isVirtual(subnet: string): boolean {
  return VIRTUAL.test(subnet);
}

export const CLIENT: Form = {
  says: "subnet (10.1.0.0/16), or vhost: or vnet: and a list (vhost:%no,%priv)",
  check: (value) => {
    if (!isVirtual(value)) return SUBNET.check(value);
    const list = value.replace(VIRTUAL, "");
    return list ? VIRTUAL_LIST.check(list) : `needs a list of ${VIRTUAL_WORDS.join(", ")} and %v4:SUBNET`;
  },
};

/** `%v4:10.0.0.0/8,%v4:!10.1.0.0/16` */
export const VIRTUAL_NETWORK: Form = {
  says: "%v4:SUBNET, %v6:SUBNET, or %v4:!SUBNET for an exception",
  check: (value) => {
    const match = /^%v([46]):!?(.+)$/.exec(value);
    if (!match) return "must be of the form %v4:SUBNET";
    const parsed = parseSubnet(match[2], match[1] === "6" ? "inet6" : "inet");
    return parsed.ok ? undefined : parsed.error;
  },
};

const VIRTUAL_LIST = listOf(wordsOr(VIRTUAL_WORDS, VIRTUAL_NETWORK), /,/);
