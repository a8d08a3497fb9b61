/** TXT records of opportunistic encryption, `X-IPsec-Server(10)=192.0.2.1 AQ...` (RFC 4322 §5.2, pluto.md §19.1). */
import { decodeRsaPublicKey, type RsaPublicKey } from "../crypto/rsa.ts";
import { parseData } from "../text/data.ts";
import { type Identity, parseIdentity } from "../text/identity.ts";
import { isAnyAddress, parseNumericAddress } from "../text/address.ts";
import { numberPrefix } from "../text/c_number.ts";
import { ok, refuse, type Result } from "../text/result.ts";

/** What a record delegates to. */
export interface Delegation {
  /** Lower is better. */
  readonly precedence: number;
  /** The gateway: an address, or a name written with `@`. */
  readonly gateway: Identity;
  readonly key: RsaPublicKey | undefined;
}

const KEYWORD = /^[ \t]*X-IPsec-Server/i;
/** Text of a whole record, all strings together. */
const LONGEST_TEXT = 8192;
const LONGEST_KEY_BYTES = 2048;

/** @returns undefined for a record about something else */
export function parseXIpsecServer(strings: readonly Uint8Array[]): Result<Delegation> | undefined {
  const length = strings.reduce((sum, { length }) => sum + length, 0);
  const text = strings.map((one) => String.fromCharCode(...one)).join("");
  const keyword = KEYWORD.exec(text);
  if (!keyword) return undefined;
  if (length > LONGEST_TEXT) return refuse("TXT rr RDATA too large");
  if (text.includes("\0")) return refuse("TXT rr RDATA contains a NUL");
  return parseAfterKeyword(text.slice(keyword[0].length));
}

function parseAfterKeyword(text: string): Result<Delegation> {
  const open = skip(text, "(");
  if (open === undefined) return refuse("X-IPsec-Server missing '('");
  const { value: precedence, length } = numberPrefix(open);
  if (length === 0 || precedence < 0) return refuse("malformed X-IPsec-Server priority");
  const close = skip(open.slice(length), ")");
  if (close === undefined) return refuse("X-IPsec-Server priority missing ')'");
  if (precedence > 0xffff) return refuse("X-IPsec-Server priority larger than 0xFFFF");
  const equals = skip(close, "=");
  if (equals === undefined) return refuse("X-IPsec-Server priority missing '='");
  const [name, key, extra] = equals.trim().split(/[ \t]+/);
  if (!name) return refuse("TXT X-IPsec-Server badly formed (no gateway specified)");
  const gateway = parseGateway(name);
  if (!gateway.ok) return gateway;
  if (key === undefined) return ok({ precedence, gateway: gateway.value, key: undefined });
  if (extra !== undefined) return refuse("malformed key data: the key must be one word");
  const parsed = parseKey(key);
  return parsed.ok ? ok({ precedence, gateway: gateway.value, key: parsed.value }) : parsed;
}

/** @returns what follows `character` and the blanks before it */
function skip(text: string, character: string): string | undefined {
  const start = text.trimStart();
  return start.startsWith(character) ? start.slice(1) : undefined;
}

function parseGateway(text: string): Result<Identity> {
  if (text.startsWith("@")) {
    const id = parseIdentity(text);
    if (id.ok && id.value.kind === "fqdn") return id;
    return refuse(`malformed FQDN in TXT X-IPsec-Server: ${id.ok ? "not a name" : id.error}`);
  }
  const address = parseNumericAddress(text, 0);
  if (!address.ok) return refuse(`malformed IP address in TXT X-IPsec-Server: ${address.error}`);
  if (isAnyAddress(address.value)) return refuse("gateway address must not be 0.0.0.0 or 0::0");
  return ok({ kind: "address", address: address.value });
}

function parseKey(text: string): Result<RsaPublicKey> {
  const data = parseData(text, 64);
  if (!data.ok) return refuse(`malformed key data: ${data.error}`);
  if (data.value.length > LONGEST_KEY_BYTES) return refuse(`key data larger than ${LONGEST_KEY_BYTES} bytes`);
  const key = decodeRsaPublicKey(data.value);
  return key.ok ? key : refuse(`invalid key data: ${key.error}`);
}
