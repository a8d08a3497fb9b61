/**
 * The SA payload of phase 1 (RFC 2409 §5, appendix A; pluto.md §11.3, §11.4): what we offer, what we take of a peer's offer,
 * and whether its answer is one of those that we offered. Pure: the log is written by who asks.
 */
import {
  authNumber,
  findAuth,
  findGroup,
  findIkeCipher,
  findIkeHash,
  IKE_CIPHERS,
  IKE_HASHES,
  oakleyAuthName,
  oakleyCipherName,
  oakleyGroupName,
  oakleyHashName,
  type XauthSide,
} from "./algorithms.ts";
import { GROUPS } from "../crypto/dh_groups.ts";
import { attributeNumber, numberAttribute } from "./attribute_codec.ts";
import { areIncreasing, badSyntax, type NoChoice, noChoice, refuseFrame, type SaPayload, saPayload } from "./choice.ts";
import {
  LIFE_TYPE,
  lifeTypeName,
  NOTIFY,
  OAKLEY,
  oakleyAttributeName,
  PROTOCOL,
  protocolName,
  TRANSFORM_ISAKMP,
} from "./constants.ts";
import type { Refusal } from "./host.ts";
import type { Attribute, Proposal, Transform } from "./payload.ts";
import type { AuthMethod, IkeSuite } from "./suite.ts";

/** A longer life is not refused: some clients ask for weeks, and leave it to us to end sooner. */
export const LONGEST_LIFE_SECONDS = 86400;
/** Where the peer says nothing. */
const DEFAULT_LIFE_SECONDS = 3600;
const MOST_SPI_BYTES = 16;

export interface Phase1Offer {
  /** Best first. */
  readonly suites: readonly IkeSuite[];
  /** All of them with each suite, best first. */
  readonly auth: readonly AuthMethod[];
  readonly lifetimeSeconds: number;
  readonly xauth?: XauthSide;
}

export interface Phase1Policy extends Omit<Phase1Offer, "lifetimeSeconds"> {
  /** Methods that the policy has, and why they cannot be used all the same. */
  readonly unable?: Readonly<Partial<Record<AuthMethod, string>>>;
}

export interface Phase1Choice {
  readonly ok: true;
  readonly suite: IkeSuite;
  readonly auth: AuthMethod;
  readonly lifetimeSeconds: number;
  /** For the responder to send: the peer's proposal with the transform that was chosen, as it was. */
  readonly answer: SaPayload;
  /** Why transforms before it were not taken. */
  readonly rejected: readonly string[];
}

/** One proposal, number 0, and a transform for each suite with each method, numbered from 0. */
export function offerPhase1({ suites, auth, lifetimeSeconds, xauth }: Phase1Offer): SaPayload {
  const transforms = suites.flatMap((suite) => auth.map((method) => ({ suite, method: authNumber(method, xauth) })))
    .map(({ suite, method }, number): Transform => ({
      number,
      id: TRANSFORM_ISAKMP.KEY_IKE,
      attributes: suiteAttributes(suite, method, lifetimeSeconds),
    }));
  return saPayload([{ number: 0, protocol: PROTOCOL.ISAKMP, spi: new Uint8Array(0), transforms }]);
}

function suiteAttributes(suite: IkeSuite, method: number, lifetimeSeconds: number): Attribute[] {
  const { number, hasKeyLength } = IKE_CIPHERS[suite.cipher];
  return [
    { type: OAKLEY.LIFE_TYPE, value: LIFE_TYPE.SECONDS },
    numberAttribute(OAKLEY.LIFE_DURATION, lifetimeSeconds),
    { type: OAKLEY.ENCRYPTION_ALGORITHM, value: number },
    { type: OAKLEY.HASH_ALGORITHM, value: IKE_HASHES[suite.hash].number },
    { type: OAKLEY.AUTHENTICATION_METHOD, value: method },
    { type: OAKLEY.GROUP_DESCRIPTION, value: GROUPS[suite.group].number },
    ...hasKeyLength ? [{ type: OAKLEY.KEY_LENGTH, value: suite.keyBits }] : [],
  ];
}

/** As responder: the peer's first transform that the policy has. */
export function choosePhase1(sa: SaPayload, policy: Phase1Policy): Phase1Choice | NoChoice {
  const proposal = soleProposal(sa);
  if ("refused" in proposal) return { ok: false, ...proposal, rejected: [] };
  const rejected: string[] = [];
  for (const transform of proposal.transforms) {
    const read = readTransform(transform);
    if (typeof read === "string") rejected.push(read);
    else if ("refused" in read) return { ok: false, ...read, rejected };
    else {
      const judged = judge(read, policy);
      if (typeof judged !== "string") {
        const answer = saPayload([{ ...proposal, spi: new Uint8Array(0), transforms: [transform] }]);
        return { ok: true, ...judged, lifetimeSeconds: read.lifeSeconds ?? DEFAULT_LIFE_SECONDS, answer, rejected };
      }
      rejected.push(judged);
    }
  }
  return noChoice("no acceptable Oakley Transform", NOTIFY.NO_PROPOSAL_CHOSEN, rejected);
}

/**
 * As initiator: whether the answer is one transform of those that we offered. Some peers make the attributes anew, or
 * shorten the life (RFC 2407 §4.5.4): what counts is what they mean, and the life is the shorter one.
 */
export function checkPhase1Answer(sa: SaPayload, offer: Phase1Offer): Phase1Choice | NoChoice {
  const proposal = soleProposal(sa);
  if ("refused" in proposal) return { ok: false, ...proposal, rejected: [] };
  if (proposal.transforms.length !== 1) {
    const found = proposal.transforms.length;
    return noChoice(
      `a single Transform is required in a selecting Oakley Proposal; found ${found}`,
      NOTIFY.BAD_PROPOSAL_SYNTAX,
    );
  }
  const choice = choosePhase1(sa, offer);
  if (!choice.ok) return choice;
  return { ...choice, lifetimeSeconds: Math.min(choice.lifetimeSeconds, offer.lifetimeSeconds) };
}

function soleProposal(sa: SaPayload): Proposal | Refusal {
  const wrong = refuseFrame(sa);
  if (wrong) return wrong;
  const { proposals: [proposal, second] } = sa;
  if (!proposal) return badSyntax("no Proposal in Oakley SA");
  if (second) {
    const refused = "Proposal Payload must be alone in Oakley SA; found ISAKMP_NEXT_P following Proposal";
    return { refused, notify: NOTIFY.PAYLOAD_MALFORMED };
  }
  if (proposal.protocol !== PROTOCOL.ISAKMP) {
    const refused = `unexpected Protocol ID (${protocolName(proposal.protocol)}) found in Oakley Proposal`;
    return { refused, notify: NOTIFY.INVALID_PROTOCOL_ID };
  }
  if (proposal.spi.length > MOST_SPI_BYTES) {
    const refused = `invalid SPI size (${proposal.spi.length}) in Oakley Proposal`;
    return { refused, notify: NOTIFY.INVALID_SPI };
  }
  if (!areIncreasing(proposal.transforms)) {
    return badSyntax("Transform Numbers are not monotonically increasing in Oakley Proposal");
  }
  const other = proposal.transforms.find(({ id }) => id !== TRANSFORM_ISAKMP.KEY_IKE);
  if (other) {
    return {
      refused: `expected KEY_IKE but found ${other.id} in Oakley Transform`,
      notify: NOTIFY.INVALID_TRANSFORM_ID,
    };
  }
  return proposal;
}

/** The attributes of a transform that have a meaning for us, by their numbers. */
interface ReadTransform {
  readonly values: ReadonlyMap<number, number>;
  readonly lifeSeconds?: number;
}

const MANDATORY = [
  OAKLEY.ENCRYPTION_ALGORITHM,
  OAKLEY.HASH_ALGORITHM,
  OAKLEY.AUTHENTICATION_METHOD,
  OAKLEY.GROUP_DESCRIPTION,
] as const;
const VALUES: readonly number[] = [...MANDATORY, OAKLEY.KEY_LENGTH];
const LIFE_TYPES: readonly number[] = Object.values(LIFE_TYPE);

/** @returns why this transform, or the whole SA, is refused; else what it says */
function readTransform({ number, attributes }: Transform): ReadTransform | string | Refusal {
  const values = new Map<number, number>();
  const lifeTypes = new Set<number>();
  let lifeType: number | undefined;
  let lifeSeconds: number | undefined;
  for (const attribute of attributes) {
    const { type, value } = attribute;
    if (type === OAKLEY.LIFE_TYPE) {
      lifeType = attributeNumber(attribute) ?? 0;
      if (lifeTypes.has(lifeType)) {
        return badSyntax(`attribute OAKLEY_LIFE_TYPE value ${lifeTypeName(lifeType)} repeated`);
      }
      lifeTypes.add(lifeType);
      if (!LIFE_TYPES.includes(lifeType)) return because(`unknown value ${lifeType}??`, attribute);
    } else if (type === OAKLEY.LIFE_DURATION) {
      if (lifeType === undefined) {
        return because("OAKLEY_LIFE_DURATION attribute not preceded by OAKLEY_LIFE_TYPE attribute", attribute);
      }
      if (lifeType === LIFE_TYPE.SECONDS) {
        const seconds = attributeNumber(attribute) ?? 0;
        if (seconds === 0) return because("peer requested 0 seconds", attribute);
        lifeSeconds = Math.min(seconds, LONGEST_LIFE_SECONDS);
      }
      lifeType = undefined;
    } else if (!VALUES.includes(type) || typeof value !== "number") {
      return because("unsupported OAKLEY attribute", attribute);
    } else if (values.has(type)) {
      return badSyntax(`repeated ${oakleyAttributeName(type)} attribute in Oakley Transform ${number}`);
    } else values.set(type, value);
  }
  const missing = MANDATORY.filter((type) => !values.has(type));
  if (!missing.length) return { values, lifeSeconds };
  const names = missing.map(oakleyAttributeName).join("+");
  return badSyntax(`missing mandatory attribute(s) ${names} in Oakley Transform ${number}`);
}

/** `REASON.  Attribute NAME` */
function because(reason: string, { type, value }: Attribute): string {
  return `${reason}.  Attribute ${oakleyAttributeName(type)}${typeof value === "number" ? "" : " (variable length)"}`;
}

/** @returns why the policy has no such suite or method */
function judge({ values }: ReadTransform, policy: Phase1Policy): { suite: IkeSuite; auth: AuthMethod } | string {
  const [encryption, hash, method, group] = MANDATORY.map((type) => values.get(type)!);
  const keyLength = values.get(OAKLEY.KEY_LENGTH);
  const refuse = (reason: string, type: number) => because(reason, { type, value: values.get(type)! });

  const found = findIkeCipher(encryption, keyLength);
  const ciphered = policy.suites.filter((one) => one.cipher === found?.cipher && one.keyBits === found?.keyBits);
  if (!ciphered.length) {
    const length = keyLength === undefined ? "" : ` with a key of ${keyLength} bits`;
    return refuse(`${oakleyCipherName(encryption)}${length} is not supported`, OAKLEY.ENCRYPTION_ALGORITHM);
  }
  const hashed = ciphered.filter((one) => one.hash === findIkeHash(hash));
  if (!hashed.length) return refuse(`${oakleyHashName(hash)} is not supported`, OAKLEY.HASH_ALGORITHM);

  const auth = judgeMethod(method, policy);
  if (typeof auth !== "string") {
    const suite = hashed.find((one) => one.group === findGroup(group));
    return suite ? { suite, auth: auth.auth } : refuse(onlyGroups(hashed), OAKLEY.GROUP_DESCRIPTION);
  }
  return refuse(auth, OAKLEY.AUTHENTICATION_METHOD);
}

function judgeMethod(method: number, policy: Phase1Policy): { readonly auth: AuthMethod } | string {
  const found = findAuth(method);
  if (!found) return `Pluto does not support ${oakleyAuthName(method)} authentication`;
  if (!policy.auth.includes(found.auth)) return `policy does not allow ${oakleyAuthName(method)} authentication`;
  if (found.xauth !== policy.xauth) {
    return policy.xauth
      ? `policy asks for XAUTH of the ${policy.xauth}, which ${oakleyAuthName(method)} does not offer`
      : `policy does not allow ${oakleyAuthName(method)}: no end is an XAUTH server`;
  }
  return policy.unable?.[found.auth] ?? found;
}

/** `only OAKLEY_GROUP_MODP1024 and OAKLEY_GROUP_MODP1536 supported` */
function onlyGroups(suites: readonly IkeSuite[]): string {
  const names = [...new Set(suites.map(({ group }) => oakleyGroupName(GROUPS[group].number)))];
  const last = names.pop();
  return `only ${names.length ? `${names.join(", ")} and ` : ""}${last} supported`;
}
