/** One transform of phase 2: its suite and terms as attributes, and what attributes say (RFC 2407 §4.4, §4.5). */
import type { AuthName, CipherName } from "../crypto/algorithms.ts";
import { isAead } from "../crypto/algorithms.ts";
import { type GroupName, GROUPS } from "../crypto/dh_groups.ts";
import {
  ahTransformName,
  AUTH_PAIRS,
  authAlgorithmName,
  ESP_NUMBERS,
  espTransformName,
  findAuthenticator,
  findEspCipher,
  findGroup,
  oakleyGroupName,
} from "./algorithms.ts";
import { attributeNumber, numberAttribute } from "./attribute_codec.ts";
import { badSyntax } from "./choice.ts";
import {
  ENCAPSULATION_MODE,
  IPSEC_ATTRIBUTE,
  ipsecAttributeName,
  LIFE_TYPE,
  PROTOCOL,
  saLifeTypeName,
  TRANSFORM_IPCOMP,
} from "./constants.ts";
import type { Refusal } from "./host.ts";
import type { Attribute, Transform } from "./payload.ts";
import type { IpsecSuite, Mode } from "./suite.ts";

/** ESP in UDP, by which of the numbers for its modes; `none` for ESP, AH and IPCOMP in IP. */
export type Encapsulation = "none" | "rfc" | "drafts";

export interface Terms {
  readonly mode: Mode;
  readonly encapsulation: Encapsulation;
  readonly pfsGroup?: GroupName;
  readonly lifetimeSeconds: number;
}

export const IPCOMP = { protocol: "ipcomp" } as const;
export type OfferedSuite = IpsecSuite | typeof IPCOMP;

const MODES: Readonly<Record<Encapsulation, Readonly<Record<Mode, number>>>> = {
  none: { tunnel: ENCAPSULATION_MODE.TUNNEL, transport: ENCAPSULATION_MODE.TRANSPORT },
  rfc: { tunnel: ENCAPSULATION_MODE.UDP_TUNNEL, transport: ENCAPSULATION_MODE.UDP_TRANSPORT },
  drafts: { tunnel: ENCAPSULATION_MODE.UDP_TUNNEL_DRAFTS, transport: ENCAPSULATION_MODE.UDP_TRANSPORT_DRAFTS },
};

function findMode(value: number): { readonly mode: Mode; readonly encapsulation: Encapsulation } | undefined {
  for (const encapsulation of ["none", "rfc", "drafts"] as const) {
    for (const mode of ["tunnel", "transport"] as const) {
      if (MODES[encapsulation][mode] === value) return { mode, encapsulation };
    }
  }
  return undefined;
}

/** @returns undefined for a suite that version 1 of IKE has no numbers for */
export function encodeSuite(suite: OfferedSuite, number: number, terms: Terms): Transform | undefined {
  const { mode, encapsulation, pfsGroup, lifetimeSeconds } = terms;
  const life: Attribute[] = [
    { type: IPSEC_ATTRIBUTE.SA_LIFE_TYPE, value: LIFE_TYPE.SECONDS },
    numberAttribute(IPSEC_ATTRIBUTE.SA_LIFE_DURATION, lifetimeSeconds),
  ];
  const modes: Attribute[] = [{ type: IPSEC_ATTRIBUTE.ENCAPSULATION_MODE, value: MODES[encapsulation][mode] }];
  if (suite.protocol === "ipcomp") {
    const attributes = mode === "tunnel" ? [...modes, ...life] : life;
    return { number, id: TRANSFORM_IPCOMP.IPCOMP_DEFLAT, attributes };
  }
  const found = suiteNumbers(suite);
  if (!found) return undefined;
  const group = pfsGroup ? [{ type: IPSEC_ATTRIBUTE.GROUP_DESCRIPTION, value: GROUPS[pfsGroup].number }] : [];
  return { number, id: found.id, attributes: [...group, ...modes, ...life, ...found.attributes] };
}

function suiteNumbers({ protocol, cipher, auth }: IpsecSuite): { id: number; attributes: Attribute[] } | undefined {
  const attributes: Attribute[] = [];
  if (auth) attributes.push({ type: IPSEC_ATTRIBUTE.AUTH_ALGORITHM, value: AUTH_PAIRS[auth].algorithm });
  if (protocol === "ah") return auth && { id: AUTH_PAIRS[auth].ah, attributes };
  const esp = cipher && ESP_NUMBERS[cipher];
  if (!esp) return undefined;
  if (esp.keyLength) attributes.push({ type: IPSEC_ATTRIBUTE.KEY_LENGTH, value: esp.keyLength });
  return { id: esp.id, attributes };
}

/** What a transform of a peer says; a member is absent where it says nothing. */
export interface ReadTransform {
  readonly suite: OfferedSuite;
  readonly mode?: Mode;
  readonly encapsulation?: Encapsulation;
  readonly pfsGroup?: GroupName;
  readonly lifeSeconds?: number;
}

const VALUES: readonly number[] = [
  IPSEC_ATTRIBUTE.GROUP_DESCRIPTION,
  IPSEC_ATTRIBUTE.ENCAPSULATION_MODE,
  IPSEC_ATTRIBUTE.AUTH_ALGORITHM,
  IPSEC_ATTRIBUTE.KEY_LENGTH,
];
const LIFE_TYPES: readonly number[] = Object.values(LIFE_TYPE);

interface Values {
  readonly by: ReadonlyMap<number, number>;
  readonly lifeSeconds?: number;
}

/** @returns why this transform (a text), or the whole SA, is refused; else what it says */
export function readTransform(protocol: number, transform: Transform): ReadTransform | string | Refusal {
  const read = readValues(transform);
  if (typeof read === "string" || "refused" in read) return read;
  const { by, lifeSeconds } = read;
  const suite = readSuite(protocol, transform.id, by);
  if (typeof suite === "string" || "refused" in suite) return suite;

  const modeNumber = by.get(IPSEC_ATTRIBUTE.ENCAPSULATION_MODE);
  const isIpcomp = protocol === PROTOCOL.IPCOMP;
  if (modeNumber === undefined && !isIpcomp) return badSyntax("IPsec Transform must specify ENCAPSULATION_MODE");
  const mode = modeNumber === undefined ? undefined : findMode(modeNumber);
  if (modeNumber !== undefined && !mode) return invalidValue(IPSEC_ATTRIBUTE.ENCAPSULATION_MODE, modeNumber);

  // In an IPCOMP transform the group has no meaning, and is passed over.
  const groupNumber = isIpcomp ? undefined : by.get(IPSEC_ATTRIBUTE.GROUP_DESCRIPTION);
  const pfsGroup = groupNumber === undefined ? undefined : findGroup(groupNumber);
  if (groupNumber !== undefined && !pfsGroup) return `${oakleyGroupName(groupNumber)} is not supported for PFS`;
  if (lifeSeconds === 0) return "peer requested 0 seconds";
  return { suite, ...mode, pfsGroup, lifeSeconds };
}

function readValues({ number, attributes }: Transform): Values | string | Refusal {
  const by = new Map<number, number>();
  const lifeTypes = new Set<number>();
  let lifeType: number | undefined;
  let lifeSeconds: number | undefined;
  for (const attribute of attributes) {
    const { type, value } = attribute;
    if (type === IPSEC_ATTRIBUTE.SA_LIFE_TYPE) {
      lifeType = attributeNumber(attribute) ?? 0;
      if (lifeTypes.has(lifeType)) {
        return badSyntax(`attribute SA_LIFE_TYPE value ${saLifeTypeName(lifeType)} repeated in message`);
      }
      lifeTypes.add(lifeType);
      if (!LIFE_TYPES.includes(lifeType)) return invalidValue(type, lifeType);
    } else if (type === IPSEC_ATTRIBUTE.SA_LIFE_DURATION) {
      if (lifeType === undefined) return "SA_LIFE_DURATION attribute not preceded by SA_LIFE_TYPE attribute";
      if (lifeType === LIFE_TYPE.SECONDS) lifeSeconds = attributeNumber(attribute) ?? 0;
      lifeType = undefined;
    } else if (!VALUES.includes(type) || typeof value !== "number") {
      return `unsupported IPsec attribute ${ipsecAttributeName(type)}`;
    } else if (by.has(type)) {
      return badSyntax(`repeated ${ipsecAttributeName(type)} attribute in IPsec Transform ${number}`);
    } else by.set(type, value);
  }
  return { by, lifeSeconds };
}

function invalidValue(type: number, value: number): string {
  return `invalid value ${value} for attribute ${ipsecAttributeName(type)} in IPsec Transform`;
}

function readSuite(protocol: number, id: number, by: Values["by"]): OfferedSuite | string | Refusal {
  const algorithm = by.get(IPSEC_ATTRIBUTE.AUTH_ALGORITHM);
  const keyLength = by.get(IPSEC_ATTRIBUTE.KEY_LENGTH);
  if (protocol === PROTOCOL.IPSEC_ESP) return readEsp(id, algorithm, keyLength);
  if (keyLength !== undefined) return inappropriate(IPSEC_ATTRIBUTE.KEY_LENGTH, protocol);
  if (protocol === PROTOCOL.IPSEC_AH) return readAh(id, algorithm);
  if (algorithm !== undefined) return inappropriate(IPSEC_ATTRIBUTE.AUTH_ALGORITHM, protocol);
  return id === TRANSFORM_IPCOMP.IPCOMP_DEFLAT ? IPCOMP : `IPCOMP transform ${id} is not supported`;
}

function inappropriate(type: number, protocol: number): Refusal {
  const name = ipsecAttributeName(type);
  return badSyntax(
    protocol === PROTOCOL.IPCOMP
      ? `IPsec attribute ${name} inappropriate for IPCOMP`
      : `${name} attribute inappropriate in AH Transform`,
  );
}

/** What some peers say beside an AEAD: there is no authenticator (IANA), or KAME's number for it. */
const NO_AUTHENTICATOR = [0, 251];

function readEsp(id: number, algorithm: number | undefined, keyLength: number | undefined): IpsecSuite | string {
  const cipher: CipherName | undefined = findEspCipher(id, keyLength);
  if (!cipher) {
    const length = keyLength === undefined ? "" : ` with a key of ${keyLength} bits`;
    return `${espTransformName(id)}${length} is not supported`;
  }
  if (isAead(cipher)) {
    return algorithm === undefined || NO_AUTHENTICATOR.includes(algorithm)
      ? { protocol: "esp", cipher }
      : `${authAlgorithmName(algorithm)} beside ${espTransformName(id)}, which authenticates by itself`;
  }
  if (algorithm === undefined) return `${espTransformName(id)} without authentication is not supported`;
  const auth: AuthName | undefined = findAuthenticator(algorithm);
  return auth ? { protocol: "esp", cipher, auth } : `${authAlgorithmName(algorithm)} is not supported`;
}

function readAh(id: number, algorithm: number | undefined): IpsecSuite | string | Refusal {
  if (algorithm === undefined) return badSyntax("AUTH_ALGORITHM attribute missing in AH Transform");
  const auth = findAuthenticator(algorithm);
  if (!auth) return `${authAlgorithmName(algorithm)} is not supported`;
  if (AUTH_PAIRS[auth].ah !== id) return `${ahTransformName(id)} with ${authAlgorithmName(algorithm)} is not supported`;
  return { protocol: "ah", auth };
}
