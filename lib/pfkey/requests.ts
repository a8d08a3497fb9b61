/** The PF_KEY requests that tools and key daemons make (klips.md §2 to §6, §12). The client numbers them. */
import {
  type DebugWord,
  MESSAGES,
  NAT_T_ESPINUDP,
  NO_REFERENCE,
  protocolSatype,
  SA_FLAG,
  SA_STATE,
} from "./constants.ts";
import type { PfkeyRequest } from "./client.ts";
import type { AddressExtension, Extensions, KeyExtension, LifetimeExtension, SaExtension } from "./message.ts";
import { type Address, anyAddress } from "../text/address.ts";
import type { SaId } from "../text/sa_id.ts";
import { maskBytes } from "../text/mask.ts";
import type { Subnet } from "../text/subnet.ts";

export type DebugWords = Record<DebugWord, number>;

/** A selector: ports are in the subnets, 0 is any. */
export interface Flow {
  readonly source: Subnet;
  readonly destination: Subnet;
  readonly protocol: number;
}

/** Limits of a lifetime that are set. */
export type Limits = Partial<LifetimeExtension>;

export interface NewSa {
  readonly id: SaId;
  readonly source: Address;
  /** Number of the authenticator; 0 for none. */
  readonly auth: number;
  /** Number of the cipher, or of the compression; 0 for none. */
  readonly encrypt: number;
  readonly authKey: Uint8Array | undefined;
  readonly encryptionKey: Uint8Array | undefined;
  readonly replayWindow: number;
  readonly esn: boolean;
  readonly soft: Limits;
  readonly hard: Limits;
  readonly udp: { sport: number; dport: number; originalAddress: Address | undefined } | undefined;
}

function request(row: { readonly number: number }, satype: number, extensions: Extensions): PfkeyRequest {
  return { type: row.number, satype, extensions };
}

function address(address: Address, port = 0): AddressExtension {
  return { address, port, proto: 0, prefixLength: 0 };
}

function sa(spi: number, rest: Partial<SaExtension> = {}): SaExtension {
  return { spi, replay: 0, state: SA_STATE.LARVAL, auth: 0, encrypt: 0, flags: 0, ref: NO_REFERENCE, ...rest };
}

function flowExtensions({ source, destination, protocol }: Flow): Extensions {
  const mask = ({ address: { family, bytes }, bits, port }: Subnet) =>
    address({ family, bytes: maskBytes(bits, bytes.length) }, port ? 0xffff : 0);
  return {
    sourceFlow: address(source.address, source.port),
    destinationFlow: address(destination.address, destination.port),
    sourceMask: mask(source),
    destinationMask: mask(destination),
    ...(protocol ? { protocol: { protocol, direction: 0, flags: 0 } } : {}),
  };
}

/** @param flags of {@linkcode SA_FLAG}: REPLACEFLOW, INFLOW or none */
export function addFlow(id: SaId, flow: Flow, flags: number): PfkeyRequest {
  return request(MESSAGES.X_ADDFLOW, protocolSatype(id.protocol), {
    sa: sa(id.spi, { flags }),
    source: address(anyAddress(id.destination.family)),
    destination: address(id.destination),
    ...flowExtensions(flow),
  });
}

export function deleteFlow(flow: Flow): PfkeyRequest {
  return request(MESSAGES.X_DELFLOW, 0, flowExtensions(flow));
}

export function clearFlows(): PfkeyRequest {
  return request(MESSAGES.X_DELFLOW, 0, { sa: sa(0, { flags: SA_FLAG.CLEARFLOW }) });
}

export function addSa(made: NewSa): PfkeyRequest {
  const { id, source, auth, encrypt, udp } = made;
  return request(MESSAGES.ADD, protocolSatype(id.protocol), {
    sa: sa(id.spi, {
      replay: made.replayWindow,
      state: SA_STATE.MATURE,
      auth,
      encrypt,
      flags: made.esn ? SA_FLAG.ESN : 0,
    }),
    ...lifetime("lifetimeSoft", made.soft),
    ...lifetime("lifetimeHard", made.hard),
    source: address(source),
    destination: address(id.destination),
    ...(made.authKey ? { keyAuth: key(made.authKey) } : {}),
    ...(made.encryptionKey ? { keyEncrypt: key(made.encryptionKey) } : {}),
    ...(udp
      ? {
        natType: NAT_T_ESPINUDP,
        natSport: udp.sport,
        natDport: udp.dport,
        ...(udp.originalAddress ? { natOa: address(udp.originalAddress) } : {}),
      }
      : {}),
  });
}

function key(bytes: Uint8Array): KeyExtension {
  return { bits: bytes.length * 8, key: bytes };
}

/** A lifetime extension where at least one limit of its severity was given. */
function lifetime(field: "lifetimeSoft" | "lifetimeHard", limits: Limits): Extensions {
  if (Object.keys(limits).length === 0) return {};
  const none: LifetimeExtension = { allocations: 0, bytes: 0, addtime: 0, usetime: 0, packets: 0 };
  return { [field]: { ...none, ...limits } };
}

export function deleteSa(id: SaId, source: Address): PfkeyRequest {
  return request(MESSAGES.DELETE, protocolSatype(id.protocol), {
    sa: sa(id.spi),
    source: address(source),
    destination: address(id.destination),
  });
}

/** Where packets of an SA in UDP go now: ports, and the peer's address as its NAT shows it. Keys and counts stay. */
export function moveSa(
  id: SaId,
  source: Address,
  { sport, dport, peer }: { readonly sport: number; readonly dport: number; readonly peer: Address },
): PfkeyRequest {
  return request(MESSAGES.UPDATE, protocolSatype(id.protocol), {
    sa: sa(id.spi, { state: SA_STATE.MATURE }),
    source: address(source),
    destination: address(id.destination),
    proxy: address(peer),
    natType: NAT_T_ESPINUDP,
    natSport: sport,
    natDport: dport,
  });
}

export function flushSas(): PfkeyRequest {
  return request(MESSAGES.FLUSH, 0, {});
}

/** Makes `outer` the neighbour that is applied after `inner`. */
export function groupSas(inner: SaId, outer: SaId): PfkeyRequest {
  return request(MESSAGES.X_GRPSA, protocolSatype(inner.protocol), {
    sa: sa(inner.spi),
    destination: address(inner.destination),
    satype2: protocolSatype(outer.protocol),
    sa2: sa(outer.spi),
    destination2: address(outer.destination),
  });
}

export function ungroupSa(id: SaId): PfkeyRequest {
  return request(MESSAGES.X_GRPSA, protocolSatype(id.protocol), {
    sa: sa(id.spi),
    destination: address(id.destination),
  });
}

export function setDebug(words: DebugWords): PfkeyRequest {
  return request(MESSAGES.X_DEBUG, 0, { debug: words });
}
