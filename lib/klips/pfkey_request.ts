/** What the parts of the PF_KEY service share: the world that a request acts on, and how one is refused. */
import type { Provider } from "../crypto/provider.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { SmallBytes } from "../packet/small_bytes.ts";
import { satypeProtocol } from "../pfkey/constants.ts";
import type { AddressExtension, Extensions, PfkeyMessage } from "../pfkey/message.ts";
import type { Address } from "../text/address.ts";
import type { SaId } from "../text/sa_id.ts";
import type { ErouteTable } from "./eroute_table.ts";
import type { DeviceDescription } from "./listing.ts";
import type { AddressBook } from "./address_book.ts";
import type { Sa } from "./sa.ts";
import type { Sad } from "./sad.ts";
import { SYSCTL_FILES, type Sysctls } from "./sysctl.ts";

/** A client as the service sees it. */
export interface Client {
  readonly id: number;
  pid: number;
  readonly registered: Set<number>;
  send(bytes: Uint8Array): void;
}

export interface ServiceDeps {
  readonly sad: Sad;
  readonly eroutes: ErouteTable;
  readonly sysctls: Sysctls;
  readonly provider: Provider;
  readonly memory: PacketMemory;
  readonly version: string;
  now(): number;
  random(bytes: Uint8Array<ArrayBuffer>): void;
  isLocal(address: Address): boolean;
  /** A packet that was held goes through the output path again. */
  resend(packet: Uint8Array): void;
  /** @returns an errno, 0 for success */
  tunnel(op: "attach" | "detach" | "clear", virtual: string, physical: string): number;
  devices(): readonly DeviceDescription[];
  peers(): Iterable<Client>;
  log(level: "error" | "notice" | "info" | "debug", text: string): void;
  /** An SA came into the database. */
  onInstall(sa: Sa): void;
}

/** One request under way. */
export interface Request {
  readonly client: Client;
  readonly message: PfkeyMessage;
  /** SA reference number that it has consumed (klips.md §3); undefined where all are in use. */
  readonly reference: number | undefined;
  /** For what is kept; the addresses of the message itself come from it. */
  readonly addresses: AddressBook;
  /** Where small pieces of what is kept lie. */
  readonly bytes: SmallBytes;
}

/**
 * Checks everything before it changes anything.
 *
 * @returns what the reply carries
 * @throws Refusal
 */
export type Handler = (deps: ServiceDeps, request: Request) => Extensions;

/** Ends the handling of a request; the errno goes to everybody. */
export class Refusal extends Error {
  constructor(readonly errno: number, why: string) {
    super(why);
  }
}

/** A line that `ipsec klipsdebug` has asked for (klips.md §20); never with keys. */
export function trace(
  { sysctls, log }: Pick<ServiceDeps, "sysctls" | "log">,
  area: "eroute" | "pfkey" | "spi" | "xform",
  text: () => string,
): void {
  if (sysctls[SYSCTL_FILES[`debug_${area}`]] !== 0) log("info", `klips_debug:${area}: ${text()}`);
}

/** The SA that a message names; its SA type and extensions have been checked. */
export function saIdOf({ satype, extensions }: PfkeyMessage): SaId {
  const protocol = satypeProtocol(satype)!;
  return { protocol, spi: extensions.sa!.spi, destination: extensions.destination!.address };
}

export function plainAddress(address: Address): AddressExtension {
  return { address, port: 0, proto: 0, prefixLength: 0 };
}
