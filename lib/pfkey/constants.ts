/**
 * Numbers and names of PF_KEYv2 (RFC 2367) with the extensions of KLIPS (klips.md §12) and ours. For each message the table
 * says which extensions may stand in a request and which must.
 */

export const VERSION = 2;
export const HEADER_BYTES = 16;
/** sadb_msg_len counts 8-byte words in 16 bits. */
export const LARGEST_MESSAGE = 65535 * 8;

/** Extension numbers. */
export const EXT = {
  SA: 1,
  LIFETIME_CURRENT: 2,
  LIFETIME_HARD: 3,
  LIFETIME_SOFT: 4,
  ADDRESS_SRC: 5,
  ADDRESS_DST: 6,
  ADDRESS_PROXY: 7,
  KEY_AUTH: 8,
  KEY_ENCRYPT: 9,
  IDENTITY_SRC: 10,
  IDENTITY_DST: 11,
  SENSITIVITY: 12,
  PROPOSAL: 13,
  SUPPORTED_AUTH: 14,
  SUPPORTED_ENCRYPT: 15,
  SPIRANGE: 16,
  KMPRIVATE: 17,
  SATYPE2: 18,
  SA2: 19,
  ADDRESS_DST2: 20,
  SRC_FLOW: 21,
  DST_FLOW: 22,
  SRC_MASK: 23,
  DST_MASK: 24,
  DEBUG: 25,
  PROTOCOL: 26,
  NAT_T_TYPE: 27,
  NAT_T_SPORT: 28,
  NAT_T_DPORT: 29,
  NAT_T_OA: 30,
  PATH: 64,
  DATA: 65,
  TUNNEL: 66,
} as const;

interface MessageRow {
  readonly number: number;
  readonly name: string;
  /** Extensions of a request; those in `required` must be there. */
  readonly required: readonly number[];
  readonly permitted: readonly number[];
  /** Whether the satype must name a protocol. */
  readonly needsSatype: boolean;
}

const ADDRESSES = [EXT.SA, EXT.ADDRESS_SRC, EXT.ADDRESS_DST];
const KEYING = [
  EXT.LIFETIME_HARD,
  EXT.LIFETIME_SOFT,
  EXT.ADDRESS_PROXY,
  EXT.KEY_AUTH,
  EXT.KEY_ENCRYPT,
  EXT.IDENTITY_SRC,
  EXT.IDENTITY_DST,
  EXT.SENSITIVITY,
  EXT.NAT_T_TYPE,
  EXT.NAT_T_SPORT,
  EXT.NAT_T_DPORT,
  EXT.NAT_T_OA,
];
const FLOW = [EXT.SRC_FLOW, EXT.DST_FLOW, EXT.SRC_MASK, EXT.DST_MASK];
const IDENTITIES = [EXT.IDENTITY_SRC, EXT.IDENTITY_DST];

const row = (
  number: number,
  name: string,
  required: readonly number[],
  permitted: readonly number[],
  needsSatype: boolean,
): MessageRow => ({ number, name, required, permitted, needsSatype });

/** Message types; PROC and TNCFG are ours, above the range of KLIPS. */
export const MESSAGES = {
  GETSPI: row(1, "getspi", [EXT.ADDRESS_SRC, EXT.ADDRESS_DST, EXT.SPIRANGE], [EXT.ADDRESS_PROXY], true),
  UPDATE: row(2, "update", ADDRESSES, [...KEYING, EXT.LIFETIME_CURRENT], true),
  ADD: row(3, "add", ADDRESSES, KEYING, true),
  DELETE: row(4, "delete", ADDRESSES, [], true),
  GET: row(5, "get", ADDRESSES, [], true),
  ACQUIRE: row(
    6,
    "acquire",
    [EXT.ADDRESS_SRC, EXT.ADDRESS_DST],
    [EXT.PROPOSAL, EXT.ADDRESS_PROXY, ...IDENTITIES, EXT.SENSITIVITY],
    false,
  ),
  REGISTER: row(7, "register", [], [], false),
  EXPIRE: row(8, "expire", [], [], false),
  FLUSH: row(9, "flush", [], [], false),
  DUMP: row(10, "dump", [], [], false),
  X_PROMISC: row(11, "x-promisc", [], [], false),
  X_PCHANGE: row(12, "x-pchange", [], [], false),
  X_GRPSA: row(13, "x-groupsa", [EXT.SA, EXT.ADDRESS_DST], [EXT.SATYPE2, EXT.SA2, EXT.ADDRESS_DST2], true),
  X_ADDFLOW: row(14, "x-addflow(eroute)", [EXT.SA, EXT.ADDRESS_DST, ...FLOW], [
    EXT.ADDRESS_SRC,
    ...IDENTITIES,
    EXT.PROTOCOL,
  ], true),
  X_DELFLOW: row(15, "x-delflow(eroute)", [], [EXT.SA, ...FLOW, ...IDENTITIES, EXT.PROTOCOL], false),
  X_DEBUG: row(16, "x-debug", [EXT.DEBUG], [], false),
  X_PROC: row(32, "x-proc", [EXT.PATH], [EXT.DATA], false),
  X_TNCFG: row(33, "x-tncfg", [EXT.TUNNEL], [], false),
} as const satisfies Record<string, MessageRow>;

export const MESSAGE_BY_NUMBER: ReadonlyMap<number, MessageRow> = new Map(
  Object.values(MESSAGES).map((row) => [row.number, row]),
);

/** Name of a message type as pf_key prints it. */
export function messageName(type: number): string {
  if (type === 0) return "reserved";
  return MESSAGE_BY_NUMBER.get(type)?.name ?? "unknown-sadb-type";
}

/** SA types with their IP protocols. */
export const SATYPES = {
  AH: { number: 2, protocol: 51 },
  ESP: { number: 3, protocol: 50 },
  IPIP: { number: 9, protocol: 4 },
  COMP: { number: 10, protocol: 108 },
  INT: { number: 11, protocol: 61 },
} as const;

export function satypeName(satype: number): string {
  return Object.entries(SATYPES).find(([, { number }]) => number === satype)?.[0] ?? "UNKNOWN";
}

/** @returns the IP protocol of an SA type, undefined for one that names none */
export function satypeProtocol(satype: number): number | undefined {
  return Object.values(SATYPES).find(({ number }) => number === satype)?.protocol;
}

export function protocolSatype(protocol: number): number {
  return Object.values(SATYPES).find((row) => row.protocol === protocol)?.number ?? 0;
}

export const SA_STATE = { LARVAL: 0, MATURE: 1, DYING: 2, DEAD: 3 } as const;
/** `INBOUND` shares its bit with PFS: KLIPS shows it so in replies. */
export const SA_FLAG = { INBOUND: 1, REPLACEFLOW: 2, CLEARFLOW: 4, INFLOW: 8, ESN: 16 } as const;
export const NO_REFERENCE = 0xffffffff;
export const NAT_T_ESPINUDP = 2;
/** Modes of an IPIP SA: version inside and outside. */
export const TUNNEL_MODE = { V4_IN_V4: 1, V6_IN_V4: 2, V4_IN_V6: 3, V6_IN_V6: 4 } as const;
export const COMP_DEFLATE = 2;
export const TUNNEL_OPS = { attach: 1, detach: 2, clear: 3 } as const;
/** Words of an X_DEBUG message, in order. */
export const DEBUG_WORDS = [
  "tunnel",
  "netlink",
  "xform",
  "eroute",
  "spi",
  "radij",
  "esp",
  "ah",
  "rcv",
  "pfkey",
  "ipcomp",
  "verbose",
] as const;
export type DebugWord = typeof DEBUG_WORDS[number];
