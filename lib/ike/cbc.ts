/** Encryption of ISAKMP messages (RFC 2409 appendix B): CBC, each message's IV being the last block of the one before. */
import { type CbcName, CIPHERS } from "../crypto/algorithms.ts";
import { runtimeProvider } from "../crypto/runtime_provider.ts";
import type { Secret } from "../crypto/secret.ts";
import { PacketMemory } from "../packet/memory.ts";
import type { IkeSuite } from "./suite.ts";

export type IkeCipher = Pick<IkeSuite, "cipher" | "keyBits">;

/** An encrypted message that was tried. */
export interface OpenedMessage {
  /** Payloads, and what they were padded with. */
  readonly plain: Uint8Array<ArrayBuffer>;
  /** The message is authentic: the next one follows on it. */
  accept(): void;
}

export function blockBytes(cipher: IkeCipher): number {
  return CIPHERS[cbcName(cipher)].blockBytes;
}

function cbcName({ cipher, keyBits }: IkeCipher): CbcName {
  return cipher === "3des" ? "3des" : `aes${keyBits as 128 | 192 | 256}`;
}

/** The IVs of one exchange. A forged message does not disturb them: only what was accepted moves the chain. */
export class IvChain {
  readonly #cipher: IkeCipher;
  readonly #key: Secret;
  #iv: Uint8Array<ArrayBuffer>;

  /**
   * @param key borrowed, for as long as the chain is used
   * @param iv of one block; copied
   */
  constructor(cipher: IkeCipher, key: Secret, iv: Uint8Array) {
    if (iv.length !== blockBytes(cipher)) throw new RangeError(`Cannot begin with an IV of ${iv.length} bytes`);
    this.#cipher = cipher;
    this.#key = key;
    this.#iv = new Uint8Array(iv);
  }

  /** Of the next message; phase 2 takes its IVs from the last of phase 1. */
  get iv(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#iv);
  }

  /** Encrypts payloads, padded with zeros to whole blocks. The next message follows on this one. */
  seal(payloads: Uint8Array): Uint8Array<ArrayBuffer> {
    const block = blockBytes(this.#cipher);
    const plain = new Uint8Array(Math.ceil(payloads.length / block) * block);
    plain.set(payloads);
    const sealed = this.#run("encrypt", plain);
    if (sealed.length > 0) this.#iv = sealed.slice(-block);
    return sealed;
  }

  /** @returns undefined for what is not whole blocks, or nothing */
  open(sealed: Uint8Array): OpenedMessage | undefined {
    const block = blockBytes(this.#cipher);
    if (sealed.length === 0 || sealed.length % block !== 0) return undefined;
    const next = sealed.slice(-block);
    return { plain: this.#run("decrypt", sealed), accept: () => void (this.#iv = next) };
  }

  #run(direction: "encrypt" | "decrypt", text: Uint8Array): Uint8Array<ArrayBuffer> {
    const start = this.#iv.length;
    const memory = new PacketMemory(start + text.length, { vectors: false });
    memory.bytes.set(this.#iv);
    memory.bytes.set(text, start);
    const cbc = runtimeProvider.cbc(cbcName(this.#cipher), this.#key.reveal(), memory);
    cbc[direction](0, start, text.length);
    cbc.wipe();
    return memory.bytes.slice(start);
  }
}
