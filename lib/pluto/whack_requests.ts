/** Carries out one request of whack's, step by step in the order of whack.md §5. */
import { parseAddress } from "../text/address.ts";
import { parseIdentity } from "../text/identity.ts";
import { RC } from "./define.ts";
import { closeInterface, listen, loadSecrets, unlisten } from "./listening.ts";
import { emptyList, publicKeyLines } from "./listings.ts";
import type { Parts } from "./parts.ts";
import { reconsider } from "./reconsider.ts";
import type { ListName, WhackRequest } from "./request.ts";
import { type StatusFacts, statusJson, statusLines } from "./status.ts";
import {
  addConnection,
  crash,
  findNamed,
  initiateNamed,
  routeNamed,
  terminateNamed,
  unrouteNamed,
} from "./whack_connections.ts";
import { keyRequest } from "./whack_keys.ts";
import type { Reply } from "./whacks.ts";

type Step = (request: WhackRequest, parts: Parts, reply: Reply) => void | Promise<void>;

/** These say something to whoever asks, and change nothing. */
const ANSWERS = [list(["pubkeys"]), list(["certs", "cacerts", "crls", "cards"]), status] as const;
const [PUBLIC_KEYS, CERTIFICATES] = ANSWERS;

/** In this order; each does nothing where it was not asked for. */
const STEPS: readonly Step[] = [
  setDebug,
  setMyId,
  deleteConnections,
  deleteState,
  crashPeer,
  define,
  async (request, parts) => request.listen ? await listen(parts) : undefined,
  (request, parts) => request.unlisten ? unlisten(parts) : undefined,
  async (request, parts) => request.rereadSecrets ? await loadSecrets(parts) : undefined,
  PUBLIC_KEYS,
  CERTIFICATES,
  (request, parts, reply) => request.keys?.forEach((one) => keyRequest(one, parts, reply)),
  async (request, parts) => request.route ? await routeNamed(request.name, parts) : undefined,
  async (request, parts) => request.unroute ? await unrouteNamed(request.name, parts) : undefined,
  initiate,
  opportune,
  async (request, parts) => request.terminate ? await terminateNamed(request.name, parts) : undefined,
  status,
  async (request, parts) => {
    if (!request.shutdown) return;
    parts.teller.tell(undefined, RC.log, "shutting down");
    await putAway(parts);
  },
];

export async function carryOut(request: WhackRequest, parts: Parts, reply: Reply): Promise<void> {
  if (onlyAsks(request)) {
    // whoever does is not to hear meanwhile what others negotiate
    for (const step of ANSWERS) step(request, parts, reply);
    return;
  }
  await parts.whacks.during(reply, request.name, async () => {
    for (const step of STEPS) await step(request, parts, reply);
    if (changesRoutes(request)) await reconsider(parts);
    if (changesRoutes(request) || request.shutdown) await parts.opportunism?.settle();
    if (isOrder(request)) parts.keeper.ordered(parts.connections.find(request.name ?? ""));
    else parts.keeper.changed();
  });
}

function onlyAsks({ version: _, status, lists, utc: __, ...rest }: WhackRequest): boolean {
  return Boolean(status || lists) && Object.values(rest).every((value) => value === undefined || value === false);
}

function changesRoutes({ delete: deletes, connection, listen, route, unroute }: WhackRequest): boolean {
  return Boolean(deletes || connection || listen || route || unroute);
}

/** About one connection that is known: of those that are made known there may be thousands, one after the other. */
function isOrder({ route, unroute, initiate, terminate }: WhackRequest): boolean {
  return Boolean(route || unroute || initiate || terminate);
}

/** Everything goes, in order: secrets, connections with their SAs and routes, interfaces. */
export async function putAway(parts: Parts): Promise<void> {
  if (parts.keys.hasSecrets) parts.teller.tell(undefined, RC.log, "forgetting secrets");
  // Delete messages need no secrets
  parts.keys.forgetSecrets();
  parts.keys.forgetPublicKeys();
  for (const connection of [...parts.connections]) await parts.lifeCycle.delete(connection);
  await parts.tasks.idle();
  for (const one of parts.interfaces) await closeInterface(one, parts);
}

function setDebug({ debug, name, connection }: WhackRequest, parts: Parts): void {
  if (!debug || connection) return;
  if (name === undefined) return parts.teller.setDebug(debug.flags);
  const named = findNamed(name, parts);
  if (named) named.debug = debug.flags;
}

function setMyId({ myid }: WhackRequest, { myId, teller }: Parts): void {
  if (myid === undefined) return;
  const id = parseIdentity(myid);
  if (id.ok && id.value.kind !== "name") return myId.specify(id.value);
  const why = id.ok ? "does not look numeric and name lookup failed" : id.error;
  teller.tell(undefined, RC.badId, `myid malformed: ${why} "${myid}"`);
}

async function deleteConnections(request: WhackRequest, parts: Parts): Promise<void> {
  if (!request.delete) return;
  // what is replaced need not be there
  const isKnown = request.name !== undefined && await parts.lifeCycle.deleteNamed(request.name);
  if (!isKnown && !request.connection) findNamed(request.name, parts);
}

async function deleteState({ deleteState: number }: WhackRequest, parts: Parts): Promise<void> {
  if (number === undefined) return;
  const state = parts.engine.states.get(number);
  if (!state) return parts.teller.tell(undefined, RC.unknownName, `no state #${number} to delete`);
  parts.lifeCycle.removeState(state);
  await parts.tasks.idle();
}

function crashPeer({ crash: peer }: WhackRequest, parts: Parts): void {
  if (peer === undefined) return;
  const address = parseAddress(peer, peer.includes(":") ? "inet6" : "inet");
  if (address.ok) crash(address.value, parts);
  else parts.teller.tell(undefined, RC.serious, `bad --crash "${peer}": ${address.error}`);
}

function define({ name, connection, debug }: WhackRequest, parts: Parts): void {
  if (!connection || name === undefined) return;
  const added = addConnection(name, connection, parts);
  if (added && debug) added.debug = debug.flags;
}

function list(names: readonly ListName[]): Step {
  return ({ lists, utc }, { keys, deps }, reply) => {
    for (const name of names) {
      if (!lists?.includes(name)) continue;
      const options = { utc: utc === true, now: deps.wallClock() };
      const lines = name === "pubkeys" ? publicKeyLines(keys.known, options) : emptyList(name);
      for (const line of lines) reply.line(RC.comment, line);
    }
  };
}

function initiate(request: WhackRequest, parts: Parts, reply: Reply): void {
  if (!request.initiate) return;
  const { name, xauth, async: isAsync } = request;
  initiateNamed(name, parts, { ...(!isAsync && { reply }), ...(xauth && { xauth }) });
}

async function opportune({ oppo, async: isAsync }: WhackRequest, parts: Parts, reply: Reply): Promise<void> {
  if (!oppo) return;
  if (!parts.isListening) {
    return parts.teller.tell(undefined, RC.deaf, "need --listen before opportunistic initiation");
  }
  const [from, to] = [oppo.here, oppo.there].map((text) => parseAddress(text, text.includes(":") ? "inet6" : "inet"));
  if (!from.ok || !to.ok) {
    const why = !from.ok ? from.error : !to.ok ? to.error : "";
    return parts.teller.tell(
      undefined,
      RC.opportunism,
      `Can't Opportunistically initiate for ${oppo.here} to ${oppo.there}: ${why}`,
    );
  }
  const acquire = { from: from.value, to: to.value, protocol: 0, fromPort: 0, toPort: 0 };
  await parts.acquires.handle(acquire, { isHeld: false, ...(!isAsync && { reply }) });
}

function status({ status: wanted }: WhackRequest, parts: Parts, reply: Reply): void {
  if (!wanted) return;
  const facts = statusFacts(parts);
  if (wanted === "json") return reply.line(RC.comment, JSON.stringify(statusJson(facts)));
  for (const line of statusLines(facts)) reply.line(RC.comment, line);
}

export function statusFacts(parts: Parts): StatusFacts {
  return {
    interfaces: parts.interfaces,
    myId: parts.myId.format(),
    debug: parts.teller.debugFlags,
    connections: parts.connections.sorted(),
    states: [...parts.engine.states.values()],
    pending: parts.pending,
    shunts: parts.shunts,
    notes: parts.notes,
    addressPools: parts.addressPools,
    now: parts.deps.clock.now(),
  };
}
