/** What SAs need from time to time: an end at its time, keepalives where NATs are on the way, a port to leave from. */
import type { Engine } from "../klips/engine.ts";
import { nextExpiry } from "../klips/lifetime.ts";
import type { Sa } from "../klips/sa.ts";
import { Alarm } from "./alarm.ts";
import type { HostAddresses } from "./host_addresses.ts";
import type { Log } from "./log.ts";
import type { Physical } from "./physical.ts";

/** RFC 3948 §4: after this long without a packet, an encapsulated SA keeps its NAT mapping open. */
export const KEEPALIVE_SECONDS = 20;

export interface SaUpkeepDeps {
  readonly engine: Engine;
  readonly addresses: HostAddresses;
  readonly log: Log;
  /** 0 for no keepalives. */
  readonly keepaliveSeconds: number;
  /** The physical devices in use. */
  physicals(): Iterable<Physical>;
  /** Seconds. */
  clock(): number;
}

export class SaUpkeep {
  readonly #deps: SaUpkeepDeps;
  /** For the nearest expiry or keepalive: nothing wakes the daemon where none is due. */
  readonly #alarm: Alarm;

  constructor(deps: SaUpkeepDeps) {
    this.#deps = deps;
    this.#alarm = new Alarm({
      now: () => deps.clock(),
      ring: () => this.#watchTimes(),
      startTimer: (ring, afterMs) => {
        const timer = setTimeout(ring, afterMs);
        return () => clearTimeout(timer);
      },
    });
  }

  /**
   * A new SA may need a port, and may be due before all others. The others are not looked at: keying 10 000 SAs would
   * take minutes. Those that go need nothing: the timer that was meant for them finds nothing to do.
   */
  installed(sa: Sa): void {
    for (const physical of this.#deps.physicals()) this.#openPort(physical, sa);
    this.#alarm.setBy(nextExpiry(sa, this.#deps.clock()));
    this.#alarm.setBy(this.#keepaliveDue(sa));
  }

  /** Opens on a new device the ports that SAs have by now. */
  openPorts(physical: Physical): void {
    for (const sa of this.#deps.engine.sad) this.#openPort(physical, sa);
  }

  cancel(): void {
    this.#alarm.cancel();
  }

  #openPort(physical: Physical, { udp }: Sa): void {
    if (!udp) return;
    try {
      physical.openPort(udp.sport);
    } catch (error) {
      this.#deps.log("error", (error as Error).message);
    }
  }

  /** Does what is due, and sets the alarm for the rest. */
  #watchTimes(): void {
    const { engine, keepaliveSeconds } = this.#deps;
    this.#alarm.setBy(engine.expireByTime());
    const now = this.#deps.clock();
    for (const sa of engine.sad) {
      let due = this.#keepaliveDue(sa);
      if (due === undefined) continue;
      if (due <= now) {
        this.#keepAlive(sa);
        due = now + keepaliveSeconds;
      }
      this.#alarm.setBy(due);
    }
  }

  #keepaliveDue(sa: Sa): number | undefined {
    const { keepaliveSeconds } = this.#deps;
    if (sa.inbound || !sa.udp || keepaliveSeconds === 0) return undefined;
    return (sa.lastUsedAt || sa.addedAt) + keepaliveSeconds;
  }

  /** RFC 3948 §2.3: one byte that the NAT sees and the peer ignores. */
  #keepAlive(sa: Sa): void {
    const { engine, addresses } = this.#deps;
    const at = engine.arena.take(64);
    if (at < 0) return;
    const { bytes } = engine.memory;
    bytes[at] = 0xff;
    bytes.set(sa.source.bytes, at + 8);
    const peer = (sa.udp!.peer ?? sa.id.destination).bytes;
    for (const physical of this.#deps.physicals()) {
      if (!addresses.isOn(sa.source.bytes, physical.name)) continue;
      physical.datagram(at, 1, at + 8, sa.udp!, peer, 0, false);
    }
    engine.flush();
  }
}
