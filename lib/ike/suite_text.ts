/**
 * Lists of suites as ike=, esp=, ah= and pfsgroup= write them: `aes256-sha2_256;modp2048,3des-md5-modp1536`. What a proposal
 * leaves out is filled in; old algorithms are never filled in, except with `legacy=yes`.
 */
import type { AuthName, CipherName } from "../crypto/algorithms.ts";
import type { GroupName } from "../crypto/dh_groups.ts";
import { ok, refuse, type Result } from "../text/result.ts";
import { IKE_CIPHERS } from "./algorithms.ts";
import type { IkeHashName, IkeSuite, IpsecSuite } from "./suite.ts";
import { findWord, ICV_BITS, unknownWord } from "./suite_words.ts";

/** More than this in one list is a mistake, and would not fit into a message. */
const MOST_SUITES = 64;
const LONGEST_TEXT = 1024;

type Cipher = { readonly cipher: "3des" | "aes" | "aesgcm"; readonly bits?: number };

/** What one proposal names; several of a kind are alternatives. */
interface Parts {
  readonly ciphers: Cipher[];
  readonly hashes: IkeHashName[];
  readonly groups: GroupName[];
  /** `null` or `none` stood for the authenticator. */
  hasNone: boolean;
}

export interface IpsecSuites {
  readonly suites: readonly IpsecSuite[];
  /** Of PFS, where the text names one. */
  readonly pfsGroup?: GroupName;
}

/** What is filled in, best first: [modern, legacy]. */
const FILL_HASHES = [["sha2_256", "sha2_512"], ["sha1"]] as const satisfies readonly IkeHashName[][];
const FILL_GROUPS = [["modp2048", "ecp256"], ["modp1536", "modp1024"]] as const satisfies readonly GroupName[][];
const FILL_BITS = [128, 256] as const;

function fill<T>(lists: readonly (readonly T[])[], legacy: boolean): readonly T[] {
  return legacy ? lists.flat() : lists[0];
}

/** @param legacy `legacy=yes` of config setup */
export function parseIkeSuites(text: string, legacy: boolean): Result<readonly IkeSuite[]> {
  return collect(text, (parts) => ikeSuites(parts, legacy), (suite) => Object.values(suite).join());
}

/** @param legacy `legacy=yes` of config setup */
export function parseEspSuites(text: string, legacy: boolean): Result<IpsecSuites> {
  return withGroup(text, (parts) => espSuites(parts, legacy));
}

export function parseAhSuites(text: string): Result<IpsecSuites> {
  return withGroup(text, ahSuites);
}

export function parseGroup(text: string): Result<GroupName> {
  const word = findWord(text);
  if (word?.kind === "group") return ok(word.group);
  if (word?.kind === "refused") return refuse(`"${text}" ${word.why}`);
  return refuse(word ? `"${text}" is no group: modp2048, ecp256 and the like` : unknownWord(text));
}

function collect<T>(
  text: string,
  make: (parts: Parts) => Result<readonly T[]>,
  keyOf: (one: T) => string,
): Result<T[]> {
  if (text.length > LONGEST_TEXT) return refuse(`is longer than ${LONGEST_TEXT} characters`);
  const found = new Map<string, T>();
  // A `!` of strongSwan's: nothing else is offered. Nothing else ever is.
  for (const proposal of text.replace(/!$/, "").split(",").map((one) => one.trim())) {
    const parts = readParts(proposal);
    if (!parts.ok) return parts;
    const made = make(parts.value);
    if (!made.ok) return refuse(`"${proposal}" ${made.error}`);
    for (const one of made.value) if (!found.has(keyOf(one))) found.set(keyOf(one), one);
    if (found.size > MOST_SUITES) return refuse(`has more than ${MOST_SUITES} combinations of algorithms`);
  }
  return ok([...found.values()]);
}

function withGroup(text: string, make: (parts: Parts) => Result<readonly IpsecSuite[]>): Result<IpsecSuites> {
  const groups = new Set<GroupName>();
  const noting = (parts: Parts) => {
    for (const group of parts.groups) groups.add(group);
    return make(parts);
  };
  const suites = collect(text, noting, ({ cipher, auth }) => `${cipher} ${auth}`);
  if (!suites.ok) return suites;
  const [pfsGroup, other] = groups;
  if (other) return refuse(`names both ${pfsGroup} and ${other}: all proposals have the same group for PFS`);
  return ok({ suites: suites.value, pfsGroup });
}

function readParts(proposal: string): Result<Parts> {
  const parts: Parts = { ciphers: [], hashes: [], groups: [], hasNone: false };
  if (proposal === "") return refuse("has nothing between commas, where an algorithm should be");
  let last = "";
  for (const text of proposal.split(/[-;+]/)) {
    const word = findWord(text);
    if (!word) return refuse(unknownWord(text));
    if (word.kind === "refused") return refuse(`"${text}" ${word.why}`);
    if (word.kind === "number") {
      const wrong = placeNumber(parts, word.number, last);
      if (wrong) return refuse(wrong);
    } else if (word.kind === "cipher") parts.ciphers.push(word);
    else if (word.kind === "hash") parts.hashes.push(word.hash);
    else if (word.kind === "group") parts.groups.push(word.group);
    else if (word.kind === "none") parts.hasNone = true;
    last = word.kind === "empty" ? last : text.toLowerCase();
  }
  return ok(parts);
}

/** A number belongs to the word before: `aes-256`, `md5-96`, `sha2-512`. @returns what is wrong */
function placeNumber(parts: Parts, number: number, last: string): string | undefined {
  const word = findWord(last);
  if (word?.kind === "cipher" && word.cipher !== "3des" && word.bits === undefined) {
    const whole = findWord(`${last}_${number}`);
    if (whole?.kind === "cipher") return void parts.ciphers.splice(-1, 1, whole);
    return whole?.kind === "refused"
      ? `"${last}-${number}" ${whole.why}`
      : `"${last}-${number}" is no key length of ${last}`;
  }
  if (word?.kind === "hash") {
    if (ICV_BITS[word.hash] === number) return undefined;
    const whole = /^sha2?$/.test(last) ? findWord(`sha2_${number}`) : undefined;
    if (whole?.kind === "hash") return void parts.hashes.splice(-1, 1, whole.hash);
    return `"${last}-${number}" is no length for ${last}: it is cut to ${ICV_BITS[word.hash]} bits`;
  }
  return `"${number}" stands behind nothing that it could be the length of`;
}

function ikeSuites({ ciphers, hashes, groups, hasNone }: Parts, legacy: boolean): Result<readonly IkeSuite[]> {
  if (!ciphers.length) return refuse(NO_CIPHER);
  if (ciphers.some(({ cipher }) => cipher === "aesgcm")) {
    return refuse("has AES-GCM, which version 1 of IKE has for ESP only: use aes256-sha2_256");
  }
  if (hasNone) return refuse("has no hash, which IKE needs: use sha2_256");
  const named = ciphers.flatMap(({ cipher, bits }): Pick<IkeSuite, "cipher" | "keyBits">[] =>
    cipher === "3des"
      ? [{ cipher, keyBits: IKE_CIPHERS["3des"].keyBits[0] }]
      : (bits ? [bits] : FILL_BITS).map((keyBits) => ({ cipher: "aes", keyBits }))
  );
  const useGroups = groups.length ? groups : fill<GroupName>(FILL_GROUPS, legacy);
  const useHashes = hashes.length ? hashes : fill<IkeHashName>(FILL_HASHES, legacy);
  return ok(
    useGroups.flatMap((group) =>
      named.flatMap(({ cipher, keyBits }) => useHashes.map((hash) => ({ cipher, keyBits, hash, group })))
    ),
  );
}

const NO_CIPHER = "names no cipher: begin it with aes256, aes128 or the like";

function espSuites({ ciphers, hashes, hasNone }: Parts, legacy: boolean): Result<readonly IpsecSuite[]> {
  if (!ciphers.length) {
    return refuse(
      hasNone ? "has null encryption, which looks like ESP that hides something: use ah= instead" : NO_CIPHER,
    );
  }
  const needsHash = ciphers.some(({ cipher }) => cipher !== "aesgcm");
  if (needsHash && hasNone) {
    return refuse("has no authentication, without which encryption can be broken: add sha2_256, or use aes256gcm16");
  }
  if (!needsHash && hashes.length) return refuse("authenticates by itself: leave the hash out");
  const useHashes = hashes.length ? hashes : fill<IkeHashName>(FILL_HASHES, legacy);
  return ok(ciphers.flatMap((cipher) => {
    const names = cipherNames(cipher);
    if (cipher.cipher === "aesgcm") return names.map((name): IpsecSuite => ({ protocol: "esp", cipher: name }));
    return names.flatMap((name) =>
      useHashes.map((hash): IpsecSuite => ({ protocol: "esp", cipher: name, auth: authName(hash) }))
    );
  }));
}

function cipherNames({ cipher, bits }: Cipher): CipherName[] {
  if (cipher === "3des") return ["3des"];
  const suffix = cipher === "aes" ? "" : "gcm16";
  return (bits ? [bits] : FILL_BITS).map((one) => `aes${one}${suffix}` as CipherName);
}

function authName(hash: IkeHashName): AuthName {
  return `${hash}-${ICV_BITS[hash]}` as AuthName;
}

function ahSuites({ ciphers, hashes, hasNone }: Parts): Result<readonly IpsecSuite[]> {
  if (ciphers.length) return refuse("has a cipher: AH only authenticates, and esp= is for both");
  if (hasNone || !hashes.length) return refuse("names no hash: use sha2_256");
  return ok(hashes.map((hash): IpsecSuite => ({ protocol: "ah", auth: authName(hash) })));
}

function parsed<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`Cannot make the default suites: ${result.error}`);
  return result.value;
}

/** Modern ones are taken by strongSwan 5.9 and libreswan 4; old ones by whatever came before. */
const DEFAULT_IKE = [
  "aes256-sha2_256-modp2048,aes128-sha2_256-modp2048,aes256-sha2_512-modp4096,aes256-sha2_384-ecp384,aes128-sha2_256-ecp256",
  "aes256-sha1-modp2048,aes128-sha1-modp1536,3des-md5-modp1536,3des-sha1-modp1536,3des-sha1-modp1024,3des-md5-modp1024",
] as const;
const DEFAULT_ESP = [
  "aes256gcm16,aes128gcm16,aes256-sha2_256,aes128-sha2_256,aes256-sha2_512",
  "aes128-sha1,3des-md5,3des-sha1",
] as const;
const DEFAULT_AH = ["sha2_256,sha2_512", "sha1,md5"] as const;

/** What a connection has that names nothing; best first. */
export function DEFAULT_IKE_SUITES(legacy: boolean): readonly IkeSuite[] {
  return parsed(parseIkeSuites(legacy ? DEFAULT_IKE.join() : DEFAULT_IKE[0], false));
}

export function DEFAULT_ESP_SUITES(legacy: boolean): readonly IpsecSuite[] {
  return parsed(parseEspSuites(legacy ? DEFAULT_ESP.join() : DEFAULT_ESP[0], false)).suites;
}

export function DEFAULT_AH_SUITES(legacy: boolean): readonly IpsecSuite[] {
  return parsed(parseAhSuites(legacy ? DEFAULT_AH.join() : DEFAULT_AH[0])).suites;
}
