/** RSA keys in KEY records of old peers (RFC 2535 §3) and in IPSECKEY records (RFC 4025). */
import { decodeRsaPublicKey, type RsaPublicKey } from "../crypto/rsa.ts";
import { type Address, isAnyAddress } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import { ok, refuse, type Result } from "../text/result.ts";
import type { Delegation } from "./x_ipsec_server.ts";

const KEY = { head: 4, protocolIpsec: 4, algorithmRsa: 1, noKey: 0x8000, reserved: 0x2cf0 } as const;

/** @returns undefined for a key of another use */
export function parseKeyRecord(data: Uint8Array): Result<RsaPublicKey> | undefined {
  if (data.length < KEY.head) return refuse("KEY rr RDATA too short");
  const flags = data[0] << 8 | data[1];
  if (data[2] !== KEY.protocolIpsec || data[3] !== KEY.algorithmRsa || flags & (KEY.noKey | KEY.reserved)) {
    return undefined;
  }
  const key = decodeRsaPublicKey(data.subarray(KEY.head));
  return key.ok ? key : refuse(`invalid key data: ${key.error}`);
}

const ALGORITHM = { none: 0, rsa: 2 } as const;

/**
 * Precedence, gateway type, algorithm, gateway, key (RFC 4025 §2).
 *
 * @returns undefined for a key of another algorithm; the gateway is `none` where the record names none, which means the
 * host itself
 */
export function parseIpseckey(data: Uint8Array): Result<Delegation> | undefined {
  if (data.length < 3) return refuse("IPSECKEY rr RDATA too short");
  const [precedence, gatewayType, algorithm] = data;
  const gateway = parseGateway(gatewayType, data.subarray(3));
  if (!gateway.ok) return gateway;
  const rest = data.subarray(3 + gateway.value.length);
  if (algorithm === ALGORITHM.none && rest.length === 0) {
    return ok({ precedence, gateway: gateway.value.id, key: undefined });
  }
  if (algorithm !== ALGORITHM.rsa) return undefined;
  const key = decodeRsaPublicKey(rest);
  if (!key.ok) return refuse(`invalid key data: ${key.error}`);
  return ok({ precedence, gateway: gateway.value.id, key: key.value });
}

interface Gateway {
  readonly id: Identity;
  /** Bytes of the record. */
  readonly length: number;
}

const FAMILIES: readonly (undefined | { readonly family: Address["family"]; readonly length: number })[] = [
  undefined,
  { family: "inet", length: 4 },
  { family: "inet6", length: 16 },
];
const NAME = 3;

function parseGateway(type: number, bytes: Uint8Array): Result<Gateway> {
  if (type === 0) return ok({ id: { kind: "none" }, length: 0 });
  if (type === NAME) return parseName(bytes);
  const form = FAMILIES[type];
  if (!form) return refuse(`unknown gateway type ${type} in IPSECKEY`);
  if (bytes.length < form.length) return refuse("IPSECKEY rr RDATA too short");
  const address = { family: form.family, bytes: new Uint8Array(bytes.subarray(0, form.length)) };
  if (isAnyAddress(address)) return refuse("gateway address must not be 0.0.0.0 or 0::0");
  return ok({ id: { kind: "address", address }, length: form.length });
}

/** A name without compression (RFC 4025 §2.5). */
function parseName(bytes: Uint8Array): Result<Gateway> {
  const labels: string[] = [];
  for (let at = 0; at < bytes.length && at < 255;) {
    const length = bytes[at++];
    if (length === 0) {
      return labels.length
        ? ok({ id: { kind: "fqdn", name: labels.join(".") }, length: at })
        : refuse("malformed FQDN in IPSECKEY: the root is no gateway");
    }
    if (length > 63 || at + length > bytes.length) break;
    const label = String.fromCharCode(...bytes.subarray(at, at + length));
    if (!/^[\w-]+$/.test(label)) return refuse("malformed FQDN in IPSECKEY");
    labels.push(label);
    at += length;
  }
  return refuse("malformed FQDN in IPSECKEY");
}
