import type { PacketMemory } from "../packet/memory.ts";
import type { FlowKey } from "../packet/ip_header.ts";
import type { Arena } from "./arena.ts";
import type { Eroute } from "./eroute.ts";
import type { ErouteTable } from "./eroute_table.ts";
import type { Scratch } from "./esp.ts";
import type { PacketTrace } from "./packet_trace.ts";
import type { RandomPool } from "./random_pool.ts";
import type { Sa } from "./sa.ts";
import type { Sad } from "./sad.ts";
import type { Sysctls } from "./sysctl.ts";

/** What both directions of the engine share. */
export interface EngineParts {
  readonly memory: PacketMemory;
  readonly arena: Arena;
  readonly scratch: Scratch;
  readonly sad: Sad;
  readonly eroutes: ErouteTable;
  readonly sysctls: Sysctls;
  readonly random: RandomPool;
  readonly trace: PacketTrace;
  /** Seconds of the engine's clock; read once per batch of packets. */
  now(): number;
  isLocal(address: Uint8Array): boolean;
  /** A lifetime ran out: tell the key daemons, and end the chain where it was a hard one. */
  expire(sa: Sa, hard: boolean): void;
  /** A packet met a %trap eroute: ask for keys, and put a %hold in its place that keeps the packet. */
  trap(eroute: Eroute, flow: FlowKey, at: number, packet: Uint8Array): void;
  /** An authentic packet of an encapsulated SA came from another address or port than before. */
  remapped(sa: Sa, address: Uint8Array, port: number): void;
  /** Reads protocol and ports of the packet at `at` into `flow`; false where its headers are cut. */
  readFlow(at: number, length: number): boolean;
  readonly flow: FlowKey;
  /** Sends everything queued, and frees the arena. */
  flush(): void;
}
