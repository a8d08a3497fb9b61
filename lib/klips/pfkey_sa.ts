/** The PF_KEY messages about SAs (klips.md §12, §13). */
import { ReplayWindow } from "../packet/replay_window.ts";
import { MESSAGES, NAT_T_ESPINUDP, SA_FLAG, SA_STATE, satypeProtocol, SATYPES } from "../pfkey/constants.ts";
import { ERRNO } from "../pfkey/errno.ts";
import type { Extensions, LifetimeExtension, PfkeyMessage } from "../pfkey/message.ts";
import { type Address, sameAddress } from "../text/address.ts";
import { formatSaId, type SaId } from "../text/sa_id.ts";
import { orderLimits } from "./lifetime.ts";
import { transformName } from "./listing.ts";
import { type Handler, Refusal, type Request, saIdOf, type ServiceDeps, trace } from "./pfkey_request.ts";
import { currentOf, limitsOf, saExtension, saExtensions } from "./pfkey_sa_view.ts";
import { LIFETIME_KINDS, Sa, type UdpEncapsulation } from "./sa.ts";
import { makeTransform } from "./transform_factory.ts";

const LOWEST_SPI = 256;
/** Random SPIs tried before a range counts as full. */
const SPI_TRIES = 1000;
/** Window for SAs with extended sequence numbers, which need one to infer the high half. */
const ESN_WINDOW = 64;

function getSpi(deps: ServiceDeps, { message: { satype, extensions }, reference }: Request): Extensions {
  const { min, max } = extensions.spiRange!;
  const source = extensions.source!.address;
  const destination = extensions.destination!.address;
  if (min < LOWEST_SPI || max < min) throw new Refusal(ERRNO.EEXIST, `SPI range ${min} to ${max}`);
  const id = freeSpi(deps, satypeProtocol(satype)!, destination, min, max);
  checkFamilies(id, source);
  const sa = new Sa({
    id,
    source,
    inbound: deps.isLocal(destination),
    transform: { kind: "ipip" }, // larval: nothing passes it before UPDATE
    replay: undefined,
    esn: false,
    udp: undefined,
    ref: needed(reference),
  });
  sa.state = "larval";
  sa.addedAt = deps.now();
  install(deps, sa);
  return saExtensions(sa);
}

function freeSpi(deps: ServiceDeps, protocol: number, destination: Address, min: number, max: number): SaId {
  const word = new Uint8Array(4);
  const width = max - min + 1;
  const isFree = (spi: number) => !deps.sad.find({ protocol, spi, destination });
  for (let i = 0; i < Math.min(SPI_TRIES, width); i++) {
    deps.random(word);
    const spi = min + new DataView(word.buffer).getUint32(0) % width;
    if (isFree(spi)) return { protocol, spi, destination };
  }
  for (let spi = min; width <= SPI_TRIES && spi <= max; spi++) if (isFree(spi)) return { protocol, spi, destination };
  throw new Refusal(ERRNO.EEXIST, "no free SPI in the range");
}

function add(deps: ServiceDeps, request: Request): Extensions {
  const id = saIdOf(request.message);
  if (deps.sad.find(id)) throw new Refusal(ERRNO.EEXIST, `${formatSaId(id, "x")} exists`);
  const sa = makeSa(deps, request);
  install(deps, sa);
  return saExtensions(sa);
}

/** Puts a new SA in the place of the old one and its chain; it is as old as the old one. */
function update(deps: ServiceDeps, request: Request): Extensions {
  const { message } = request;
  if (message.extensions.lifetimeCurrent) throw new Refusal(ERRNO.EINVAL, "UPDATE with current lifetimes");
  const old = existing(deps, message, ERRNO.ENOENT);
  const { keyAuth, keyEncrypt } = message.extensions;
  if (old.udp && !keyAuth && !keyEncrypt) return move(old, message.extensions);
  const sa = makeSa(deps, request);
  sa.addedAt = old.addedAt;
  removeChain(deps, old);
  install(deps, sa);
  return saExtensions(sa);
}

/** Without keys: the peer has moved behind its NAT. `proxy` has the address that it shows now. */
function move(sa: Sa, { natDport, proxy }: Extensions): Extensions {
  const own = sa.inbound ? sa.source : sa.id.destination;
  if (!natDport || !proxy || proxy.address.family !== own.family) {
    throw new Refusal(ERRNO.EINVAL, `${formatSaId(sa.id, "x")}: neither keys nor a new port and address of the peer`);
  }
  sa.udp!.dport = natDport;
  sa.udp!.peer = sameAddress(proxy.address, own) ? undefined : proxy.address;
  return saExtensions(sa);
}

/** The transform comes last: it may hold memory outside the heap, which a refusal after it would leak. */
function makeSa(deps: ServiceDeps, { message, reference, bytes }: Request): Sa {
  const { satype, extensions } = message;
  const wanted = extensions.sa!;
  const id = saIdOf(message);
  const source = extensions.source!.address;
  if (wanted.state !== SA_STATE.MATURE) throw new Refusal(ERRNO.EINVAL, "state of a new SA is not mature");
  if (wanted.spi < LOWEST_SPI) throw new Refusal(ERRNO.EINVAL, `SPI ${wanted.spi} is reserved`);
  checkFamilies(id, source);
  const udp = encapsulationOf(satype, extensions);
  const esn = (wanted.flags & SA_FLAG.ESN) !== 0 && (satype === SATYPES.ESP.number || satype === SATYPES.AH.number);
  const window = wanted.replay || (esn ? ESN_WINDOW : 0);
  const ref = needed(reference);
  const { keyAuth, keyEncrypt } = extensions;
  const algorithms = { satype, auth: wanted.auth, encrypt: wanted.encrypt, keyAuth, keyEncrypt };
  const { provider, memory, random } = deps;
  const transform = makeTransform(algorithms, { provider, memory, random, bytes });
  if (!transform.ok) throw new Refusal(ERRNO.EINVAL, `${formatSaId(id, "x")}: ${transform.error}`);
  const sa = new Sa({
    id,
    source,
    inbound: deps.isLocal(id.destination),
    transform: transform.value,
    replay: window ? new ReplayWindow(window) : undefined,
    esn,
    udp,
    ref,
  });
  trace(deps, "xform", () => `${formatSaId(id, "x")}: ${transformName(sa)}, crypto by ${deps.provider.description}`);
  sa.addedAt = deps.now();
  setLimits(sa, "soft", extensions.lifetimeSoft);
  setLimits(sa, "hard", extensions.lifetimeHard);
  sa.limits?.forEach(orderLimits);
  return sa;
}

function checkFamilies(id: SaId, source: Address): void {
  if (source.family === id.destination.family) return;
  throw new Refusal(ERRNO.EINVAL, `${formatSaId(id, "x")}: source and destination of different families`);
}

function needed(reference: number | undefined): number {
  if (reference === undefined) throw new Refusal(ERRNO.ENOSPC, "no free SA reference");
  return reference;
}

function install(deps: ServiceDeps, sa: Sa): void {
  deps.sad.install(sa);
  deps.sad.keepReference(sa.ref);
  trace(deps, "spi", () => `${formatSaId(sa.id, "x")} added, ${sa.state}, ref=${sa.ref}`);
  deps.onInstall(sa);
}

function remove(deps: ServiceDeps, { message }: Request): Extensions {
  const sa = existing(deps, message, ERRNO.ESRCH);
  const extensions = saExtensions(sa);
  removeChain(deps, sa);
  return extensions;
}

function removeChain(deps: ServiceDeps, sa: Sa): void {
  for (const { id } of deps.sad.removeChain(sa)) trace(deps, "spi", () => `${formatSaId(id, "x")} removed`);
}

/** Lifetimes and addresses, never keys. */
function get(deps: ServiceDeps, { message }: Request): Extensions {
  const sa = existing(deps, message, ERRNO.ESRCH);
  return {
    ...saExtensions(sa),
    lifetimeCurrent: currentOf(sa),
    lifetimeHard: limitsOf(sa, "hard"),
    lifetimeSoft: limitsOf(sa, "soft"),
  };
}

function flush(deps: ServiceDeps): Extensions {
  trace(deps, "spi", () => `all ${deps.sad.size} SAs removed`);
  deps.sad.clear();
  return {};
}

function group(deps: ServiceDeps, { message }: Request): Extensions {
  const first = existing(deps, message, ERRNO.ENOENT);
  const { satype2, sa2, destination2 } = message.extensions;
  if (satype2 === undefined || !sa2 || !destination2) {
    if (satype2 !== undefined || sa2 || destination2) throw new Refusal(ERRNO.EINVAL, "half of a second SA");
    trace(deps, "spi", () => `chain of ${formatSaId(first.id, "x")} ungrouped`);
    deps.sad.ungroup(first);
    return saExtensions(first);
  }
  deps.sad.takeReference(); // a grouping consumes two
  const protocol = satypeProtocol(satype2);
  if (protocol === undefined) throw new Refusal(ERRNO.EINVAL, `SA type ${satype2}`);
  const second = deps.sad.find({ protocol, spi: sa2.spi, destination: destination2.address });
  if (!second) throw new Refusal(ERRNO.ENOENT, "the second SA does not exist");
  const errno = deps.sad.group(first, second);
  if (errno) throw new Refusal(errno, "a neighbour is there already, or a loop would close");
  trace(deps, "spi", () => `${formatSaId(first.id, "x")} grouped inside ${formatSaId(second.id, "x")}`);
  return { ...saExtensions(first), satype2, sa2: saExtension(second), destination2 };
}

function existing(deps: ServiceDeps, message: PfkeyMessage, errno: number): Sa {
  const id = saIdOf(message);
  const sa = deps.sad.find(id);
  if (!sa) throw new Refusal(errno, `${formatSaId(id, "x")} does not exist`);
  return sa;
}

function setLimits(sa: Sa, which: "soft" | "hard", limits: LifetimeExtension | undefined): void {
  if (!limits) return;
  for (const kind of LIFETIME_KINDS) if (limits[kind] > 0) sa.limit(kind)[which] = limits[kind];
}

function encapsulationOf(satype: number, { natType, natSport, natDport }: Extensions): UdpEncapsulation | undefined {
  if (natType === undefined || natType === 0) return undefined;
  if (satype !== SATYPES.ESP.number) throw new Refusal(ERRNO.EINVAL, "UDP encapsulation carries ESP only");
  if (natType !== NAT_T_ESPINUDP || !natSport || !natDport) {
    throw new Refusal(ERRNO.EINVAL, "UDP encapsulation needs type espinudp and both ports");
  }
  return { sport: natSport, dport: natDport, peer: undefined };
}

export const SA_HANDLERS: readonly (readonly [type: number, handler: Handler])[] = [
  [MESSAGES.GETSPI.number, getSpi],
  [MESSAGES.UPDATE.number, update],
  [MESSAGES.ADD.number, add],
  [MESSAGES.DELETE.number, remove],
  [MESSAGES.GET.number, get],
  [MESSAGES.FLUSH.number, flush],
  [MESSAGES.X_GRPSA.number, group],
];
