/** Why packets are dropped: one row each, which is the counter, its name in listings, and what the data path returns. */

interface DropRow {
  /** The standard counter of the device that it adds to (klips.md §18). */
  readonly counter: "rxDropped" | "rxErrors" | "txDropped" | "txErrors";
  readonly text: string;
}

export const DROP_REASONS = {
  BAD_PACKET: { counter: "rxErrors", text: "not a well-formed IP packet" },
  TRUNCATED: { counter: "rxErrors", text: "cut short" },
  BAD_PACKET_OUT: { counter: "txDropped", text: "not a well-formed IP packet (outgoing)" },
  IP_OPTIONS: { counter: "txDropped", text: "IP options" },
  NO_EROUTE: { counter: "txDropped", text: "no eroute" },
  DROP: { counter: "txDropped", text: "%drop" },
  REJECT: { counter: "txDropped", text: "%reject" },
  HOLD: { counter: "txDropped", text: "%hold" },
  TRAP: { counter: "txDropped", text: "%trap" },
  UNKNOWN_SA_OUT: { counter: "txDropped", text: "eroute names an unknown SA" },
  SA_STATE_OUT: { counter: "txErrors", text: "SA not mature (outgoing)" },
  LIFETIME_OUT: { counter: "txErrors", text: "lifetime of the SA exceeded (outgoing)" },
  SEQUENCE_EXHAUSTED: { counter: "txErrors", text: "sequence numbers used up" },
  NO_ROOM: { counter: "txErrors", text: "no room" },
  FRAGMENT: { counter: "txDropped", text: "a fragment, which transport mode cannot carry" },
  TOO_BIG: { counter: "txErrors", text: "too big" },
  RECURSION: { counter: "txErrors", text: "tunnels nested too deep" },
  SEND_FAILED: { counter: "txErrors", text: "refused by the network" },
  UNKNOWN_SA: { counter: "rxDropped", text: "no such SA" },
  SA_LARVAL: { counter: "rxDropped", text: "SA larval" },
  SA_DEAD: { counter: "rxDropped", text: "SA dead" },
  WRONG_SOURCE: { counter: "rxDropped", text: "not from the SA's source" },
  WRONG_ORDER: { counter: "rxDropped", text: "SAs in another order than grouped" },
  WRONG_ENCAPSULATION: { counter: "rxDropped", text: "UDP encapsulation differs from the SA's" },
  LIFETIME: { counter: "rxDropped", text: "lifetime of the SA exceeded" },
  REPLAYED: { counter: "rxDropped", text: "replayed or too old" },
  AUTH_FAILED: { counter: "rxDropped", text: "authentication failed" },
  BAD_SIZE: { counter: "rxErrors", text: "length does not fit the algorithm" },
  PAD_TOO_LONG: { counter: "rxDropped", text: "padding longer than the packet" },
  COMP_ERROR: { counter: "rxErrors", text: "cannot decompress" },
  WRONG_INNER: { counter: "rxDropped", text: "not what the SA carries" },
  WRONG_POLICY: { counter: "rxDropped", text: "addresses, protocol or ports inside do not fit the policy of the SA" },
  CONGESTED: { counter: "rxDropped", text: "congestion mark on a packet that cannot carry it" },
  NOT_ATTACHED: { counter: "rxDropped", text: "device not attached" },
  HOST_REFUSED: { counter: "rxErrors", text: "refused by the host" },
  NO_IKE: { counter: "rxDropped", text: "IKE on the ESP port, and no key daemon to take it" },
} as const satisfies Record<string, DropRow>;

export type DropName = keyof typeof DROP_REASONS;

/** The rows in order; the data path returns the complement of an index into it. */
export const DROPS = Object.entries(DROP_REASONS).map(([name, row]) => ({ name: name as DropName, ...row }));

/** Index of each reason. */
export const DROP = Object.freeze(
  Object.fromEntries(DROPS.map(({ name }, i) => [name, i])) as Record<DropName, number>,
);

/** The counters of one ipsecN device. */
export class InterfaceCounters {
  rxPackets = 0;
  rxBytes = 0;
  rxDropped = 0;
  rxErrors = 0;
  txPackets = 0;
  txBytes = 0;
  txDropped = 0;
  txErrors = 0;
  txAborted = 0;
  readonly drops = new Float64Array(DROPS.length);
  /** Told of each reason as it is counted. */
  onDrop: ((reason: number, packets: number) => void) | undefined = undefined;

  /** Counts dropped packets under the reason with this index. */
  drop(reason: number, packets = 1): void {
    this.drops[reason] += packets;
    this[DROPS[reason].counter] += packets;
    this.onDrop?.(reason, packets);
  }
}
