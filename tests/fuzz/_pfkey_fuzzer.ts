/** Spoiled PF_KEY messages. Rule: a value or an errno, never a throw; a value can be sent again and means the same. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { checkRequest, decodeMessage, encodeMessage } from "../../lib/pfkey/codec.ts";
import { MESSAGES, SATYPES } from "../../lib/pfkey/constants.ts";
import { MessageReader } from "../../lib/pfkey/framing.ts";
import { EAST, espExtensions, flowOf, tunExtensions, WEST } from "../klips/_station.ts";
import type { Chance } from "./_chance.ts";
import { Finding } from "./_finding.ts";
import { mutate, type Room } from "./_mutate.ts";

const CAPACITY = 8192;

export class PfkeyFuzzer {
  packets = 0;
  decoded = 0;
  readonly #room: Room;
  readonly #corpus: Uint8Array[];

  constructor(readonly chance: Chance) {
    const bytes = new Uint8Array(CAPACITY);
    this.#room = { bytes, view: new DataView(bytes.buffer), at: 0, capacity: CAPACITY };
    const message = (type: number, satype: number, extensions: object) =>
      encodeMessage({ type, satype, errno: 0, seq: 1, pid: 2, extensions });
    this.#corpus = [
      message(MESSAGES.ADD.number, SATYPES.ESP.number, espExtensions(0x1000)),
      message(MESSAGES.ADD.number, SATYPES.IPIP.number, tunExtensions(0x1000)),
      message(MESSAGES.ADD.number, SATYPES.ESP.number, espExtensions(0x1000, "2001:db8::2", "2001:db8::1")),
      message(MESSAGES.X_ADDFLOW.number, SATYPES.ESP.number, {
        ...tunExtensions(0x1000, EAST, WEST),
        ...flowOf("10.1.0.0/16", "10.2.0.0/16", { protocol: 6, sourcePort: 1, destinationPort: 2 }),
      }),
      message(MESSAGES.FLUSH.number, 0, {}),
    ];
  }

  step(): void {
    const { chance } = this;
    const { bytes, view } = this.#room;
    const original = chance.pick(this.#corpus);
    bytes.set(original);
    let length = original.length;
    if (!chance.oneIn(16)) length = mutate(this.#room, length, chance, chance.pick(this.#corpus));
    // Whole words and a true length, more often than not: else nothing gets past the header.
    if (length >= 16 && !chance.oneIn(4)) view.setUint16(4, (length &= ~7) / 8, true);
    const result = decodeMessage(bytes.subarray(0, length));
    this.packets++;
    if (chance.oneIn(8)) this.#frame(length);
    if (!result.ok) return;
    this.decoded++;
    checkRequest(result.message);
    const again = decodeMessage(encodeMessage(result.message));
    if (!again.ok) throw new Finding(`what was decoded cannot be decoded again: ${again.reason}`);
    deepEqual(again.message, result.message);
  }

  finish(): void {
    if (this.packets > 10_000 && this.decoded === 0) throw new Finding("no message was decoded at all");
  }

  /** The stream may be cut anywhere; it is refused by a RangeError alone. */
  #frame(length: number): void {
    const { chance } = this;
    const { bytes } = this.#room;
    const reader = new MessageReader();
    try {
      for (let at = 0; at < length;) {
        const end = Math.min(length, at + 1 + chance.below(64));
        for (const message of reader.push(bytes.subarray(at, end))) decodeMessage(message);
        at = end;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
}
