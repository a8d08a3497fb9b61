/** The report of public keys as JSON (whack.md §10). */

export interface ListedKey {
  readonly installed: string;
  readonly bits: number;
  readonly keyId: string;
  /** Undefined for a key that does not expire. */
  readonly until?: string;
  readonly status: string;
  readonly id: string;
  readonly idType: string;
  readonly issuer?: string;
}

const FIRST = /^000 (.+), +(\d+) RSA Key (\S+), until (.+?) ((?:ok|warning|fatal).*)$/;
const ID = /^000 {8}(ID_\w+) '(.*)'$/;
const ISSUER = /^000 {8}Issuer '(.*)'$/;
const NEVER = /^-+ /;

/** @param lines as whack prints them; those of other reports are passed over */
export function parseKeyList(lines: readonly string[]): ListedKey[] {
  const keys: Partial<{ -readonly [K in keyof ListedKey]: ListedKey[K] }>[] = [];
  for (const line of lines) {
    const first = FIRST.exec(line), id = ID.exec(line), issuer = ISSUER.exec(line);
    if (first) {
      const [, installed, bits, keyId, until, status] = first;
      keys.push({ installed, bits: Number(bits), keyId, ...(!NEVER.test(until) && { until }), status });
    } else if (id && keys.length) Object.assign(keys.at(-1)!, { idType: id[1], id: id[2] });
    else if (issuer && keys.length) keys.at(-1)!.issuer = issuer[1];
  }
  return keys as ListedKey[];
}
