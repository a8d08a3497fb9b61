/** A connection as `ipsec auto --add` and `ipsec whack` describe it to pluto (whack.md §2.2). Plain data: it goes as JSON. */

export interface EndDescription {
  /** An address, or a name that has been looked up, or one of these words. */
  readonly host: string;
  readonly id?: string;
  readonly cert?: string;
  readonly ca?: string;
  readonly ikePort?: number;
  /** `%direct`, or an address. */
  readonly nextHop?: string;
  readonly client?: string;
  readonly clientWithin?: string;
  /** `vhost:` and `vnet:` forms, as in ipsec.conf. */
  readonly virtual?: string;
  /** `PROTO/PORT` */
  readonly protoPort?: string;
  readonly dnsKeyOnDemand?: boolean;
  readonly updown?: string;
  readonly sourceIp?: string;
  /** `A-B`, or a network. */
  readonly addressPool?: string;
  readonly xauthServer?: boolean;
  readonly xauthClient?: boolean;
  readonly xauthUser?: string;
  readonly modecfgServer?: boolean;
  readonly modecfgClient?: boolean;
}

export type ShuntName = "trap" | "pass" | "drop" | "reject";

export interface ConnectionDescription {
  readonly left: EndDescription;
  readonly right: EndDescription;
  readonly hostFamily?: "inet" | "inet6";
  readonly clientFamily?: "inet" | "inet6";
  readonly psk: boolean;
  readonly rsasig: boolean;
  readonly encrypt: boolean;
  readonly authenticate: boolean;
  readonly compress: boolean;
  readonly tunnel: boolean;
  readonly pfs: boolean;
  readonly disableArrivalCheck: boolean;
  readonly dontRekey: boolean;
  /** Fate of traffic while no SA is there. */
  readonly shunt: ShuntName;
  /** After keying has failed. */
  readonly failure: "none" | "pass" | "drop" | "reject";
  readonly ikeLifetimeSeconds: number;
  readonly ipsecLifetimeSeconds: number;
  readonly rekeyMarginSeconds: number;
  readonly rekeyFuzzPercent: number;
  /** 0: for ever. */
  readonly keyingTries: number;
  // of descendants
  readonly ike?: string;
  readonly esp?: string;
  readonly ah?: string;
  readonly pfsGroup?: string;
  readonly aggressive?: boolean;
  readonly dpd?: { readonly delaySeconds: number; readonly timeoutSeconds: number; readonly action: string };
  readonly forceEncapsulation?: boolean;
  readonly natTraversal?: boolean;
  readonly fragmentation?: boolean;
  readonly modecfgPull?: boolean;
  readonly modecfgDns?: readonly string[];
  readonly modecfgWins?: readonly string[];
  readonly modecfgDomains?: readonly string[];
  readonly modecfgBanner?: string;
  readonly xauthBy?: string;
  /** `legacy=yes` of config setup. */
  readonly legacy?: boolean;
}
