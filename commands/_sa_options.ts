/**
 * `--af`, `--edst`, `--spi`, `--proto` or `--said`: how `eroute` and `spi` are told of an SA (klips.md §2, §3).
 */
import type { Address, Family } from "../lib/text/address.ts";
import { readNumber } from "../lib/text/c_number.ts";
import { SA_PROTOCOLS, type SaId } from "../lib/text/sa_id.ts";
import { readAddress, readSaId } from "./_forms.ts";
import type { KlipsTool, OptionRow } from "./_klips_tool.ts";

/** SPIs below this are reserved (RFC 2406 §2.1 and the magic SAs). */
export const LOWEST_SPI = 0x100;
const HIGHEST_SPI = 0xffffffff;
const PROTOCOLS = ["ah", "esp", "tun", "comp"] as const;

/** Where the two tools word the same thing differently. */
export interface SaWording {
  /** As in `Error, WHAT redefined:`. */
  readonly familyWhat: string;
  /** As in `Error, WHAT parameter redefined in SA:`; undefined where `--af` may precede `--said`. */
  readonly familyBeforeSaid: string | undefined;
  badFamily(value: string): string;
  checkSaid(tool: KlipsTool, said: SaId, text: string): void;
}

/** A value with the text it came from. */
interface Given<T> {
  readonly value: T;
  readonly text: string;
}

export class SaOptions {
  family: Given<Family> | undefined;
  edst: Given<Address> | undefined;
  spi: Given<number> | undefined;
  protocol: Given<number> | undefined;
  said: Given<SaId> | undefined;

  constructor(readonly tool: KlipsTool, readonly wording: SaWording) {}

  get destination(): Address | undefined {
    return this.said?.value.destination ?? this.edst?.value;
  }

  /** The SA where all of it was given. */
  get complete(): SaId | undefined {
    if (this.said) return this.said.value;
    if (!this.edst || !this.spi || !this.protocol) return undefined;
    return { protocol: this.protocol.value, spi: this.spi.value, destination: this.edst.value };
  }

  rows(): Record<string, OptionRow> {
    return {
      af: { argument: true, take: (value) => this.#takeFamily(value) },
      edst: { argument: true, take: (value) => this.#takeDestination(value) },
      spi: { argument: true, take: (value) => this.#takeSpi(value) },
      proto: { argument: true, take: (value) => this.#takeProtocol(value) },
      said: { argument: true, take: (value) => this.#takeSaid(value) },
    };
  }

  #refuseRepeat(what: string, value: string, given: Given<unknown> | undefined): void {
    const { tool, said } = this;
    if (said) tool.fail(`Error, ${what} redefined:${value}, already defined in SA:${said.text}`);
    if (given) tool.fail(`Error, ${what} redefined:${value}, already defined as:${given.text}`);
  }

  #takeFamily(text: string): void {
    this.#refuseRepeat(this.wording.familyWhat, text, this.family);
    if (text !== "inet" && text !== "inet6") this.tool.fail(this.wording.badFamily(text));
    this.family = { value: text, text };
  }

  async #takeDestination(text: string): Promise<void> {
    this.#refuseRepeat("EDST parameter", text, this.edst);
    const address = await readAddress(text, this.family?.value ?? 0);
    if (!address.ok) return this.tool.fail(`Error, ${address.error} converting --edst argument:${text}`);
    this.edst = { value: address.value, text };
  }

  #takeSpi(text: string): void {
    this.#refuseRepeat("SPI parameter", text, this.spi);
    const value = readNumber(text);
    if (value === undefined) return this.tool.fail(`Invalid character in SPI parameter: ${text}`);
    if (value < LOWEST_SPI) {
      this.tool.fail(`Illegal reserved spi: ${text} => 0x${value.toString(16)} Must be larger than 0x100.`);
    }
    if (value > HIGHEST_SPI) {
      this.tool.fail(`Illegal spi: ${text}: an SPI has 32 bits, its largest value is 0xffffffff.`);
    }
    this.spi = { value, text };
  }

  #takeProtocol(text: string): void {
    this.#refuseRepeat("PROTO parameter", text, this.protocol);
    const name = PROTOCOLS.find((name) => name === text);
    if (!name) return this.tool.fail(`Invalid PROTO parameter: ${text}`);
    this.protocol = { value: SA_PROTOCOLS[name], text };
  }

  async #takeSaid(text: string): Promise<void> {
    const { tool, wording } = this;
    if (this.said) tool.fail(`Error, SAID parameter redefined:${text}, already defined in SA:${this.said.text}`);
    const parts: [what: string | undefined, given: Given<unknown> | undefined][] = [
      [wording.familyBeforeSaid, this.family],
      ["EDST", this.edst],
      ["SPI", this.spi],
      ["PROTO", this.protocol],
    ];
    for (const [what, given] of parts) {
      if (what && given) {
        tool.fail(`Error, ${what} parameter redefined in SA:${text}, already defined as:${given.text}`);
      }
    }
    const said = await readSaId(text);
    if (!said.ok) return tool.fail(`Error, ${said.error} converting --sa argument:${text}`);
    wording.checkSaid(tool, said.value, text);
    this.said = { value: said.value, text };
  }
}
