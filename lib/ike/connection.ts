/** What IKE must know of a connection. `lib/pluto` keeps the connections; here is the side that exchanges see. */
import type { GroupName } from "../crypto/dh_groups.ts";
import type { Address } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import type { Subnet } from "../text/subnet.ts";
import type { AuthMethod, IkeSuite, IpsecSuite, Mode } from "./suite.ts";

export interface IkeEnd {
  /** The unspecified address where the peer may have any. */
  readonly host: Address;
  /** Of IKE; 500 unless said otherwise. */
  readonly port: number;
  /** `any` where every identity is accepted. */
  readonly id: Identity;
  /** Default: the host itself. */
  readonly client?: Subnet;
  /** Selectors of phase 2; 0 is any. */
  readonly protocol: number;
  readonly clientPort: number;
  readonly xauthServer: boolean;
  readonly xauthClient: boolean;
  readonly xauthUser?: string;
  readonly modecfgServer: boolean;
  readonly modecfgClient: boolean;
  /** leftsourceip=: of our end the address to be used inside; of the peer's the one that a Mode Config server gives. */
  readonly sourceIp?: Address;
}

export interface DpdPolicy {
  readonly delaySeconds: number;
  readonly timeoutSeconds: number;
  readonly action: "none" | "hold" | "clear" | "restart";
}

export interface IkeConnection {
  readonly name: string;
  /** `"NAME"INST` as log lines begin (pluto.md §3.2), e.g. `"road"[2] 203.0.113.9`. */
  readonly label: string;
  readonly ours: IkeEnd;
  readonly peers: IkeEnd;
  /** Empty: never negotiates. */
  readonly auth: readonly AuthMethod[];
  /** What phase 1 offers and accepts, best first; never empty. */
  readonly ikeSuites: readonly IkeSuite[];
  /** What phase 2 offers and accepts, best first; empty for an ISAKMP-only connection. */
  readonly ipsecSuites: readonly IpsecSuite[];
  readonly compress: boolean;
  readonly mode: Mode;
  readonly pfs: boolean;
  /** Default: the group of phase 1. */
  readonly pfsGroup?: GroupName;
  readonly aggressive: boolean;
  readonly ikeLifetimeSeconds: number;
  readonly ipsecLifetimeSeconds: number;
  readonly rekey: boolean;
  readonly dpd?: DpdPolicy;
  /** Encapsulate ESP in UDP even where no NAT was found. */
  readonly forceEncapsulation: boolean;
  readonly natTraversal: boolean;
  /** A Mode Config client asks for an address instead of waiting for the server to send one. */
  readonly modecfgPull: boolean;
  /** That it had last, and would like to have again. */
  readonly lastAssigned?: Address;
  readonly fragmentation: boolean;
  /** Words of the policy, joined by `+` (whack.md §9.2). */
  readonly policyText: string;
}
