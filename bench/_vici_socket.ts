/**
 * Requests to strongSwan's charon over its control socket, as the README of its plugin vici has them: a length of four
 * octets, a packet type, a name, and a message of elements.
 */

const PACKET = { REQUEST: 0, RESPONSE: 1 } as const;
const ELEMENT = { KEY_VALUE: 3 } as const;
const LENGTH_BYTES = 4;
/** The value "yes". */
const DONE = "\0\x03yes";

const encoder = new TextEncoder(), decoder = new TextDecoder();

export class ViciSocket implements Disposable {
  private constructor(readonly socket: Deno.UnixConn) {}

  static async connect(path: string): Promise<ViciSocket> {
    return new ViciSocket(await Deno.connect({ transport: "unix", path }));
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }

  /** Waits until charon has done it. @throws Error with its words where it has not */
  async request(command: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const body = [
      PACKET.REQUEST,
      ...short(command),
      ...Object.entries(fields).flatMap(([key, value]) => [
        ELEMENT.KEY_VALUE,
        ...short(key),
        ...long(value),
      ]),
    ];
    const packet = new Uint8Array(LENGTH_BYTES + body.length);
    new DataView(packet.buffer).setUint32(0, body.length);
    packet.set(body, LENGTH_BYTES);
    for (let at = 0; at < packet.length;) at += await this.socket.write(packet.subarray(at));
    const answer = await this.#read(new DataView((await this.#read(LENGTH_BYTES)).buffer).getUint32(0));
    const text = decoder.decode(answer.subarray(1));
    if (answer[0] !== PACKET.RESPONSE || !text.includes(`success${DONE}`)) {
      throw new Error(`charon refuses ${command}: ${text.replace(/\p{Cc}+/gu, " ").trim()}`);
    }
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const read = await this.socket.read(bytes.subarray(at));
      if (read === null) throw new Error("charon has closed its control socket");
      at += read;
    }
    return bytes;
  }
}

/** With a length of one octet. */
function short(text: string): number[] {
  const bytes = encoder.encode(text);
  return [bytes.length, ...bytes];
}

/** With a length of two octets. */
function long(text: string): number[] {
  const bytes = encoder.encode(text);
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}
