/** The bodies of PF_KEY extensions: for each a pair, what is read and what is written, in the order of the wire. */
import type { Family } from "../text/address.ts";
import { Malformed, type Reader, type Writer } from "./bytes.ts";
import { DEBUG_WORDS, type DebugWord, EXT, TUNNEL_OPS } from "./constants.ts";
import type {
  AddressExtension,
  Combination,
  Extensions,
  IdentityExtension,
  KeyExtension,
  LifetimeExtension,
  ProposalExtension,
  ProtocolExtension,
  SaExtension,
  SpiRangeExtension,
  Supported,
  TunnelExtension,
} from "./message.ts";

const AF: Readonly<Record<Family, number>> = { inet: 2, inet6: 10 };
const NAME_BYTES = 16;
/** Leaves a byte order mark where it is. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

interface Codec<T> {
  decode(r: Reader): T;
  encode(w: Writer, value: T): void;
}

/** RFC 2367 §2.3.1; reference and padding are KLIPS's. A message without them is read as well. */
const sa: Codec<SaExtension> = {
  decode(r) {
    const spi = r.n32();
    const [replay, state, auth, encrypt] = [r.u8(), r.u8(), r.u8(), r.u8()];
    const flags = r.u32();
    const ref = r.left >= 8 ? r.u32() : 0xffffffff;
    if (r.left >= 4) r.skip(4);
    return { spi, replay, state, auth, encrypt, flags, ref };
  },
  encode: (w, v) => void w.n32(v.spi).u8(v.replay).u8(v.state).u8(v.auth).u8(v.encrypt).u32(v.flags).u32(v.ref).u32(0),
};

/** RFC 2367 §2.3.2; packets are KLIPS's. */
const lifetime: Codec<LifetimeExtension> = {
  decode(r) {
    const value = { allocations: r.u32(), bytes: r.u64(), addtime: r.u64(), usetime: r.u64(), packets: 0 };
    if (r.left < 8) return value;
    const packets = r.u32();
    r.skip(4);
    return { ...value, packets };
  },
  encode: (w, v) => void w.u32(v.allocations).u64(v.bytes).u64(v.addtime).u64(v.usetime).u32(v.packets).u32(0),
};

/** RFC 2367 §2.3.3, with a sockaddr_in or sockaddr_in6. */
const address: Codec<AddressExtension> = {
  decode(r) {
    const proto = r.u8(), prefixLength = r.u8();
    r.skip(2);
    const family = r.u16();
    const port = r.n16();
    if (family === AF.inet) {
      const bytes = r.copy(4);
      if (r.left >= 8) r.skip(8);
      return { address: { family: "inet", bytes }, port, proto, prefixLength };
    }
    if (family !== AF.inet6) throw new Malformed(`unknown address family ${family}`, 0);
    r.skip(4);
    const bytes = r.copy(16);
    r.skip(4);
    return { address: { family: "inet6", bytes }, port, proto, prefixLength };
  },
  encode(w, { address, port, proto, prefixLength }) {
    w.u8(proto).u8(prefixLength).u16(0).u16(AF[address.family]).n16(port);
    if (address.family === "inet") w.bytes(address.bytes).zeros(8);
    else w.u32(0).bytes(address.bytes).u32(0);
  },
};

/** RFC 2367 §2.3.4. */
const key: Codec<KeyExtension> = {
  decode(r) {
    const bits = r.u16();
    r.skip(2);
    return { bits, key: r.copy((bits + 7) >> 3) };
  },
  encode: (w, v) => void w.u16(v.bits).u16(0).bytes(v.key),
};

/** RFC 2367 §2.3.5. */
const identity: Codec<IdentityExtension> = {
  decode(r) {
    const type = r.u16();
    r.skip(2);
    const id = r.u64();
    const bytes = r.copy(r.left);
    if (bytes.length > 0 && bytes[bytes.length - 1] !== 0) throw new Malformed("identity without its end", 0);
    const end = bytes.indexOf(0);
    return { type, id, text: utf8.decode(end < 0 ? bytes : bytes.subarray(0, end)) };
  },
  encode: (w, v) => void w.u16(v.type).u16(0).u64(v.id).bytes(new TextEncoder().encode(`${v.text}\0`)),
};

/** RFC 2367 §2.3.7, 80 bytes with KLIPS's packets. */
const combination: Codec<Combination> = {
  decode(r) {
    const auth = r.u8(), encrypt = r.u8(), flags = r.u16();
    const [authMinBits, authMaxBits, encryptMinBits, encryptMaxBits] = [r.u16(), r.u16(), r.u16(), r.u16()];
    r.skip(4);
    const allocations = [r.u32(), r.u32()], bytes = [r.u64(), r.u64()];
    const addtime = [r.u64(), r.u64()], usetime = [r.u64(), r.u64()], packets = [r.u32(), r.u32()];
    const pick = (i: number): LifetimeExtension => ({
      allocations: allocations[i],
      bytes: bytes[i],
      addtime: addtime[i],
      usetime: usetime[i],
      packets: packets[i],
    });
    return {
      auth,
      encrypt,
      flags,
      authMinBits,
      authMaxBits,
      encryptMinBits,
      encryptMaxBits,
      soft: pick(0),
      hard: pick(1),
    };
  },
  encode(w, { soft, hard, ...v }) {
    w.u8(v.auth).u8(v.encrypt).u16(v.flags).u16(v.authMinBits).u16(v.authMaxBits);
    w.u16(v.encryptMinBits).u16(v.encryptMaxBits).u32(0).u32(soft.allocations).u32(hard.allocations);
    w.u64(soft.bytes).u64(hard.bytes).u64(soft.addtime).u64(hard.addtime).u64(soft.usetime).u64(hard.usetime);
    w.u32(soft.packets).u32(hard.packets);
  },
};
const COMBINATION_BYTES = 80;

const proposal: Codec<ProposalExtension> = {
  decode(r) {
    const replay = r.u8();
    r.skip(3);
    const combinations: Combination[] = [];
    while (r.left >= COMBINATION_BYTES) combinations.push(combination.decode(r));
    return { replay, combinations };
  },
  encode(w, v) {
    w.u8(v.replay).zeros(3);
    for (const one of v.combinations) combination.encode(w, one);
  },
};

/** RFC 2367 §2.3.8. */
const supported: Codec<readonly Supported[]> = {
  decode(r) {
    r.skip(4);
    const list: Supported[] = [];
    while (r.left >= 8) {
      list.push({ id: r.u8(), ivBits: r.u8(), minBits: r.u16(), maxBits: r.u16() });
      r.skip(2);
    }
    return list;
  },
  encode(w, list) {
    w.u32(0);
    for (const v of list) w.u8(v.id).u8(v.ivBits).u16(v.minBits).u16(v.maxBits).u16(0);
  },
};

/** RFC 2367 §2.3.9. */
const spiRange: Codec<SpiRangeExtension> = {
  decode(r) {
    const value = { min: r.u32(), max: r.u32() };
    r.skip(4);
    return value;
  },
  encode: (w, v) => void w.u32(v.min).u32(v.max).u32(0),
};

const u8: Codec<number> = {
  decode(r) {
    const value = r.u8();
    r.skip(3);
    return value;
  },
  encode: (w, v) => void w.u8(v).zeros(3),
};

const port: Codec<number> = {
  decode(r) {
    const value = r.n16();
    r.skip(2);
    return value;
  },
  encode: (w, v) => void w.n16(v).u16(0),
};

const debug: Codec<Readonly<Record<DebugWord, number>>> = {
  decode(r) {
    const words = Object.fromEntries(DEBUG_WORDS.map((name) => [name, r.u32()])) as Record<DebugWord, number>;
    r.skip(4);
    return words;
  },
  encode(w, v) {
    for (const name of DEBUG_WORDS) w.u32(v[name]);
    w.u32(0);
  },
};

const protocol: Codec<ProtocolExtension> = {
  decode(r) {
    const value = { protocol: r.u8(), direction: r.u8(), flags: r.u8() };
    r.skip(1);
    return value;
  },
  encode: (w, v) => void w.u8(v.protocol).u8(v.direction).u8(v.flags).u8(0),
};

const data: Codec<Uint8Array> = {
  decode: (r) => r.copy(r.u32()),
  encode: (w, v) => void w.u32(v.length).bytes(v),
};

const path: Codec<string> = {
  decode: (r) => utf8.decode(data.decode(r)),
  encode: (w, v) => data.encode(w, new TextEncoder().encode(v)),
};

const raw: Codec<Uint8Array> = { decode: (r) => r.copy(r.left), encode: (w, v) => void w.bytes(v) };

const tunnel: Codec<TunnelExtension> = {
  decode(r) {
    const number = r.u8();
    r.skip(3);
    const op = (Object.keys(TUNNEL_OPS) as TunnelExtension["op"][]).find((name) => TUNNEL_OPS[name] === number);
    if (!op) throw new Malformed(`unknown operation ${number}`, 0);
    const name = () => utf8.decode(r.copy(NAME_BYTES)).replace(/\0.*$/s, "");
    return { op, virtual: name(), physical: name() };
  },
  encode(w, v) {
    w.u8(TUNNEL_OPS[v.op]).zeros(3);
    for (const name of [v.virtual, v.physical]) {
      const bytes = new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1);
      w.bytes(bytes).zeros(NAME_BYTES - bytes.length);
    }
  },
};

interface ExtensionRow<K extends keyof Extensions> {
  readonly number: number;
  readonly field: K;
  readonly codec: Codec<NonNullable<Extensions[K]>>;
}

function row<K extends keyof Extensions>(number: number, field: K, codec: Codec<NonNullable<Extensions[K]>>) {
  // One list holds rows of all types; each row's own types have been checked here.
  return { number, field, codec } as unknown as ExtensionRow<keyof Extensions>;
}

export const EXTENSIONS = [
  row(EXT.SA, "sa", sa),
  row(EXT.LIFETIME_CURRENT, "lifetimeCurrent", lifetime),
  row(EXT.LIFETIME_HARD, "lifetimeHard", lifetime),
  row(EXT.LIFETIME_SOFT, "lifetimeSoft", lifetime),
  row(EXT.ADDRESS_SRC, "source", address),
  row(EXT.ADDRESS_DST, "destination", address),
  row(EXT.ADDRESS_PROXY, "proxy", address),
  row(EXT.KEY_AUTH, "keyAuth", key),
  row(EXT.KEY_ENCRYPT, "keyEncrypt", key),
  row(EXT.IDENTITY_SRC, "identitySource", identity),
  row(EXT.IDENTITY_DST, "identityDestination", identity),
  row(EXT.SENSITIVITY, "sensitivity", raw),
  row(EXT.PROPOSAL, "proposal", proposal),
  row(EXT.SUPPORTED_AUTH, "supportedAuth", supported),
  row(EXT.SUPPORTED_ENCRYPT, "supportedEncrypt", supported),
  row(EXT.SPIRANGE, "spiRange", spiRange),
  row(EXT.SATYPE2, "satype2", u8),
  row(EXT.SA2, "sa2", sa),
  row(EXT.ADDRESS_DST2, "destination2", address),
  row(EXT.SRC_FLOW, "sourceFlow", address),
  row(EXT.DST_FLOW, "destinationFlow", address),
  row(EXT.SRC_MASK, "sourceMask", address),
  row(EXT.DST_MASK, "destinationMask", address),
  row(EXT.DEBUG, "debug", debug),
  row(EXT.PROTOCOL, "protocol", protocol),
  row(EXT.NAT_T_TYPE, "natType", u8),
  row(EXT.NAT_T_SPORT, "natSport", port),
  row(EXT.NAT_T_DPORT, "natDport", port),
  row(EXT.NAT_T_OA, "natOa", address),
  row(EXT.PATH, "path", path),
  row(EXT.DATA, "data", data),
  row(EXT.TUNNEL, "tunnel", tunnel),
];

export const EXTENSION_BY_NUMBER = new Map(EXTENSIONS.map((row) => [row.number, row]));
