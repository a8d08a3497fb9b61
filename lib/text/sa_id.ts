/** SA identifiers as text (text-forms.md §6). */
import {
  type Address,
  anyAddress,
  type Family,
  formatAddress,
  isAnyAddress,
  type NameLookup,
  parseAddress,
  resolveAddress,
  sameAddress,
} from "./address.ts";
import { parseNumber } from "./number.ts";
import { ok, refuse, type Result } from "./result.ts";

/** Protocols of an SA, as in /etc/protocols; `int` names the magic SAs. */
export const SA_PROTOCOLS = { ah: 51, esp: 50, tun: 4, comp: 108, int: 61 } as const;

/** What names an SA: IP protocol number, SPI (unsigned 32 bits), destination. */
export interface SaId {
  readonly protocol: number;
  readonly spi: number;
  readonly destination: Address;
}

/** SPIs of the magic SAs of protocol `int`. */
export const MAGIC_SPIS = { pass: 256, drop: 257, reject: 258, hold: 259, trap: 260, trapsubnet: 261 } as const;

/** Texts that stand for a whole SA identifier (text-forms.md §6). */
const MAGIC: Readonly<Record<string, { protocol: number; spi: number; family: Family }>> = {
  "%passthrough": { protocol: SA_PROTOCOLS.tun, spi: 0, family: "inet" },
  "%passthrough4": { protocol: SA_PROTOCOLS.tun, spi: 0, family: "inet" },
  "%passthrough6": { protocol: SA_PROTOCOLS.tun, spi: 0, family: "inet6" },
  ...Object.fromEntries(
    Object.entries(MAGIC_SPIS).map(([name, spi]) => [`%${name}`, { protocol: SA_PROTOCOLS.int, spi, family: "inet" }]),
  ),
};

/** ttosa, with a numeric address. */
export function parseSaId(text: string): Result<SaId> {
  const split = splitSaId(text);
  if (!("address" in split)) return split;
  const destination = parseAddress(split.address, split.family);
  return destination.ok ? ok({ ...split.id, destination: destination.value }) : refuse(destination.error);
}

/** ttosa with names. */
export async function resolveSaId(text: string, lookup: NameLookup): Promise<Result<SaId>> {
  const split = splitSaId(text);
  if (!("address" in split)) return split;
  const destination = await resolveAddress(split.address, split.family, lookup);
  return destination.ok ? ok({ ...split.id, destination: destination.value }) : destination;
}

interface SplitSaId {
  readonly id: { protocol: number; spi: number };
  readonly address: string;
  readonly family: Family;
}

function splitSaId(text: string): Result<SaId> | SplitSaId {
  if (text === "") return refuse("empty string");
  if (text.length < 5) return refuse("string too short to be SA identifier");
  if (text.startsWith("%")) {
    const magic = Object.hasOwn(MAGIC, text) ? MAGIC[text] : undefined;
    if (!magic) return refuse("unknown % keyword");
    return ok({ protocol: magic.protocol, spi: magic.spi, destination: anyAddress(magic.family) });
  }
  const at = text.indexOf("@");
  if (at < 0) return refuse("no @ in SA specifier");
  const name = Object.keys(SA_PROTOCOLS).find((name) => text.startsWith(name));
  if (!name) return refuse("SA specifier lacks valid protocol prefix");
  const protocol = SA_PROTOCOLS[name as keyof typeof SA_PROTOCOLS];
  const number = text.slice(name.length, at);
  const address = text.slice(at + 1);
  if (number === "") return refuse("no SPI in SA specifier");
  const mark = number[0] === "." || number[0] === ":" ? number[0] : undefined;
  if (mark && number.length === 1) return refuse("no SPI found in SA specifier");
  const spi = mark ? parseNumber(number.slice(1), 16) : parseNumber(number, 0);
  if (!spi.ok) return spi;
  const family = mark === ":" || !mark && address.includes(":") ? "inet6" : "inet";
  return { id: { protocol, spi: spi.value }, address, family };
}

export type SaIdFormat = 0 | "f" | "x" | "d";

/** satot: magic SAs by their names whatever their address. */
export function formatSaId({ protocol, spi, destination }: SaId, format: SaIdFormat = 0): string {
  if (protocol === SA_PROTOCOLS.int) {
    for (const [name, magic] of Object.entries(MAGIC_SPIS)) if (magic === spi) return `%${name}`;
  }
  if (protocol === SA_PROTOCOLS.tun && spi === 0 && isAnyAddress(destination)) {
    return destination.family === "inet" ? "%passthrough4" : "%passthrough6";
  }
  const mark = destination.family === "inet" ? "." : ":";
  const number = {
    0: () => mark + spi.toString(16),
    f: () => mark + spi.toString(16).padStart(8, "0"),
    x: () => `0x${spi.toString(16)}`,
    d: () => spi.toString(),
  }[format]();
  return `${protocolName(protocol)}${number}@${formatAddress(destination)}`;
}

/** `esp` for 50; `unk77` for a number without a name. */
export function protocolName(protocol: number): string {
  return Object.entries(SA_PROTOCOLS).find(([, number]) => number === protocol)?.[0] ?? `unk${protocol}`;
}

export function sameSaId(a: SaId, b: SaId): boolean {
  return a.protocol === b.protocol && a.spi === b.spi && sameAddress(a.destination, b.destination);
}
