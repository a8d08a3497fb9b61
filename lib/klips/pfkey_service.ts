/**
 * What the engine does for each PF_KEYv2 message (klips.md §12): requests are checked, handled by the function that the
 * table names, and answered; expired lifetimes and packets that want keys make messages of the engine's own.
 */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import { SmallBytes } from "../packet/small_bytes.ts";
import { checkRequest, decodeMessage, encodeMessage, encodeRefusal } from "../pfkey/codec.ts";
import {
  DEBUG_WORDS,
  MESSAGE_BY_NUMBER,
  messageName,
  MESSAGES,
  protocolSatype,
  satypeName,
  SATYPES,
} from "../pfkey/constants.ts";
import { ERRNO } from "../pfkey/errno.ts";
import type { AddressExtension, Extensions, LifetimeExtension, PfkeyMessage } from "../pfkey/message.ts";
import { type Address, formatAddress } from "../text/address.ts";
import { formatSaId } from "../text/sa_id.ts";
import { AddressBook } from "./address_book.ts";
import type { Eroute } from "./eroute.ts";
import { FLOW_HANDLERS } from "./pfkey_flow.ts";
import { type Client, type Handler, Refusal, type Request, type ServiceDeps, trace } from "./pfkey_request.ts";
import { SA_HANDLERS } from "./pfkey_sa.ts";
import { currentOf, limitsOf, saExtensions } from "./pfkey_sa_view.ts";
import { ProcTree, supportedAlgorithms } from "./proc_tree.ts";
import type { Sa } from "./sa.ts";
import { SYSCTL_FILES } from "./sysctl.ts";

/** A packet that met a %trap eroute. */
export interface AcquireEvent {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly eroute: Eroute;
}

/** Octets of the largest request; files of the proc tree may be larger. */
const LARGEST_REQUEST = 4096;
/** Octets of a listing per message. */
const CHUNK = 1 << 16;

const proposedLife = (seconds: number): LifetimeExtension => ({
  allocations: 0,
  bytes: 0,
  addtime: seconds,
  usetime: seconds,
  packets: 0,
});

/** What every ACQUIRE proposes (klips.md §12). */
const PROPOSAL = {
  replay: 64,
  combinations: (["md5-96", "sha1-96"] as const).map((name) => ({
    auth: AUTHENTICATORS[name].pfkey,
    encrypt: CIPHERS["3des"].pfkey,
    flags: 1, // PFS
    authMinBits: AUTHENTICATORS[name].keyBits,
    authMaxBits: AUTHENTICATORS[name].keyBits,
    encryptMinBits: 168,
    encryptMaxBits: 168,
    soft: proposedLife(57600),
    hard: proposedLife(86400),
  })),
};

export class PfkeyService {
  readonly proc: ProcTree;
  readonly #deps: ServiceDeps;
  readonly #bytes = new SmallBytes();
  readonly #addresses = new AddressBook(this.#bytes);
  #sequence = 0;
  #traps = 0;
  #trapsSent = 0;

  constructor(deps: ServiceDeps) {
    this.#deps = deps;
    this.proc = new ProcTree({
      sad: deps.sad,
      eroutes: deps.eroutes,
      sysctls: deps.sysctls,
      version: deps.version,
      now: () => deps.now(),
      devices: () => deps.devices(),
      clients: () => deps.peers(),
      traps: () => ({ count: this.#traps, sent: this.#trapsSent }),
    });
  }

  /** Deals with one message of a client, and answers it. */
  handle(client: Client, raw: Uint8Array): void {
    const decoded = decodeMessage(raw);
    if (!decoded.ok) return this.#refuse(client, raw, decoded.errno, decoded.reason);
    const { message } = decoded;
    client.pid = message.pid;
    trace(this.#deps, "pfkey", () => `request ${describe(message)}, ${raw.length} octets`);
    const errno = checkRequest(message);
    if (errno) return this.#refuse(client, raw, errno, "extensions do not fit the message");
    if (message.type === MESSAGES.X_PROC.number) return this.#procFile(client, raw, message);
    if (raw.length > LARGEST_REQUEST) return this.#refuse(client, raw, ERRNO.EMSGSIZE, `${raw.length} octets`);
    const handler = HANDLERS.get(message.type);
    if (!handler) return this.#refuse(client, raw, ERRNO.ENOSYS, "not supported");
    const reference = message.type === MESSAGES.X_TNCFG.number ? undefined : this.#deps.sad.takeReference();
    const addresses = this.#addresses, bytes = this.#bytes;
    try {
      const shared = { ...message, extensions: addresses.shareAll(message.extensions) };
      this.#reply(client, message, handler(this.#deps, { client, message: shared, reference, addresses, bytes }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(client, raw, error.errno, error.message);
    }
  }

  /** A lifetime ran out: EXPIRE with the limit that it was (klips.md §12). */
  expire(sa: Sa, hard: boolean): void {
    const extensions: Extensions = {
      ...saExtensions(sa),
      lifetimeCurrent: currentOf(sa),
      [hard ? "lifetimeHard" : "lifetimeSoft"]: limitsOf(sa, hard ? "hard" : "soft"),
    };
    this.#deps.log(
      "info",
      `${formatSaId(sa.id, "x")}: ${hard ? "hard lifetime reached, SA ended" : "soft lifetime reached"}`,
    );
    this.#toAll(this.#own(MESSAGES.EXPIRE.number, protocolSatype(sa.id.protocol), extensions));
  }

  /** Asks the key daemons for an SA; @returns whether one was there to be asked */
  acquire({ source, destination, protocol, sourcePort, destinationPort, eroute }: AcquireEvent): boolean {
    this.#traps++;
    const listeners = [...this.#deps.peers()].filter((peer) => peer.registered.has(SATYPES.ESP.number));
    const what = `${formatAddress(source)} -> ${formatAddress(destination)}`;
    if (listeners.length === 0) {
      this.#deps.log("notice", `ACQUIRE for ${what}: no key daemon has registered; the packet is lost`);
      return false;
    }
    const { selector } = eroute;
    const proto = selector.protocol ? protocol : 0;
    const end = (address: Address, given: number, port: number): AddressExtension => ({
      address,
      port: given ? port : 0,
      proto,
      prefixLength: 0,
    });
    const identity = (one: Eroute["sourceIdentity"]) => one && { type: one.type, id: 0, text: one.text };
    const bytes = this.#own(MESSAGES.ACQUIRE.number, SATYPES.ESP.number, {
      source: end(source, selector.source.port, sourcePort),
      destination: end(destination, selector.destination.port, destinationPort),
      identitySource: identity(eroute.sourceIdentity),
      identityDestination: identity(eroute.destinationIdentity),
      proposal: PROPOSAL,
    });
    for (const peer of listeners) peer.send(bytes);
    this.#trapsSent++;
    return true;
  }

  /** Reads or writes a file of the proc tree; a text comes in pieces, and an empty message ends it. */
  #procFile(client: Client, raw: Uint8Array, message: PfkeyMessage): void {
    const { path, data } = message.extensions;
    const reply = (extensions: Extensions) => client.send(encodeMessage({ ...message, extensions }));
    if (data) {
      if (!this.proc.write(path!, new TextDecoder().decode(data))) return client.send(encodeRefusal(raw, ERRNO.EINVAL));
      return reply({ path });
    }
    const text = this.proc.read(path!);
    if (text === undefined) return client.send(encodeRefusal(raw, ERRNO.ENOENT));
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += CHUNK) reply({ path, data: bytes.subarray(at, at + CHUNK) });
    reply({ path });
  }

  #reply(client: Client, message: PfkeyMessage, extensions: Extensions): void {
    const bytes = encodeMessage({ ...message, extensions });
    const to = REPLY_TO.get(message.type) ?? "all";
    for (const peer of this.#deps.peers()) {
      if (peer === client) continue;
      if (to === "all" || to === "registered" && peer.registered.has(message.satype)) peer.send(bytes);
    }
    client.send(bytes); // the requester always hears of it, so that it can wait
  }

  #refuse(client: Client, raw: Uint8Array, errno: number, why: string): void {
    const name = MESSAGE_BY_NUMBER.get(raw[1])?.name ?? `type ${raw[1]}`;
    this.#deps.log("info", `PF_KEY ${name} from process ${client.pid} refused: ${why}`);
    const bytes = encodeRefusal(raw, errno);
    client.send(bytes);
    for (const peer of this.#deps.peers()) if (peer !== client) peer.send(bytes);
  }

  #own(type: number, satype: number, extensions: Extensions): Uint8Array {
    const message = { type, errno: 0, satype, seq: ++this.#sequence, pid: 0, extensions };
    trace(this.#deps, "pfkey", () => `sending ${describe(message)}`);
    return encodeMessage(message);
  }

  #toAll(bytes: Uint8Array): void {
    for (const peer of this.#deps.peers()) peer.send(bytes);
  }
}

function register(_deps: ServiceDeps, { client, message: { satype } }: Request): Extensions {
  client.registered.add(satype);
  const rows = supportedAlgorithms().filter((row) => row.satype === satype);
  const list = (kind: "auth" | "encrypt") => rows.filter((row) => row.kind === kind);
  const [auth, encrypt] = [list("auth"), list("encrypt")];
  return {
    supportedAuth: auth.length ? auth : undefined,
    supportedEncrypt: encrypt.length ? encrypt : undefined,
  };
}

function acquireDown(deps: ServiceDeps, { message }: Request): Extensions {
  const anyone = [...deps.peers()].some((peer) => peer.registered.has(message.satype));
  if (!anyone) throw new Refusal(ERRNO.EPROTONOSUPPORT, `nobody is registered for ${satypeName(message.satype)}`);
  return message.extensions;
}

/** Bit 31 of the netlink word says whether words are added or masked (klips.md §6). */
function debug({ sysctls }: ServiceDeps, { message: { extensions } }: Request): Extensions {
  const words = extensions.debug!;
  const add = (words.netlink & 0x80000000) !== 0;
  for (const name of DEBUG_WORDS) {
    const field = SYSCTL_FILES[`debug_${name}`];
    const word = name === "netlink" ? words.netlink & 0x7fffffff : words[name];
    sysctls[field] = (add ? sysctls[field] | word : sysctls[field] & word) >>> 0;
  }
  return extensions;
}

function tunnel(deps: ServiceDeps, { message: { extensions } }: Request): Extensions {
  const { op, virtual, physical } = extensions.tunnel!;
  const errno = deps.tunnel(op, virtual, physical);
  if (errno) throw new Refusal(errno, `${op} ${virtual} ${physical}`);
  return extensions;
}

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  ...SA_HANDLERS,
  ...FLOW_HANDLERS,
  [MESSAGES.REGISTER.number, register],
  [MESSAGES.ACQUIRE.number, acquireDown],
  [MESSAGES.EXPIRE.number, (_, { message }) => message.extensions],
  [MESSAGES.X_DEBUG.number, debug],
  [MESSAGES.X_TNCFG.number, tunnel],
]);

/** The header and the names of the extensions. */
function describe({ type, satype, seq, pid, extensions }: PfkeyMessage): string {
  const names = Object.keys(extensions).join(" ") || "no extensions";
  return `${messageName(type)} ${satypeName(satype)} seq=${seq} pid=${pid}: ${names}`;
}

/** Who hears of a request beside its sender. */
const REPLY_TO = new Map<number, "all" | "registered" | "nobody">([
  [MESSAGES.GET.number, "nobody"],
  [MESSAGES.REGISTER.number, "registered"],
  [MESSAGES.ACQUIRE.number, "registered"],
  [MESSAGES.X_DEBUG.number, "nobody"],
  [MESSAGES.X_TNCFG.number, "nobody"],
]);
