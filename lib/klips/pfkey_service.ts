/**
 * What the engine does for each PF_KEYv2 message (klips.md §12). One function per message in a table; each checks everything
 * before it changes anything, and gives the reply, or throws a Refusal that carries the errno.
 */
import type { PacketMemory } from "../packet/memory.ts";
import { ReplayWindow } from "../packet/replay_window.ts";
import type { Provider } from "../crypto/provider.ts";
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import { checkRequest, decodeMessage, encodeMessage, encodeRefusal } from "../pfkey/codec.ts";
import {
  DEBUG_WORDS,
  MESSAGE_BY_NUMBER,
  MESSAGES,
  NAT_T_ESPINUDP,
  protocolSatype,
  SA_FLAG,
  SA_STATE,
  satypeName,
  satypeProtocol,
  SATYPES,
  TUNNEL_MODE,
} from "../pfkey/constants.ts";
import { ERRNO } from "../pfkey/errno.ts";
import type { AddressExtension, Extensions, LifetimeExtension, PfkeyMessage, SaExtension } from "../pfkey/message.ts";
import { type Address, formatAddress } from "../text/address.ts";
import { formatSaId, type SaId } from "../text/sa_id.ts";
import { maskBits } from "../text/mask.ts";
import { type Subnet, subnetOf } from "../text/subnet.ts";
import { Eroute, type Selector } from "./eroute.ts";
import type { ErouteTable } from "./eroute_table.ts";
import { orderLimits } from "./lifetime.ts";
import type { DeviceDescription } from "./listing.ts";
import { ProcTree, supportedAlgorithms } from "./proc_tree.ts";
import { Sa, type UdpEncapsulation } from "./sa.ts";
import type { Sad } from "./sad.ts";
import { SYSCTL_FILES, type Sysctls } from "./sysctl.ts";
import { makeTransform } from "./transform_factory.ts";

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
  /** SAs came or went. */
  onChange(): void;
}

/** A packet that met a %trap eroute. */
export interface AcquireEvent {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly eroute: Eroute;
}

/** Ends the handling of a request; the errno goes to everybody. */
class Refusal extends Error {
  constructor(readonly errno: number, why: string) {
    super(why);
  }
}

const LOWEST_SPI = 256;
/** Random SPIs tried before a range counts as full. */
const SPI_TRIES = 1000;
/** Window for SAs with extended sequence numbers, which need one to infer the high half. */
const ESN_WINDOW = 64;
/** Bytes of a listing per message. */
const CHUNK = 1 << 16;
/** Limits that ACQUIRE proposes, in seconds (klips.md §12). */
const PROPOSED_SOFT = 57600, PROPOSED_HARD = 86400;

type Handler = (client: Client, message: PfkeyMessage) => Extensions | undefined;

export class PfkeyService {
  readonly proc: ProcTree;
  readonly #deps: ServiceDeps;
  #sequence = 0;
  #traps = 0;
  #trapsSent = 0;
  readonly #handlers: ReadonlyMap<number, Handler>;

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
    this.#handlers = new Map<number, Handler>([
      [MESSAGES.GETSPI.number, (_, m) => this.#getSpi(m)],
      [MESSAGES.UPDATE.number, (_, m) => this.#update(m)],
      [MESSAGES.ADD.number, (_, m) => this.#add(m)],
      [MESSAGES.DELETE.number, (_, m) => this.#delete(m)],
      [MESSAGES.GET.number, (_, m) => this.#get(m)],
      [MESSAGES.REGISTER.number, (client, m) => this.#register(client, m)],
      [MESSAGES.ACQUIRE.number, (_, m) => this.#acquireDown(m)],
      [MESSAGES.EXPIRE.number, (_, m) => m.extensions],
      [MESSAGES.FLUSH.number, () => this.#flush()],
      [MESSAGES.X_GRPSA.number, (_, m) => this.#group(m)],
      [MESSAGES.X_ADDFLOW.number, (client, m) => this.#addFlow(client, m)],
      [MESSAGES.X_DELFLOW.number, (_, m) => this.#deleteFlow(m)],
      [MESSAGES.X_DEBUG.number, (_, m) => this.#debug(m)],
      [MESSAGES.X_TNCFG.number, (_, m) => this.#tunnel(m)],
    ]);
  }

  /** Deals with one message of a client, and answers it. */
  handle(client: Client, raw: Uint8Array): void {
    const decoded = decodeMessage(raw);
    if (!decoded.ok) return this.#refuse(client, raw, decoded.errno, decoded.reason);
    const { message } = decoded;
    client.pid = message.pid;
    const errno = checkRequest(message);
    if (errno) return this.#refuse(client, raw, errno, "extensions do not fit the message");
    if (message.type === MESSAGES.X_PROC.number) return this.#procFile(client, raw, message);
    const handler = this.#handlers.get(message.type);
    if (!handler) return this.#refuse(client, raw, ERRNO.ENOSYS, "not supported");
    try {
      const extensions = handler(client, message);
      this.#reply(client, message, extensions);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(client, raw, error.errno, error.message);
    }
  }

  /** A lifetime ran out: EXPIRE with the limit that it was (klips.md §12). */
  expire(sa: Sa, hard: boolean): void {
    const current: LifetimeExtension = {
      allocations: sa.allocations.current,
      bytes: sa.bytes.current,
      addtime: Math.floor(sa.addtime.current),
      usetime: Math.floor(sa.usetime.current),
      packets: sa.packets.current,
    };
    const extensions: Extensions = {
      ...this.#saExtensions(sa),
      lifetimeCurrent: current,
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
    const life = (addtime: number): LifetimeExtension => ({
      allocations: 0,
      bytes: 0,
      addtime,
      usetime: addtime,
      packets: 0,
    });
    const cipher = CIPHERS["3des"];
    const combinations = (["md5-96", "sha1-96"] as const).map((name) => ({
      auth: AUTHENTICATORS[name].pfkey,
      encrypt: cipher.pfkey,
      flags: 1, // PFS
      authMinBits: AUTHENTICATORS[name].keyBits,
      authMaxBits: AUTHENTICATORS[name].keyBits,
      encryptMinBits: 168,
      encryptMaxBits: 168,
      soft: life(PROPOSED_SOFT),
      hard: life(PROPOSED_HARD),
    }));
    const identity = (one: Eroute["sourceIdentity"]) => one && { type: one.type, id: 0, text: one.text };
    const bytes = this.#own(MESSAGES.ACQUIRE.number, SATYPES.ESP.number, {
      source: end(source, selector.source.port, sourcePort),
      destination: end(destination, selector.destination.port, destinationPort),
      identitySource: identity(eroute.sourceIdentity),
      identityDestination: identity(eroute.destinationIdentity),
      proposal: { replay: 64, combinations },
    });
    for (const peer of listeners) peer.send(bytes);
    this.#trapsSent++;
    return true;
  }

  // SAs

  #getSpi({ satype, extensions }: PfkeyMessage): Extensions {
    const { min, max } = extensions.spiRange!;
    const destination = extensions.destination!.address;
    const protocol = satypeProtocol(satype)!;
    if (min < LOWEST_SPI || max < min) throw new Refusal(ERRNO.EEXIST, `SPI range ${min} to ${max}`);
    const id = this.#freeSpi(protocol, destination, min, max);
    const sa = this.#install(
      new Sa({
        id,
        source: extensions.source!.address,
        inbound: this.#deps.isLocal(destination),
        transform: { kind: "ipip" }, // larval: nothing passes it before UPDATE
        replay: undefined,
        esn: false,
        udp: undefined,
        ref: this.#reference(),
      }),
    );
    sa.state = "larval";
    return this.#saExtensions(sa);
  }

  #freeSpi(protocol: number, destination: Address, min: number, max: number): SaId {
    const word = new Uint8Array(4);
    const width = max - min + 1;
    for (let i = 0; i < SPI_TRIES; i++) {
      this.#deps.random(word);
      const spi = min + new DataView(word.buffer).getUint32(0) % width;
      if (!this.#deps.sad.find({ protocol, spi, destination })) return { protocol, spi, destination };
      if (width < SPI_TRIES && i >= width) break;
    }
    for (let spi = min; width <= SPI_TRIES && spi <= max; spi++) {
      if (!this.#deps.sad.find({ protocol, spi, destination })) return { protocol, spi, destination };
    }
    throw new Refusal(ERRNO.EEXIST, "no free SPI in the range");
  }

  #add(message: PfkeyMessage): Extensions {
    const id = saIdOf(message);
    if (this.#deps.sad.find(id)) throw new Refusal(ERRNO.EEXIST, `${formatSaId(id, "x")} exists`);
    return this.#saExtensions(this.#install(this.#make(message)));
  }

  #update(message: PfkeyMessage): Extensions {
    if (message.extensions.lifetimeCurrent) throw new Refusal(ERRNO.EINVAL, "UPDATE with current lifetimes");
    const old = this.#deps.sad.find(saIdOf(message));
    if (!old) throw new Refusal(ERRNO.ENOENT, "UPDATE of an SA that does not exist");
    const sa = this.#make(message);
    sa.addtime.current = old.addtime.current;
    this.#deps.sad.removeChain(old);
    return this.#saExtensions(this.#install(sa));
  }

  #make(message: PfkeyMessage): Sa {
    const { satype, extensions } = message;
    const wanted = extensions.sa!;
    if (wanted.state !== SA_STATE.MATURE) throw new Refusal(ERRNO.EINVAL, "state of a new SA is not mature");
    if (wanted.spi < LOWEST_SPI) throw new Refusal(ERRNO.EINVAL, `SPI ${wanted.spi} is reserved`);
    const id = saIdOf(message);
    const { keyAuth, keyEncrypt } = extensions;
    const transform = makeTransform(
      { satype, auth: wanted.auth, encrypt: wanted.encrypt, keyAuth, keyEncrypt },
      this.#deps,
    );
    if (!transform.ok) throw new Refusal(ERRNO.EINVAL, `${formatSaId(id, "x")}: ${transform.error}`);
    const { kind } = transform.value;
    const source = extensions.source!.address;
    if (kind === "ipip" && source.family !== id.destination.family) {
      throw new Refusal(ERRNO.EINVAL, `${formatSaId(id, "x")}: outer source and destination of different families`);
    }
    const esn = (wanted.flags & SA_FLAG.ESN) !== 0 && (kind === "esp" || kind === "ah");
    const window = wanted.replay || (esn ? ESN_WINDOW : 0);
    const sa = new Sa({
      id,
      source,
      inbound: this.#deps.isLocal(id.destination),
      transform: transform.value,
      replay: window ? new ReplayWindow(window) : undefined,
      esn,
      udp: kind === "esp" ? encapsulationOf(extensions) : undefined,
      ref: this.#reference(),
    });
    sa.addtime.current = this.#deps.now();
    setLimits(sa, "soft", extensions.lifetimeSoft);
    setLimits(sa, "hard", extensions.lifetimeHard);
    for (const limit of [sa.allocations, sa.bytes, sa.addtime, sa.usetime, sa.packets]) orderLimits(limit);
    return sa;
  }

  #install(sa: Sa): Sa {
    this.#deps.sad.install(sa);
    this.#deps.sad.keepReference(sa.ref);
    this.#deps.onChange();
    return sa;
  }

  #reference(): number {
    const reference = this.#deps.sad.takeReference();
    if (reference === undefined) throw new Refusal(ERRNO.ENOSPC, "no free SA reference");
    return reference;
  }

  #delete(message: PfkeyMessage): Extensions {
    const sa = this.#existing(message, ERRNO.ESRCH);
    const extensions = this.#saExtensions(sa);
    this.#deps.sad.removeChain(sa);
    this.#deps.onChange();
    return extensions;
  }

  /** Lifetimes and addresses, never keys. */
  #get(message: PfkeyMessage): Extensions {
    const sa = this.#existing(message, ERRNO.ESRCH);
    return {
      ...this.#saExtensions(sa),
      lifetimeCurrent: {
        allocations: sa.allocations.current,
        bytes: sa.bytes.current,
        addtime: Math.floor(sa.addtime.current),
        usetime: Math.floor(sa.usetime.current),
        packets: sa.packets.current,
      },
      lifetimeHard: limitsOf(sa, "hard"),
      lifetimeSoft: limitsOf(sa, "soft"),
    };
  }

  #flush(): Extensions {
    this.#reference();
    this.#deps.sad.clear();
    this.#deps.onChange();
    return {};
  }

  #group(message: PfkeyMessage): Extensions {
    const { extensions } = message;
    const first = this.#existing(message, ERRNO.ENOENT);
    const { satype2, sa2, destination2 } = extensions;
    if (satype2 === undefined || !sa2 || !destination2) {
      if (satype2 !== undefined || sa2 || destination2) throw new Refusal(ERRNO.EINVAL, "half of a second SA");
      this.#deps.sad.ungroup(first);
      return this.#saExtensions(first);
    }
    const protocol = satypeProtocol(satype2);
    if (protocol === undefined) throw new Refusal(ERRNO.EINVAL, `SA type ${satype2}`);
    const second = this.#deps.sad.find({ protocol, spi: sa2.spi, destination: destination2.address });
    if (!second) throw new Refusal(ERRNO.ENOENT, "the second SA does not exist");
    const errno = this.#deps.sad.group(first, second);
    if (errno) throw new Refusal(errno, "a neighbour is there already, or a loop would close");
    return { ...this.#saExtensions(first), satype2, sa2: saExtension(second), destination2 };
  }

  // Eroutes

  #addFlow(client: Client, message: PfkeyMessage): Extensions {
    const { extensions } = message;
    const id = saIdOf(message);
    const selector = selectorOf(extensions);
    const { flags } = extensions.sa!;
    if (flags & SA_FLAG.INFLOW) {
      this.#recordPolicy(id, selector);
      return extensions;
    }
    const eroute = new Eroute(selector, id, client.pid);
    eroute.sourceIdentity = extensions.identitySource;
    eroute.destinationIdentity = extensions.identityDestination;
    const old = this.#deps.eroutes.find(selector);
    if (old && !(flags & SA_FLAG.REPLACEFLOW)) throw new Refusal(ERRNO.EEXIST, "there is an eroute of this selector");
    if (old) this.#deps.eroutes.remove(selector);
    this.#deps.eroutes.add(eroute);
    for (const packet of [old?.firstHeld, old?.lastHeld]) if (packet) this.#deps.resend(packet);
    return withoutPorts(extensions);
  }

  /** INFLOW: what the chain's tunnel SA accepts inside (klips.md §14). */
  #recordPolicy(id: SaId, selector: Selector): void {
    const named = this.#deps.sad.find(id);
    const tunnel = named && this.#deps.sad.chainOf(named).find((sa) => sa.transform.kind === "ipip");
    if (!tunnel) {
      throw new Refusal(ERRNO.ENOENT, `${formatSaId(id, "x")} is not there or has no tunnel SA in its chain`);
    }
    tunnel.policy = { ...selector };
  }

  #deleteFlow({ extensions }: PfkeyMessage): Extensions {
    const { sa, sourceFlow, destinationFlow, sourceMask, destinationMask } = extensions;
    if (sa && sa.flags & SA_FLAG.CLEARFLOW) {
      this.#reference();
      this.#deps.eroutes.clear();
      return {};
    }
    if (!sourceFlow || !destinationFlow || !sourceMask || !destinationMask) {
      throw new Refusal(ERRNO.EINVAL, "a flow to delete needs its addresses and masks");
    }
    switch (this.#deps.eroutes.remove(selectorOf(extensions))) {
      case "absent":
        throw new Refusal(ERRNO.EFAULT, "there is no such eroute");
      case "otherMask":
        throw new Refusal(ERRNO.ENOENT, "there is an eroute of these networks with other masks only");
      case "removed":
        return withoutPorts(extensions);
    }
  }

  // The rest

  #register(client: Client, { satype }: PfkeyMessage): Extensions {
    client.registered.add(satype);
    const rows = supportedAlgorithms().filter((row) => row.satype === satype);
    const list = (kind: "auth" | "encrypt") => rows.filter((row) => row.kind === kind);
    const [auth, encrypt] = [list("auth"), list("encrypt")];
    return {
      supportedAuth: auth.length ? auth : undefined,
      supportedEncrypt: encrypt.length ? encrypt : undefined,
    };
  }

  #acquireDown(message: PfkeyMessage): Extensions {
    const anyone = [...this.#deps.peers()].some((peer) => peer.registered.has(message.satype));
    if (!anyone) throw new Refusal(ERRNO.EPROTONOSUPPORT, `nobody is registered for ${satypeName(message.satype)}`);
    return message.extensions;
  }

  /** Bit 31 of the netlink word says whether words are added or masked (klips.md §6). */
  #debug({ extensions }: PfkeyMessage): Extensions {
    const words = extensions.debug!;
    const add = (words.netlink & 0x80000000) !== 0;
    for (const name of DEBUG_WORDS) {
      const field = SYSCTL_FILES[`debug_${name}`];
      const word = name === "netlink" ? words.netlink & 0x7fffffff : words[name];
      const { sysctls } = this.#deps;
      sysctls[field] = (add ? sysctls[field] | word : sysctls[field] & word) >>> 0;
    }
    return extensions;
  }

  #tunnel({ extensions }: PfkeyMessage): Extensions {
    const { op, virtual, physical } = extensions.tunnel!;
    const errno = this.#deps.tunnel(op, virtual, physical);
    if (errno) throw new Refusal(errno, `${op} ${virtual} ${physical}`);
    return extensions;
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

  // Answers

  #reply(client: Client, message: PfkeyMessage, extensions: Extensions = {}): void {
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
    return encodeMessage({ type, errno: 0, satype, seq: ++this.#sequence, pid: 0, extensions });
  }

  #toAll(bytes: Uint8Array): void {
    for (const peer of this.#deps.peers()) peer.send(bytes);
  }

  #existing(message: PfkeyMessage, errno: number): Sa {
    const id = saIdOf(message);
    const sa = this.#deps.sad.find(id);
    if (!sa) throw new Refusal(errno, `${formatSaId(id, "x")} does not exist`);
    return sa;
  }

  #saExtensions(sa: Sa): Extensions {
    return { sa: saExtension(sa), source: plainAddress(sa.source), destination: plainAddress(sa.id.destination) };
  }
}

/** Who hears of a request beside its sender. */
const REPLY_TO = new Map<number, "all" | "registered" | "nobody">([
  [MESSAGES.GET.number, "nobody"],
  [MESSAGES.REGISTER.number, "registered"],
  [MESSAGES.ACQUIRE.number, "registered"],
  [MESSAGES.X_DEBUG.number, "nobody"],
  [MESSAGES.X_TNCFG.number, "nobody"],
]);

function saIdOf({ satype, extensions }: PfkeyMessage): SaId {
  const protocol = satypeProtocol(satype)!;
  return { protocol, spi: extensions.sa!.spi, destination: extensions.destination!.address };
}

function plainAddress(address: Address): AddressExtension {
  return { address, port: 0, proto: 0, prefixLength: 0 };
}

function saExtension(sa: Sa): SaExtension {
  const t = sa.transform;
  const auth = t.kind === "ah" || t.kind === "esp" && t.auth ? AUTHENTICATORS[t.auth!].pfkey : 0;
  const mode = sa.source.family === "inet" ? TUNNEL_MODE.V4_IN_V4 : TUNNEL_MODE.V6_IN_V6;
  const encrypt = {
    esp: () => t.kind === "esp" ? CIPHERS[t.cipher].pfkey : 0,
    ah: () => 0,
    ipip: () => mode,
    comp: () => 2,
  };
  const states = { larval: SA_STATE.LARVAL, mature: SA_STATE.MATURE, dying: SA_STATE.DYING, dead: SA_STATE.DEAD };
  const flags = (sa.inbound ? SA_FLAG.INBOUND : 0) | (sa.policy ? SA_FLAG.INFLOW : 0) | (sa.esn ? SA_FLAG.ESN : 0);
  return {
    spi: sa.id.spi,
    replay: sa.replay?.size ?? 0,
    state: states[sa.state],
    auth,
    encrypt: encrypt[t.kind](),
    flags,
    ref: sa.ref,
  };
}

function limitsOf(sa: Sa, which: "soft" | "hard"): LifetimeExtension {
  return {
    allocations: sa.allocations[which],
    bytes: sa.bytes[which],
    addtime: sa.addtime[which],
    usetime: sa.usetime[which],
    packets: sa.packets[which],
  };
}

function setLimits(sa: Sa, which: "soft" | "hard", limits: LifetimeExtension | undefined): void {
  if (!limits) return;
  for (const kind of ["allocations", "bytes", "addtime", "usetime", "packets"] as const) sa[kind][which] = limits[kind];
}

function encapsulationOf({ natType, natSport, natDport }: Extensions): UdpEncapsulation | undefined {
  if (natType === undefined || natType === 0) return undefined;
  if (natType !== NAT_T_ESPINUDP || !natSport || !natDport) {
    throw new Refusal(ERRNO.EINVAL, "UDP encapsulation needs type espinudp and both ports");
  }
  return { sport: natSport, dport: natDport, peer: undefined };
}

/** A network from a flow's address and mask. A mask's port says whether the flow's counts. */
function flowSubnet(flow: AddressExtension, mask: AddressExtension): Subnet {
  if (flow.address.family !== mask.address.family) {
    throw new Refusal(ERRNO.EINVAL, "flow and mask of different families");
  }
  const bits = maskBits(mask.address.bytes);
  if (bits < 0) throw new Refusal(ERRNO.EINVAL, "a mask is not contiguous");
  return { ...subnetOf(flow.address, bits), port: mask.port ? flow.port : 0 };
}

function selectorOf(extensions: Extensions): Selector {
  const source = flowSubnet(extensions.sourceFlow!, extensions.sourceMask!);
  const destination = flowSubnet(extensions.destinationFlow!, extensions.destinationMask!);
  if (source.address.family !== destination.address.family) {
    throw new Refusal(ERRNO.EINVAL, "source and destination of a flow are of different families");
  }
  return { source, destination, protocol: extensions.protocol?.protocol ?? 0 };
}

/** The reply's flow addresses carry no ports (klips.md §12). */
function withoutPorts(extensions: Extensions): Extensions {
  const strip = (one: AddressExtension | undefined) => one && { ...one, port: 0 };
  return {
    ...extensions,
    sourceFlow: strip(extensions.sourceFlow),
    destinationFlow: strip(extensions.destinationFlow),
  };
}
