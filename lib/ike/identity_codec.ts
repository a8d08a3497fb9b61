/** Who somebody is, in the ID payload of phase 1 (RFC 2407 §4.6.2; pluto.md §12.1). Clients of phase 2: client_ids.ts. */
import { isAnyAddress, makeAddress } from "../text/address.ts";
import type { DnPart, Identity } from "../text/identity.ts";
import { ok, refuse, type Result } from "../text/result.ts";
import { ID_TYPE, idTypeName } from "./constants.ts";
import { decodeDn, encodeDn } from "./dn_codec.ts";
import type { Payload } from "./payload.ts";

type IdPayload = Extract<Payload, { type: "ID" }>;

/** With protocol and port 0. @throws RangeError for an identity that nobody has, e.g. `%any` */
export function encodeIdentity(id: Identity): IdPayload {
  const { idType, data } = encode(id);
  return { type: "ID", idType, protocol: 0, port: 0, data };
}

function encode(id: Identity): Pick<IdPayload, "idType" | "data"> {
  const text = (name: string) => new TextEncoder().encode(name);
  switch (id.kind) {
    case "address": {
      const { family, bytes } = id.address;
      return { idType: family === "inet" ? ID_TYPE.IPV4_ADDR : ID_TYPE.IPV6_ADDR, data: bytes };
    }
    case "name":
    case "fqdn":
      return { idType: ID_TYPE.FQDN, data: text(id.name) };
    case "user":
      return { idType: ID_TYPE.USER_FQDN, data: text(id.name) };
    case "keyid":
      return { idType: ID_TYPE.KEY_ID, data: id.bytes };
    case "dn":
      return { idType: ID_TYPE.DER_ASN1_DN, data: encodeDn(id.parts) };
    case "der":
      return { idType: ID_TYPE.DER_ASN1_DN, data: id.bytes };
    case "any":
    case "none":
      throw new RangeError(`Cannot encode the identity '${id.kind}': it is nobody's`);
  }
}

/** Total; protocol and port are looked at elsewhere. @returns who it is, or the sentence why nobody */
export function decodeIdentity({ idType, data }: Pick<IdPayload, "idType" | "data">): Result<Identity> {
  if (!data.length) return improper(idType, "it is empty");
  switch (idType) {
    case ID_TYPE.IPV4_ADDR:
    case ID_TYPE.IPV6_ADDR:
      return decodeAddress(idType, data);
    case ID_TYPE.FQDN:
    case ID_TYPE.USER_FQDN:
      return decodeName(idType, data);
    case ID_TYPE.DER_ASN1_DN:
      return decodeDerDn(data);
    case ID_TYPE.KEY_ID:
      return ok({ kind: "keyid", bytes: data });
    default:
      return refuse(`Unacceptable identity type (${idTypeName(idType)}) in Phase 1 ID Payload`);
  }
}

function improper(idType: number, why: string): Result<Identity> {
  return refuse(`improper ${idTypeName(idType)} identification payload: ${why}`);
}

function decodeAddress(idType: number, data: Uint8Array): Result<Identity> {
  const address = makeAddress(data, idType === ID_TYPE.IPV4_ADDR ? "inet" : "inet6");
  if (!address.ok) return improper(idType, address.error);
  if (isAnyAddress(address.value)) return improper(idType, "it is the unspecified address");
  return ok({ kind: "address", address: address.value });
}

const CONTROL = /\p{Cc}/u;

function decodeName(idType: number, data: Uint8Array): Result<Identity> {
  if (data.includes(0)) return refuse(`Phase 1 ID Payload of type ${idTypeName(idType)} contains a NUL`);
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return improper(idType, "it is no UTF-8");
  }
  if (CONTROL.test(name)) return improper(idType, "it contains a control character");
  if (idType === ID_TYPE.FQDN) return ok({ kind: "fqdn", name });
  return name.includes("@") ? ok({ kind: "user", name }) : refuse("peer's ID_USER_FQDN contains no @");
}

/** A name that cannot be written as text stays in DER. */
function decodeDerDn(data: Uint8Array): Result<Identity> {
  const dn = decodeDn(data);
  return dn.ok ? ok({ kind: "dn", parts: dn.value, text: formatDn(dn.value) }) : ok({ kind: "der", bytes: data });
}

/** `C=CH, O=Example, CN=west` */
function formatDn(parts: readonly DnPart[]): string {
  return parts.map(({ attribute, value }) => `${attribute}=${value}`).join(", ");
}
