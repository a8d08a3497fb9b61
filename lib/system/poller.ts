/**
 * Waits for file descriptors and runs what belongs to the ready ones.
 *
 * While nothing happens `poll(2)` waits on a helper thread, so the control socket and the timers of the same event loop
 * go on and nothing periodic runs. The trip to that thread and back costs about 30 µs, more than a packet does; so while
 * packets keep coming the call is made here, for {@linkcode TURN_MS} at most, and the event loop has a turn after it. Who
 * keys a tunnel asks a dozen things one after the other: while somebody does, the event loop has a turn after each round.
 */
import { addressOf, checked, libc } from "../ffi/libc.ts";

const POLLIN = 1;
const POLLFD_BYTES = 8;
const EFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** The control socket and the timers wait no longer than this for their turn. */
const TURN_MS = 4;
/** After so long without a packet the waiting is left to the helper thread; after so long without a request it is not. */
const LINGER_MS = 20;

export class Poller {
  readonly #c = libc();
  readonly #handlers = new Map<number, () => void>();
  readonly #wake = checked(this.#c.eventfd(0, EFD_NONBLOCK_CLOEXEC), "eventfd", "make an event descriptor");
  readonly #cell = new Uint8Array(8);
  #set = new Uint8Array(0);
  #view = new DataView(this.#set.buffer);
  #order: (() => void)[] = [];
  #count = 0n;
  #stale = true;
  #waiting = false;
  #stopped = false;
  #attendedAt = -Infinity;

  constructor() {
    const address = addressOf(this.#cell);
    this.#handlers.set(this.#wake, () => this.#c.read(this.#wake, address, 8n));
  }

  add(fd: number, readable: () => void): void {
    this.#handlers.set(fd, readable);
    this.#changed();
  }

  /** Forgets `fd`, which the caller closes afterwards. */
  remove(fd: number): void {
    this.#handlers.delete(fd);
    this.#changed();
  }

  /** Somebody has asked something over the control socket, and may go on: packets do not make him wait. */
  attend(): void {
    this.#attendedAt = performance.now();
  }

  /** Runs until `stop`; `turn` is called after each round of handlers. */
  async run(turn: () => void): Promise<void> {
    let now = performance.now();
    let turnStarted = now;
    let lastReady = now;
    while (!this.#stopped) {
      if (this.#stale) this.#rebuild();
      const attends = now - this.#attendedAt < LINGER_MS;
      const hot = !attends && now - lastReady < LINGER_MS;
      let ready = this.#c.poll(this.#set, this.#count, hot ? TURN_MS : 0);
      if (ready === 0 && !hot) {
        this.#waiting = true;
        ready = await this.#c.pollWaiting(this.#set, this.#count, -1);
        this.#waiting = false;
        turnStarted = performance.now();
        if (this.#stale) continue;
      }
      if (ready > 0) {
        this.#dispatch();
        turn();
      }
      now = performance.now();
      if (ready > 0) lastReady = now;
      if (ready === 0 || attends || now - turnStarted >= TURN_MS) {
        // A trip to the helper thread, 30 µs, lets the runtime look at its own sockets. After an immediate, 4 µs, it does so
        // every 61st time only, and tools waited half a second for an answer; setTimeout(0) takes 1 to 2 ms.
        await this.#c.pollWaiting(this.#set, this.#count, 0);
        turnStarted = performance.now();
      }
    }
    this.#c.close(this.#wake);
  }

  stop(): void {
    this.#stopped = true;
    this.#changed();
  }

  #dispatch(): void {
    for (let i = 0; i < this.#order.length; i++) {
      if (this.#view.getInt16(i * POLLFD_BYTES + 6, true) === 0) continue;
      this.#order[i]();
      if (this.#stale) return;
    }
  }

  #changed(): void {
    this.#stale = true;
    if (!this.#waiting) return;
    const one = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
    this.#c.write(this.#wake, addressOf(one), 8n);
  }

  #rebuild(): void {
    this.#set = new Uint8Array(this.#handlers.size * POLLFD_BYTES);
    this.#view = new DataView(this.#set.buffer);
    this.#order = [];
    for (const [fd, handler] of this.#handlers) {
      const at = this.#order.length * POLLFD_BYTES;
      this.#view.setInt32(at, fd, true);
      this.#view.setInt16(at + 4, POLLIN, true);
      this.#order.push(handler);
    }
    this.#count = BigInt(this.#order.length);
    this.#stale = false;
  }
}
