/**
 * Numbers of ISAKMP and IKE version 1, and their names as logs print them (RFC 2408 §3, RFC 2407 §4, RFC 2409 appendix A,
 * the IANA registries `isakmp-registry` and `ipsec-registry`).
 */

export const VERSION = 0x10;
export const HEADER_BYTES = 28;
export const COOKIE_BYTES = 8;
/** Of one message; what a UDP datagram holds (RFC 768) is a little less. */
export const LARGEST_MESSAGE = 65535;
export const MOST_PAYLOADS = 20;

/** RFC 2408 §3.1; MODE_CFG is the Transaction Exchange of draft-ietf-ipsec-isakmp-mode-cfg-05. */
export const EXCHANGE = {
  NONE: 0,
  BASE: 1,
  IDPROT: 2,
  AO: 3,
  AGGR: 4,
  INFO: 5,
  MODE_CFG: 6,
  QUICK: 32,
  NGRP: 33,
  ACK_INFO: 34,
} as const;

/** RFC 2408 §3.1, RFC 3947 §3.2 and §5.2; the drafts before the RFC had numbers of their own. */
export const PAYLOAD = {
  NONE: 0,
  SA: 1,
  P: 2,
  T: 3,
  KE: 4,
  ID: 5,
  CERT: 6,
  CR: 7,
  HASH: 8,
  SIG: 9,
  NONCE: 10,
  N: 11,
  D: 12,
  VID: 13,
  ATTR: 14,
  /** Only read: later these became payloads of GDOI (RFC 3547), which nobody sends here. */
  NATD_EARLY: 15,
  NATOA_EARLY: 16,
  "NAT-D": 20,
  "NAT-OA": 21,
  NATD_DRAFTS: 130,
  NATOA_DRAFTS: 131,
  FRAG: 132,
} as const;

export const FLAG = { ENCRYPTION: 1, COMMIT: 2, AUTHONLY: 4 } as const;

export const DOI = { ISAKMP: 0, IPSEC: 1 } as const;

/** RFC 2407 §4.2. */
export const SITUATION = { IDENTITY_ONLY: 1, SECRECY: 2, INTEGRITY: 4 } as const;

/** RFC 2407 §4.4.1. */
export const PROTOCOL = { ISAKMP: 1, IPSEC_AH: 2, IPSEC_ESP: 3, IPCOMP: 4 } as const;

/** RFC 2408 §3.14.1, RFC 2407 §4.6.3, RFC 3706 §5.2. */
export const NOTIFY = {
  INVALID_PAYLOAD_TYPE: 1,
  DOI_NOT_SUPPORTED: 2,
  SITUATION_NOT_SUPPORTED: 3,
  INVALID_COOKIE: 4,
  INVALID_MAJOR_VERSION: 5,
  INVALID_MINOR_VERSION: 6,
  INVALID_EXCHANGE_TYPE: 7,
  INVALID_FLAGS: 8,
  INVALID_MESSAGE_ID: 9,
  INVALID_PROTOCOL_ID: 10,
  INVALID_SPI: 11,
  INVALID_TRANSFORM_ID: 12,
  ATTRIBUTES_NOT_SUPPORTED: 13,
  NO_PROPOSAL_CHOSEN: 14,
  BAD_PROPOSAL_SYNTAX: 15,
  PAYLOAD_MALFORMED: 16,
  INVALID_KEY_INFORMATION: 17,
  INVALID_ID_INFORMATION: 18,
  INVALID_CERT_ENCODING: 19,
  INVALID_CERTIFICATE: 20,
  CERT_TYPE_UNSUPPORTED: 21,
  INVALID_CERT_AUTHORITY: 22,
  INVALID_HASH_INFORMATION: 23,
  AUTHENTICATION_FAILED: 24,
  INVALID_SIGNATURE: 25,
  ADDRESS_NOTIFICATION: 26,
  NOTIFY_SA_LIFETIME: 27,
  CERTIFICATE_UNAVAILABLE: 28,
  UNSUPPORTED_EXCHANGE_TYPE: 29,
  UNEQUAL_PAYLOAD_LENGTHS: 30,
  CONNECTED: 16384,
  IPSEC_RESPONDER_LIFETIME: 24576,
  IPSEC_REPLAY_STATUS: 24577,
  IPSEC_INITIAL_CONTACT: 24578,
  /** Cisco's, seen in the wild. */
  ISAKMP_N_CISCO_LOAD_BALANCE: 40501,
  R_U_THERE: 36136,
  R_U_THERE_ACK: 36137,
} as const;

/** RFC 2407 §4.6.2.1. */
export const ID_TYPE = {
  IPV4_ADDR: 1,
  FQDN: 2,
  USER_FQDN: 3,
  IPV4_ADDR_SUBNET: 4,
  IPV6_ADDR: 5,
  IPV6_ADDR_SUBNET: 6,
  IPV4_ADDR_RANGE: 7,
  IPV6_ADDR_RANGE: 8,
  DER_ASN1_DN: 9,
  DER_ASN1_GN: 10,
  KEY_ID: 11,
} as const;

/** Attributes of phase 1 (RFC 2409 appendix A). */
export const OAKLEY = {
  ENCRYPTION_ALGORITHM: 1,
  HASH_ALGORITHM: 2,
  AUTHENTICATION_METHOD: 3,
  GROUP_DESCRIPTION: 4,
  GROUP_TYPE: 5,
  GROUP_PRIME: 6,
  GROUP_GENERATOR_ONE: 7,
  GROUP_GENERATOR_TWO: 8,
  GROUP_CURVE_A: 9,
  GROUP_CURVE_B: 10,
  LIFE_TYPE: 11,
  LIFE_DURATION: 12,
  PRF: 13,
  KEY_LENGTH: 14,
  FIELD_SIZE: 15,
  GROUP_ORDER: 16,
  BLOCK_SIZE: 17,
} as const;

/** Attributes of phase 2 (RFC 2407 §4.5). */
export const IPSEC_ATTRIBUTE = {
  SA_LIFE_TYPE: 1,
  SA_LIFE_DURATION: 2,
  GROUP_DESCRIPTION: 3,
  ENCAPSULATION_MODE: 4,
  AUTH_ALGORITHM: 5,
  KEY_LENGTH: 6,
  KEY_ROUNDS: 7,
  COMPRESS_DICT_SIZE: 8,
  COMPRESS_PRIVATE_ALG: 9,
  ECN_TUNNEL: 10,
  ESN_TUNNEL: 11,
} as const;

export const LIFE_TYPE = { SECONDS: 1, KILOBYTES: 2 } as const;

/** RFC 2407 §4.5, RFC 3947 §5.1; UDP_*_DRAFTS from draft-ietf-ipsec-nat-t-ike-01 to -03. */
export const ENCAPSULATION_MODE = {
  TUNNEL: 1,
  TRANSPORT: 2,
  UDP_TUNNEL: 3,
  UDP_TRANSPORT: 4,
  UDP_TUNNEL_DRAFTS: 61443,
  UDP_TRANSPORT_DRAFTS: 61444,
} as const;

/** RFC 2407 §4.4.2. */
export const TRANSFORM_ISAKMP = { KEY_IKE: 1 } as const;

/** RFC 2407 §4.4.5. */
export const TRANSFORM_IPCOMP = { IPCOMP_OUI: 1, IPCOMP_DEFLAT: 2, IPCOMP_LZS: 3, IPCOMP_LZJH: 4 } as const;

/** draft-ietf-ipsec-isakmp-mode-cfg-05 §3.2. */
export const CFG_KIND = { REQUEST: 1, REPLY: 2, SET: 3, ACK: 4 } as const;

/** draft-ietf-ipsec-isakmp-mode-cfg-05 §3.4; draft-beaulieu-ike-xauth-02 §6.1; 28672 and on are Cisco Unity's. */
export const CFG_ATTRIBUTE = {
  INTERNAL_IP4_ADDRESS: 1,
  INTERNAL_IP4_NETMASK: 2,
  INTERNAL_IP4_DNS: 3,
  INTERNAL_IP4_NBNS: 4,
  INTERNAL_ADDRESS_EXPIRY: 5,
  INTERNAL_IP4_DHCP: 6,
  APPLICATION_VERSION: 7,
  INTERNAL_IP6_ADDRESS: 8,
  INTERNAL_IP6_NETMASK: 9,
  INTERNAL_IP6_DNS: 10,
  INTERNAL_IP6_NBNS: 11,
  INTERNAL_IP6_DHCP: 12,
  INTERNAL_IP4_SUBNET: 13,
  SUPPORTED_ATTRIBUTES: 14,
  INTERNAL_IP6_SUBNET: 15,
  XAUTH_TYPE: 16520,
  XAUTH_USER_NAME: 16521,
  XAUTH_USER_PASSWORD: 16522,
  XAUTH_PASSCODE: 16523,
  XAUTH_MESSAGE: 16524,
  XAUTH_CHALLENGE: 16525,
  XAUTH_DOMAIN: 16526,
  XAUTH_STATUS: 16527,
  XAUTH_NEXT_PIN: 16528,
  XAUTH_ANSWER: 16529,
  UNITY_BANNER: 28672,
  UNITY_SAVE_PASSWD: 28673,
  UNITY_DEF_DOMAIN: 28674,
  UNITY_SPLIT_DNS: 28675,
  UNITY_SPLIT_INCLUDE: 28676,
  UNITY_NATT_PORT: 28677,
  UNITY_LOCAL_LAN: 28678,
  UNITY_PFS: 28679,
  UNITY_FW_TYPE: 28680,
  UNITY_BACKUP_SERVERS: 28681,
  UNITY_DDNS_HOSTNAME: 28682,
} as const;

/** draft-beaulieu-ike-xauth-02 §6.2. */
export const XAUTH_TYPE = { GENERIC: 0, RADIUS_CHAP: 1, OTP: 2, SKEY: 3 } as const;
export const XAUTH_STATUS = { FAIL: 0, OK: 1 } as const;

type Namer = (value: number) => string;

/** Gives each number of a table its name; a number that is not in it prints as `7??`. */
export function namer(table: Readonly<Record<string, number>>, prefix = ""): Namer {
  const names = new Map(Object.entries(table).map(([name, number]) => [number, prefix + name]));
  return (value) => names.get(value) ?? `${value}??`;
}

export const exchangeName: Namer = namer(EXCHANGE, "ISAKMP_XCHG_");
export const payloadName: Namer = namer(PAYLOAD, "ISAKMP_NEXT_");
export const protocolName: Namer = namer(PROTOCOL, "PROTO_");
export const notifyName: Namer = namer(NOTIFY);
export const idTypeName: Namer = namer(ID_TYPE, "ID_");
export const doiName: Namer = namer({ ISAKMP_DOI_ISAKMP: 0, ISAKMP_DOI_IPSEC: 1 });
export const lifeTypeName: Namer = namer(LIFE_TYPE, "OAKLEY_LIFE_");
export const saLifeTypeName: Namer = namer(LIFE_TYPE, "SA_LIFE_TYPE_");
export const cfgKindName: Namer = namer(CFG_KIND, "ISAKMP_CFG_");
export const cfgAttributeName: Namer = namer(CFG_ATTRIBUTE);
export const oakleyAttributeName: Namer = namer(OAKLEY, "OAKLEY_");
export const ipsecAttributeName: Namer = namer(IPSEC_ATTRIBUTE);

/** `ISAKMP_FLAG_ENCRYPTION+0x10`: members by name, the rest as a number. */
export function flagNames(flags: number): string {
  let rest = flags;
  const words: string[] = [];
  for (const [name, bit] of Object.entries(FLAG)) {
    if (!(rest & bit)) continue;
    words.push(`ISAKMP_FLAG_${name}`);
    rest &= ~bit;
  }
  return [...words, ...rest || !words.length ? [`0x${rest.toString(16).toUpperCase()}`] : []].join("+");
}
