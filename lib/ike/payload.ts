/** The payloads of ISAKMP as values (RFC 2408 §3, RFC 2407 §4.6); {@linkcode file://./payload_codec.ts} has their bytes. */

/** A data attribute (RFC 2408 §3.3): a number in the short form, bytes in the long one. */
export interface Attribute {
  readonly type: number;
  readonly value: number | Uint8Array;
}

export interface Transform {
  readonly number: number;
  readonly id: number;
  readonly attributes: readonly Attribute[];
}

export interface Proposal {
  readonly number: number;
  readonly protocol: number;
  readonly spi: Uint8Array;
  readonly transforms: readonly Transform[];
}

/** What each payload holds, by its name; `raw` is the body as it was on the wire, which HASHes of phase 1 cover. */
export type Payload =
  | {
    readonly type: "SA";
    readonly doi: number;
    readonly situation: number;
    readonly proposals: readonly Proposal[];
    readonly raw?: Uint8Array;
  }
  | { readonly type: "KE" | "HASH" | "SIG" | "NONCE" | "VID"; readonly data: Uint8Array }
  | {
    readonly type: "ID";
    readonly idType: number;
    readonly protocol: number;
    readonly port: number;
    readonly data: Uint8Array;
    readonly raw?: Uint8Array;
  }
  | { readonly type: "CERT" | "CR"; readonly encoding: number; readonly data: Uint8Array }
  | {
    readonly type: "N";
    readonly doi: number;
    readonly protocol: number;
    readonly spi: Uint8Array;
    readonly notify: number;
    readonly data: Uint8Array;
  }
  | { readonly type: "D"; readonly doi: number; readonly protocol: number; readonly spis: readonly Uint8Array[] }
  /** Configuration Method (draft-ietf-ipsec-isakmp-mode-cfg-05 §3.2). */
  | {
    readonly type: "ATTR";
    readonly kind: number;
    readonly identifier: number;
    readonly attributes: readonly Attribute[];
  }
  /** RFC 3947 §3.2 and §5.2; `draft` has the numbers that peers before the RFC use. */
  | { readonly type: "NAT-D"; readonly draft?: boolean; readonly data: Uint8Array }
  | { readonly type: "NAT-OA"; readonly draft?: boolean; readonly idType: number; readonly data: Uint8Array }
  /** A piece of a message, as strongSwan, libreswan and others send it for IKE version 1. */
  | {
    readonly type: "FRAG";
    readonly id: number;
    readonly number: number;
    readonly last: boolean;
    readonly data: Uint8Array;
  }
  | { readonly type: "unknown"; readonly payloadNumber: number; readonly data: Uint8Array };

export type PayloadType = Payload["type"];

/** A payload that was received: `start` and `end` are offsets in the decrypted payloads, generic header included. */
export type ReceivedPayload = Payload & { readonly start: number; readonly end: number };

/** RFC 2408 §3.1. Cookies are 8 bytes each; length and first payload follow from the payloads. */
export interface IsakmpHeader {
  readonly initiatorCookie: Uint8Array;
  readonly responderCookie: Uint8Array;
  readonly exchange: number;
  readonly flags: number;
  readonly messageId: number;
}
