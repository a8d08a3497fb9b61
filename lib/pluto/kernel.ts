/** The packet engine as pluto sees it: SAs, eroutes, shunts, what it asks. `klips_kernel.ts` does it by PF_KEY. */
import type { IpsecSa } from "../ike/state.ts";
import type { Address } from "../text/address.ts";
import type { Subnet } from "../text/subnet.ts";

/** What traffic an eroute is for. */
export interface Flow {
  readonly ours: Subnet;
  readonly peers: Subnet;
  /** 0 is any. */
  readonly protocol: number;
  readonly ourPort: number;
  readonly peersPort: number;
}

export type ShuntKind = "pass" | "drop" | "reject" | "hold" | "trap";

/** The SAs of one IPsec SA pair as KLIPS knows them, outermost SAID last. */
export interface InstalledSa {
  /** For status: `tun.1002@198.51.100.2`. */
  readonly tunnelOut?: number;
  readonly tunnelIn?: number;
}

export interface ErouteCount {
  readonly flow: Flow;
  readonly packets: number;
  /** `%hold`, `%pass`, ... or the SAID. */
  readonly target: string;
}

/** A peer that still has SAs with an earlier pluto. */
export interface OrphanedPeer {
  /** What the SAs are for, at its end. */
  readonly client: Subnet;
  readonly host: Address;
  /** Of ESP in UDP, by which a NAT tells its hosts apart. */
  readonly port?: number;
}

/** Every method throws KernelError with a sentence for the administrator where KLIPS refuses. */
export interface Kernel {
  readonly canCompress: boolean;
  /** Which virtual device carries which address, e.g. `ipsec0` over `eth0`. */
  interfaces(): Promise<
    readonly { readonly virtual: string; readonly physical: string; readonly addresses: readonly Address[] }[]
  >;
  /** @param checkArrivals inner addresses of what comes in by a tunnel must be those of the SA; default true */
  installInbound(sa: IpsecSa, checkArrivals?: boolean): Promise<InstalledSa>;
  installOutbound(sa: IpsecSa): Promise<InstalledSa>;
  /** What is not there is passed over. @param which default: both directions */
  remove(sa: IpsecSa, which?: "out"): Promise<void>;
  /** Leads a flow into the outbound SAs. @param replace what is there */
  addEroute(flow: Flow, sa: IpsecSa, replace: boolean): Promise<void>;
  addShunt(flow: Flow, kind: ShuntKind, replace: boolean): Promise<void>;
  deleteEroute(flow: Flow): Promise<void>;
  eroutes(): Promise<readonly ErouteCount[]>;
  /** Milliseconds since something came in by one of these SAs; undefined where nothing did, or it is unknown. */
  idleInbound(sas: readonly IpsecSa[]): Promise<number | undefined>;
  /** To whom SAs lead that an earlier pluto has left, and that nobody has taken over. */
  orphans(): readonly OrphanedPeer[];
  /**
   * Ends what an earlier pluto has left towards some networks, where nothing has come in by it for so long.
   *
   * @returns the networks that nothing leads to any more
   */
  releaseOrphans(which: (peers: Subnet) => boolean, silentMs: number): Promise<readonly Subnet[]>;
  /** Ports of the peer have changed: its SAs are told. */
  moveEncapsulation(sa: IpsecSa, remote: Address, remotePort: number): Promise<void>;
  close(): void;
}

/** A packet met a trap (pluto.md §17, §19.2). */
export interface Acquire {
  readonly from: Address;
  readonly to: Address;
  readonly protocol: number;
  readonly fromPort: number;
  readonly toPort: number;
}

export class KernelError extends Error {
  constructor(message: string, readonly errno?: number) {
    super(message);
    this.name = "KernelError";
  }
}
