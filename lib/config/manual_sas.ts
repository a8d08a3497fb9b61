/** The SAs of a conn with manual keying: SPIs, algorithms, keys, replay windows (klips.md §9, config.md §12.3). */
import {
  AH_ALGORITHMS,
  type Algorithms,
  ESP_ALGORITHMS,
  keysOf,
  whyRefused,
  whyWeak,
} from "../crypto/algorithm_names.ts";
import { isAead } from "../crypto/algorithms.ts";
import { Secret } from "../crypto/secret.ts";
import type { Address } from "../text/address.ts";
import { parseData } from "../text/data.ts";
import { SA_PROTOCOLS, type SaId } from "../text/sa_id.ts";
import { suggest } from "../text/suggest.ts";
import type { ParameterReader } from "./manual_reader.ts";
import type { Side } from "./settings.ts";

/** An SA that is to be made. */
export interface ManualSa {
  readonly kind: "tunnel" | "esp" | "ah";
  readonly id: SaId;
  readonly source: Address;
  /** As `ipsec spi` names it; "" for a tunnel. */
  readonly algorithm: string;
  readonly algorithms: Algorithms;
  /** In packets; 0 for no protection against replays. */
  readonly replayWindow: number;
  readonly authKey?: Secret;
  readonly encryptionKey?: Secret;
}

/** By where packets go: to the right end, to the left end. */
const DIRECTIONS = { rightward: "right", leftward: "left" } as const;
export type Direction = keyof typeof DIRECTIONS;

/** Each innermost first. */
export type Chains = Readonly<Record<Direction, readonly ManualSa[]>>;

interface ChainSubject {
  readonly type: "tunnel" | "transport";
  readonly left: Address;
  readonly right: Address;
}

/** An SPI below it names no SA (RFC 4303 §2.1). */
const LOWEST_SPI = 0x100, HIGHEST_SPI = 0xffffffff;
const MOST_WINDOW = 64;

/** Complains to `read`; what it returns is of use only where nothing was wrong. */
export function readChains(read: ParameterReader, subject: ChainSubject): Chains {
  const spis = new SpiSource(read);
  const esp = readLayer(read, "esp"), ah = readLayer(read, "ah");
  const chain = (direction: Direction) => {
    const [source, destination] = direction === "rightward"
      ? [subject.left, subject.right]
      : [subject.right, subject.left];
    const side = DIRECTIONS[direction];
    const sas: ManualSa[] = [];
    const slot = () => spis.take(sas.length, direction);
    if (subject.type === "tunnel") {
      const id = { protocol: SA_PROTOCOLS.tun, spi: slot(), destination };
      sas.push({ kind: "tunnel", id, source, algorithm: "", algorithms: NO_ALGORITHMS, replayWindow: 0 });
    }
    for (const layer of [esp, ah]) {
      if (!layer) continue;
      const spi = spis.override(`${side}${layer.kind}spi`) ?? slot();
      const { keys, ...common } = layer;
      sas.push({ ...common, ...keys[side], id: { protocol: SA_PROTOCOLS[layer.kind], spi, destination }, source });
    }
    return sas;
  };
  return { rightward: chain("rightward"), leftward: chain("leftward") };
}

const NO_ALGORITHMS: Algorithms = { cipher: undefined, auth: undefined };

/** `spi=` for all SAs, or numbers from `spibase=` on: even ones for packets to the right, odd ones to the left. */
class SpiSource {
  readonly #fixed: number | undefined;
  readonly #base: number | undefined;

  constructor(readonly read: ParameterReader) {
    if (read.value("spi") && read.value("spibase")) read.refuse("cannot specify both spi and spibase", "spi");
    else if (read.value("spibase")) this.#base = this.#number("spibase", /^0x[0-9a-f]*0$/i, "0x...0");
    else if (read.required("spi", "esp", "ah")) this.#fixed = this.#number("spi", HEX, "0x...");
  }

  /** @param place of the SA in its chain, from 0 */
  take(place: number, direction: Direction): number {
    return this.#fixed ?? (this.#base ?? 0) + 2 * place + (direction === "rightward" ? 0 : 1);
  }

  override(name: string): number | undefined {
    return this.read.value(name) ? this.#number(name, HEX, "0x...") : undefined;
  }

  #number(name: string, form: RegExp, shown: string): number | undefined {
    const text = this.read.value(name)!;
    if (!form.test(text)) return this.read.refuse(`bad syntax in ${name} -- must be ${shown}`, name);
    const spi = Number(text);
    if (spi >= LOWEST_SPI && spi <= HIGHEST_SPI) return spi;
    return this.read.refuse(`${name}=${text} must be from 0x100 to 0xffffffff`, name);
  }
}

const HEX = /^0x[0-9a-f]+$/i;

type Keys = Pick<ManualSa, "authKey" | "encryptionKey">;

/** What both directions have in common, and the keys of each. */
interface Layer extends Pick<ManualSa, "algorithm" | "algorithms" | "replayWindow"> {
  readonly kind: "esp" | "ah";
  readonly keys: Readonly<Record<Side, Keys>>;
}

const NAMES = { esp: ESP_ALGORITHMS, ah: AH_ALGORITHMS } as const;
/** Parameters of the keys that `ipsec spi` takes by these options. */
const KEY_PARAMETERS = {
  esp: { "--authkey": "espauthkey", "--enckey": "espenckey" },
  ah: { "--authkey": "ahkey", "--enckey": "" },
} as const;

function readLayer(read: ParameterReader, kind: "esp" | "ah"): Layer | undefined {
  const algorithm = read.value(kind);
  if (!algorithm) return undefined;
  const replayWindow = readWindow(read, `${kind}replay_window`);
  const algorithms = NAMES[kind].get(algorithm);
  if (!algorithms) {
    const near = suggest(algorithm, NAMES[kind].keys());
    const why = kind === "esp" && whyRefused(algorithm) || (near ? `did you mean ${near}?` : "`ipsec spi' has a list");
    return read.refuse(`unknown algorithm in ${kind}=${algorithm}: ${why}`, kind);
  }
  const keys: Record<Side, Keys> = { left: {}, right: {} };
  const needs = keysOf(algorithms);
  for (const [option, parameter] of Object.entries(KEY_PARAMETERS[kind])) {
    if (!parameter) continue;
    const need = needs.find((one) => one.option === option);
    const field = option === "--authkey" ? "authKey" : "encryptionKey";
    const found = readKeys(read, { kind, algorithm, parameter, bits: need?.bits ?? 0 });
    if (!found) continue;
    for (const side of ["left", "right"] as const) keys[side] = { ...keys[side], [field]: found[side].secret };
    if (field === "authKey") continue;
    for (const [name, secret] of new Map([found.left, found.right].map((one) => [one.name, one.secret]))) {
      const weak = whyWeak(algorithms, secret.reveal());
      if (weak) read.refuse(`weak key in ${name}: ${weak}`, name);
    }
    if (algorithms.cipher && isAead(algorithms.cipher) && found.left.secret.equals(found.right.secret)) {
      read.warn(
        `${algorithm} has one key for both directions: leftespenckey and rightespenckey should differ`,
        found.left.name,
      );
    }
  }
  return { kind, algorithm, algorithms, replayWindow, keys };
}

interface FoundKey {
  /** Of the parameter that it comes from. */
  readonly name: string;
  readonly secret: Secret;
}

interface KeySubject {
  readonly kind: "esp" | "ah";
  readonly algorithm: string;
  readonly parameter: string;
  /** 0 where the algorithm has no such key. */
  readonly bits: number;
}

/** One key for both directions, or one for each. Keys are not repeated in messages. */
function readKeys(
  read: ParameterReader,
  { kind, algorithm, parameter, bits }: KeySubject,
): Record<Side, FoundKey> | undefined {
  const nameOf = (side: Side) => read.value(side + parameter) ? side + parameter : parameter;
  const [left, right] = [nameOf("left"), nameOf("right")];
  const given = [left, right].filter((name) => read.value(name));
  if (given.length === 1) {
    return read.refuse(`must give both or neither "left${parameter}" and "right${parameter}"`, given[0]);
  }
  if (bits === 0) {
    if (given.length) read.refuse(`${given[0]} has no use with ${kind}=${algorithm}`, given[0]);
    return undefined;
  }
  if (given.length === 0) {
    return read.refuse(`${kind.toUpperCase()} specified but no ${parameter}= given`, kind);
  }
  const keys = new Map<string, Secret>();
  for (const name of new Set(given)) {
    const data = parseData(read.value(name)!, 0);
    if (!data.ok) {
      read.refuse(`unknown format or syntax error in ${name}: (not shown)`, name);
    } else if (data.value.length * 8 !== bits) {
      const has = data.value.length * 8;
      read.refuse(`wrong key length in ${name}: ${kind}=${algorithm} needs ${bits} bits, ${has} were given`, name);
    } else keys.set(name, new Secret(data.value));
  }
  const [leftKey, rightKey] = [keys.get(left), keys.get(right)];
  if (!leftKey || !rightKey) return undefined;
  return { left: { name: left, secret: leftKey }, right: { name: right, secret: rightKey } };
}

function readWindow(read: ParameterReader, name: string): number {
  const text = read.value(name) ?? "0";
  if (!/^\d+$/.test(text)) read.refuse(`parameter "${name}" value must be integer`, name);
  else if (Number(text) > MOST_WINDOW) read.refuse(`${name}=${text} must be from 0 to ${MOST_WINDOW}`, name);
  return Number(text);
}
