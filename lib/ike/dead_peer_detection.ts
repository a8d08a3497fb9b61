/** Dead peer detection (RFC 3706): questions to a silent peer, answers to its own, and the end where none come back. */
import type { DpdPolicy } from "./connection.ts";
import { DOI, NOTIFY, PROTOCOL } from "./constants.ts";
import { aliveNow, type DpdState, isAwaited, isNews, nextMove, startDpd } from "./dead_peer_sequence.ts";
import { cookies, isSamePeer, spiBytes, spiNumber } from "./delete_payload.ts";
import type { Effect } from "./exchange_table.ts";
import type { Timer } from "./host.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import type { EngineServices } from "./phase2.ts";
import type { IsakmpSa } from "./state.ts";

type Notification = Extract<Payload, { type: "N" }>;

interface Watch {
  dpd: DpdState;
  timer?: Timer;
}

const SEQUENCE_BYTES = 4;
const SPI_BYTES = 16;

export class DeadPeerDetection {
  readonly #services: EngineServices;
  readonly #watches = new Map<IsakmpSa, Watch>();

  constructor(services: EngineServices) {
    this.#services = services;
  }

  /** Begins to watch, where the connection wants it and the peer can. */
  start(sa: IsakmpState): void {
    const policy = sa.connection.dpd;
    if (!policy || policy.delaySeconds <= 0 || policy.timeoutSeconds <= 0) return;
    const { host } = this.#services;
    if (!sa.peerSpeaksDpd) {
      return host.tell(
        sa,
        2,
        "Dead Peer Detection (RFC 3706): not enabled because peer did not advertise it",
      );
    }
    host.tell(sa, 2, "Dead Peer Detection (RFC 3706): enabled");
    this.#next(sa, this.#watch(sa), policy);
  }

  /** Something authentic has come. */
  alive(sa: IsakmpState): void {
    const watch = this.#watches.get(sa);
    if (watch) watch.dpd = aliveNow(watch.dpd, this.#services.clock.now());
  }

  stop(sa: IsakmpSa): void {
    this.#watches.get(sa)?.timer?.cancel();
    this.#watches.delete(sa);
  }

  /** A question or an answer, its HASH checked. */
  receive(sa: IsakmpState, notification: Notification): Effect[] {
    const isQuestion = notification.notify === NOTIFY.R_U_THERE;
    const name = isQuestion ? "R_U_THERE" : "R_U_THERE_ACK";
    const { spi, data } = notification;
    // Which SA is meant is known without the cookies; some peers leave them out.
    if (spi.length !== 0 && spi.length !== SPI_BYTES) {
      return [warning(`DPD: ${name} has invalid SPI length (${spi.length})`)];
    }
    if (data.length !== SEQUENCE_BYTES) return [warning(`DPD: ${name} has invalid data length (${data.length})`)];
    const sequence = spiNumber(data);
    const { host } = this.#services;
    host.debug(sa, "dpd", () => `DPD: received ${name} seq:${sequence}`);
    return isQuestion ? this.#answer(sa, sequence) : this.#hear(sa, sequence);
  }

  #answer(sa: IsakmpState, sequence: number): Effect[] {
    const watch = this.#watch(sa);
    if (!isNews(watch.dpd, sequence)) return [warning("DPD: received old or duplicate R_U_THERE")];
    watch.dpd = { ...watch.dpd, heard: sequence };
    return [{ effect: "inform", payloads: [notify(sa, NOTIFY.R_U_THERE_ACK, sequence)] }];
  }

  #hear(sa: IsakmpState, sequence: number): Effect[] {
    const watch = this.#watches.get(sa);
    if (!watch || !isAwaited(watch.dpd, sequence)) {
      return [warning(`DPD: unexpected R_U_THERE_ACK packet with sequence number ${sequence}`)];
    }
    watch.dpd = { ...aliveNow(watch.dpd, this.#services.clock.now()), answered: sequence };
    return [];
  }

  #watch(sa: IsakmpState): Watch {
    let watch = this.#watches.get(sa);
    if (!watch) {
      const { random, clock } = this.#services;
      watch = { dpd: startDpd(random(SEQUENCE_BYTES), clock.now()) };
      this.#watches.set(sa, watch);
    }
    return watch;
  }

  #next(sa: IsakmpState, watch: Watch, policy: DpdPolicy): void {
    const { host, clock, inform } = this.#services;
    const move = nextMove(watch.dpd, policy, clock.now(), host.lastInbound(sa));
    if (move.do !== "wait" && this.#isSuperseded(sa)) {
      // The peer may have dropped this one: its silence here says nothing.
      watch.dpd = aliveNow(watch.dpd, clock.now());
      return this.#sleep(sa, watch, policy, 1000 * policy.delaySeconds);
    }
    if (move.do === "give up") {
      this.stop(sa);
      host.tell(sa, 2, "DPD: No response from peer - declaring peer dead");
      return host.peerIsDead(sa);
    }
    if (move.do === "ask") {
      watch.dpd = move.next;
      host.debug(sa, "dpd", () => `DPD: sending R_U_THERE ${watch.dpd.asked}`);
      inform(sa, [notify(sa, NOTIFY.R_U_THERE, watch.dpd.asked)]);
    }
    this.#sleep(sa, watch, policy, move.waitMs);
  }

  #sleep(sa: IsakmpState, watch: Watch, policy: DpdPolicy, waitMs: number): void {
    watch.timer = this.#services.clock.after(waitMs, () => this.#next(sa, watch, policy));
  }

  /** There is a newer ISAKMP SA with this peer, which does the asking. */
  #isSuperseded(sa: IsakmpState): boolean {
    if (!sa.peerId) return false;
    const { host, statesOf } = this.#services;
    const states = [...host.connectionsWith(sa.peerId)].flatMap((one) => [...statesOf(one)]);
    return states.some((other) =>
      other.kind === "isakmp" && other.isEstablished && other.number > sa.number && isSamePeer(sa, other)
    );
  }
}

function notify(sa: IsakmpState, type: number, sequence: number): Notification {
  return {
    type: "N",
    doi: DOI.IPSEC,
    protocol: PROTOCOL.ISAKMP,
    spi: cookies(sa),
    notify: type,
    data: spiBytes(sequence),
  };
}

function warning(text: string): Effect {
  return { effect: "tell", code: 3, text };
}
