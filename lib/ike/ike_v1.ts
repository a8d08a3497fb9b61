/** IKE version 1 (RFC 2409, ISAKMP of RFC 2408): datagrams come in, the tables of exchanges say what follows. */
import { equalBytes } from "../crypto/constant_time.ts";
import { sameAddress } from "../text/address.ts";
import { EXCHANGE, exchangeName, HEADER_BYTES, NOTIFY, PAYLOAD } from "./constants.ts";
import type { IkeConnection } from "./connection.ts";
import { EngineCore } from "./engine_core.ts";
import { decodeHeader } from "./header_codec.ts";
import type { EventPlan, IkeDeps, IkeEngine, IkeOptions, QuickOptions, Refusal } from "./host.ts";
import type { Packet } from "./incoming.ts";
import { IpsecState } from "./ipsec_sa.ts";
import { IsakmpState } from "./isakmp_sa.ts";
import { isKeepAlive } from "./keep_alive.ts";
import { decodePayloads } from "./payload_codec.ts";
import { drawCookie, NO_COOKIE, PHASE1_MODES, receivePhase1 } from "./phase1_intake.ts";
import { receiveInformational, receiveQuick, receiveTransaction } from "./phase2_intake.ts";
import type { EngineServices, Phase2 } from "./phase2.ts";
import type { IkeState, IpsecSa, IsakmpSa, Path } from "./state.ts";
import type { State } from "./state_table.ts";
import { makePhase2 as makeAll } from "./under_isakmp.ts";

type Receive = (core: EngineCore, packet: Packet) => void;

const EXCHANGES: Readonly<Record<number, Receive>> = {
  [EXCHANGE.IDPROT]: receivePhase1,
  [EXCHANGE.AGGR]: receivePhase1,
  [EXCHANGE.INFO]: receiveInformational,
  [EXCHANGE.MODE_CFG]: receiveTransaction,
  [EXCHANGE.QUICK]: receiveQuick,
};

export class IkeV1 implements IkeEngine {
  readonly #core: EngineCore;

  constructor(options: IkeOptions, deps: IkeDeps, makePhase2: (services: EngineServices) => Phase2 = makeAll) {
    this.#core = new EngineCore(options, deps, makePhase2, (packet) => this.#dispatch(packet));
  }

  get states(): ReadonlyMap<number, IkeState> {
    return this.#core.table.byNumber;
  }

  statesOf(connection: IkeConnection): Iterable<IkeState> {
    return this.#core.table.of(connection);
  }

  statesUnder(isakmp: number): Iterable<IpsecSa> {
    return this.#core.table.under(isakmp);
  }

  receive(path: Path, datagram: Uint8Array): void {
    try {
      this.#take(path, datagram);
    } catch (error) {
      // A defect: whoever has found it must not bring the daemon down with it.
      const why = error instanceof Error ? error.message : String(error);
      this.#core.refuse(path, "internalErrors", `internal error while taking a message: ${why}`, 3);
    }
  }

  #take(path: Path, datagram: Uint8Array): void {
    const core = this.#core;
    core.counters.count("received");
    if (isKeepAlive(datagram)) return core.counters.count("keepAlives");
    const decoded = decodeHeader(datagram);
    if (!decoded.ok) return core.refuse(path, "malformedHeader", decoded.reason, 3);
    const { header, firstPayload } = decoded;
    // The sender may use its buffer again.
    const packet = { header, firstPayload, datagram: datagram.slice(), path };
    if (firstPayload === PAYLOAD.FRAG) return this.#takeFragment(packet);
    this.#dispatch(packet);
  }

  /** Only of a peer that we have spoken with: others have nothing to say that is so long. */
  #takeFragment({ header, firstPayload, datagram, path }: Packet): void {
    const core = this.#core;
    const sa = core.table.findByCookies(header.initiatorCookie, header.responderCookie) ??
      core.table.findByCookies(header.initiatorCookie, NO_COOKIE);
    if (!sa?.connection.fragmentation || !sameAddress(sa.path.remote, path.remote)) {
      return core.refuse(path, "unknownFragment", "discarding fragment: it is part of an unknown exchange");
    }
    const decoded = decodePayloads(firstPayload, datagram.subarray(HEADER_BYTES));
    const [fragment] = decoded.ok ? decoded.payloads : [];
    if (fragment?.type !== "FRAG") return core.refuse(sa, "malformedFragment", "discarding malformed fragment", 3);
    const joined = sa.reassembly.add(fragment);
    if (joined.state === "refused") {
      return core.refuse(sa, "malformedFragment", `discarding fragment: ${joined.reason}`, 3);
    }
    if (joined.state === "waiting") return;
    const whole = decodeHeader(joined.message);
    const isFragment = whole.ok && whole.firstPayload === PAYLOAD.FRAG;
    if (!whole.ok || isFragment || !equalBytes(whole.header.initiatorCookie, header.initiatorCookie)) {
      return core.refuse(sa, "malformedFragment", "discarding fragments that make no message", 3);
    }
    this.#dispatch({ header: whole.header, firstPayload: whole.firstPayload, datagram: joined.message, path });
  }

  #dispatch(packet: Packet): void {
    const receive = EXCHANGES[packet.header.exchange];
    if (receive) return receive(this.#core, packet);
    const name = exchangeName(packet.header.exchange);
    this.#core.refuse(packet.path, "unsupportedExchange", `unsupported exchange type ${name} in message`);
    this.#core.notify(packet, NOTIFY.INVALID_EXCHANGE_TYPE);
  }

  startPhase1(
    connection: IkeConnection,
    path: Path,
    { replaces, attempt }: { readonly replaces: number; readonly attempt: number },
  ): IsakmpSa | Refusal {
    const core = this.#core;
    const { table } = PHASE1_MODES[connection.aggressive ? EXCHANGE.AGGR : EXCHANGE.IDPROT];
    const [opening] = table.openings;
    const state = new IsakmpState({
      number: core.table.nextNumber(),
      name: opening.to,
      role: "initiator",
      connection,
      path,
      attempt,
      replaces,
      exchangeType: table.type,
      initiatorCookie: drawCookie(core),
      responderCookie: NO_COOKIE,
    });
    core.table.add(state);
    const which = connection.aggressive ? ` #${state.number}, connection ${connection.label}` : "";
    const { host } = core.deps;
    host.tell(state, 2, `initiating ${table.name}${which}${replaces ? ` to replace #${replaces}` : ""}`);
    return core.machine.open(table, opening, state, state.exchange) ?? state;
  }

  startQuick(sa: IsakmpSa, connection: IkeConnection, options: QuickOptions): IpsecSa | Refusal {
    const core = this.#core;
    const isakmp = core.table.isakmp(sa.number);
    if (!isakmp?.isEstablished) return { refused: `ISAKMP SA #${sa.number} is not established`, notify: 0 };
    const messageId = core.drawMessageId(isakmp);
    const [opening] = core.phase2.quick.openings;
    const state = new IpsecState({
      number: core.table.nextNumber(),
      name: opening.to,
      role: "initiator",
      connection,
      path: isakmp.path,
      attempt: options.attempt,
      replaces: options.replaces,
      isakmp: isakmp.number,
      messageId,
    });
    state.exchange.chain = core.chainFor(isakmp, messageId);
    const refused = core.phase2.prepareQuick(state, options);
    if (refused !== undefined) return { refused, notify: 0 };
    core.table.add(state);
    return core.machine.open(core.phase2.quick, opening, state, state.exchange) ?? state;
  }

  remove(state: IkeState, tellPeer: boolean): void {
    this.#core.remove(state, tellPeer);
  }

  schedule(state: IkeState, event: EventPlan): void {
    this.#core.machine.schedule(state as State, event);
  }

  counters(): Readonly<Record<string, number>> {
    const { counters, table } = this.#core;
    return { ...counters.snapshot(), states: table.byNumber.size, halfOpen: table.halfOpen };
  }
}
