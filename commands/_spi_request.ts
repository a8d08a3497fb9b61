/** The command line of `ipsec spi`, read from left to right (klips.md §3). */
import { AH_ALGORITHMS, type Algorithms, ESP_ALGORITHMS, whyRefused } from "../lib/crypto/algorithm_names.ts";
import type { Address, Family } from "../lib/text/address.ts";
import { readNumber } from "../lib/text/c_number.ts";
import { readAddress, readKey } from "./_forms.ts";
import { Exit, type KlipsTool, type OptionRow } from "./_klips_tool.ts";
import { SaOptions } from "./_sa_options.ts";
import { Lifetimes } from "./_spi_life.ts";
import { usage, USAGE_STATUS } from "./_spi_usage.ts";
import { toolVersion } from "./_tool_version.ts";

export type SpiAction = "ah" | "esp" | "comp" | "ip4" | "ip6" | "del" | "clear";

const NO_ALGORITHMS: Algorithms = { cipher: undefined, auth: undefined };
const NATT = ["none", "espinudp"] as const;
const FAMILY_NUMBER: Record<Family, number> = { inet: 2, inet6: 10 };

interface Given<T> {
  readonly value: T;
  readonly text: string;
}

/** What has been read so far. */
export class SpiRequest {
  action: SpiAction | undefined;
  algorithms: Algorithms = NO_ALGORITHMS;
  algorithmName = "";
  source: Given<Address> | undefined;
  ignoredDestination: Given<Address> | undefined;
  readonly keys: Partial<Record<"--authkey" | "--enckey", Uint8Array>> = {};
  replayWindow = 0;
  esn = false;
  natt: typeof NATT[number] | undefined;
  sport: number | undefined;
  dport: number | undefined;
  natoa: Address | undefined;
  saref = false;
  listenReply = false;
  tunnelFamily: Family | undefined;
  readonly lifetimes = new Lifetimes();
  readonly sa: SaOptions;

  constructor(readonly tool: KlipsTool) {
    this.sa = new SaOptions(tool, {
      familyWhat: "ADDRESS FAMILY parameter",
      familyBeforeSaid: undefined,
      badFamily: (value) => `Invalid ADDRESS FAMILY parameter: ${value}.`,
      checkSaid: (tool, said, text) => {
        const family = this.family;
        if (!family || family === said.destination.family) return;
        tool.fail(`Error, specified address family (${FAMILY_NUMBER[family]}) is different that of SAID: ${text}`);
      },
    });
  }

  /** What `--af`, `--ip4` or `--ip6` said before. */
  get family(): Family | undefined {
    return this.sa.family?.value ?? this.tunnelFamily;
  }

  rows(): Record<string, OptionRow> {
    const { tool } = this;
    return {
      ah: { argument: true, take: (value) => this.#takeAh(value) },
      esp: { argument: true, take: (value) => this.#takeEsp(value) },
      comp: { argument: true, take: (value) => this.#takeComp(value) },
      ip4: { argument: false, take: () => this.#takeTunnel("ip4", "inet") },
      ip6: { argument: false, take: () => this.#takeTunnel("ip6", "inet6") },
      del: { argument: false, take: () => this.#takeAction("del") },
      clear: { argument: false, take: () => this.#takeAction("clear") },
      ...this.sa.rows(),
      src: {
        argument: true,
        take: async (value) => void (this.source = await this.#address("src", value, this.source)),
      },
      dst: {
        argument: true,
        take: async (value) =>
          void (this.ignoredDestination = await this.#address("dst", value, this.ignoredDestination)),
      },
      authkey: { argument: true, take: (value) => this.#takeKey("--authkey", "authentication key", value) },
      enckey: { argument: true, take: (value) => this.#takeKey("--enckey", "encryption key", value) },
      iv: { argument: true, take: (value) => this.#checkIv(value) },
      replay_window: { argument: true, take: (value) => this.#takeWindow(value) },
      life: { argument: true, take: (value) => this.#takeLife(value) },
      esn: { argument: false, extension: true, take: () => void (this.esn = true) },
      natt: { argument: true, extension: true, take: (value) => this.#takeNatt(value) },
      sport: { argument: true, extension: true, take: (value) => void (this.sport = this.#port("--sport", value)) },
      dport: { argument: true, extension: true, take: (value) => void (this.dport = this.#port("--dport", value)) },
      natoa: {
        argument: true,
        extension: true,
        take: async (value) => void (this.natoa = (await this.#address("natoa", value, undefined)).value),
      },
      saref: { argument: false, neutral: true, take: () => void (this.saref = true) },
      listenreply: { argument: false, neutral: true, take: () => void (this.listenReply = true) },
      help: { argument: false, take: () => tool.quit(usage(tool.prog), USAGE_STATUS) },
      version: { argument: false, take: () => tool.quit(toolVersion("spi"), 1) },
    };
  }

  #takeAction(action: SpiAction): void {
    if (this.action) {
      const blanks = action === "ip4" || action === "ip6" ? " " : "  ";
      this.tool.fail(
        `Only one of '--ah', '--esp', '--comp', '--ip4', '--ip6', '--del' or '--clear'${blanks}options permitted.`,
      );
    }
    this.action = action;
  }

  #takeTunnel(action: "ip4" | "ip6", family: Family): void {
    this.#takeAction(action);
    this.tunnelFamily = family;
  }

  #takeAh(name: string): void {
    this.#takeAction("ah");
    const algorithms = AH_ALGORITHMS.get(name);
    if (!algorithms) return this.tool.fail(`Unknown authentication algorithm '${name}' follows '--ah' option.`);
    this.algorithms = algorithms;
    this.algorithmName = name;
  }

  #takeEsp(name: string): void {
    this.#takeAction("esp");
    const algorithms = ESP_ALGORITHMS.get(name);
    if (!algorithms) {
      this.tool.complain(`Invalid encryption algorithm '${name}' follows '--esp' option.`);
      const why = whyRefused(name);
      if (why) this.tool.complain(why);
      throw new Exit(1);
    }
    this.algorithms = algorithms;
    this.algorithmName = name;
  }

  #takeComp(name: string): void {
    this.#takeAction("comp");
    if (name !== "deflate") this.tool.fail(`Unknown compression algorithm '${name}' follows '--comp' option.`);
  }

  async #address(option: string, text: string, old: Given<unknown> | undefined): Promise<Given<Address>> {
    const { tool } = this;
    if (old) {
      tool.fail(`Error, ${option.toUpperCase()} parameter redefined:${text}, already defined as:${old.text}`);
    }
    const address = await readAddress(text, this.family ?? this.sa.destination?.family ?? 0);
    if (!address.ok) return tool.fail(`Error, ${address.error} converting --${option} argument:${text}`);
    return { value: address.value, text };
  }

  /** Keys are not repeated in messages: those end up in logs. */
  #takeKey(option: "--authkey" | "--enckey", name: string, text: string): void {
    const { tool } = this;
    if (this.keys[option]) tool.fail(`Error, ${option} parameter redefined`);
    if (/^0[^xst]?/.test(text) && !/^0[xst]/.test(text)) {
      const what = name[0].toUpperCase() + name.slice(1);
      tool.fail(`${what} must have a '0x', '0t' or '0s' prefix to select the format: (not shown)`);
    }
    const key = readKey(text);
    if (!key) return tool.fail(`unknown format or syntax error in ${name}: (not shown)`);
    this.keys[option] = key;
  }

  /** Accepted for old scripts; KLIPS makes its own IVs. */
  #checkIv(text: string): void {
    if (/^0[^xst]/.test(text) || text === "0") {
      const found = text[1] ?? "";
      this.tool.fail(`IV must have a '0x', '0t' or '0s' prefix to select the format, found '${found}'.`);
    }
    if (!readKey(text)) this.tool.fail(`unknown format or syntax error in IV: ${text}`);
  }

  #takeWindow(text: string): void {
    const size = readNumber(text);
    if (size === undefined) return this.tool.fail(`Invalid character in replay_window parameter: ${text}`);
    if (size < 1 || size > 64) {
      this.tool.fail(`Failed -- Illegal window size: arg=${text}, replay_window=${size}, must be 1 <= size <= 64.`);
    }
    this.replayWindow = size;
  }

  #takeLife(list: string): void {
    const { tool } = this;
    const failure = this.lifetimes.take(list);
    if (!failure) return;
    tool.complain(failure.complaint);
    if (!failure.usage) throw new Exit(1);
    tool.io.stderr(usage(tool.prog));
    throw new Exit(USAGE_STATUS);
  }

  #takeNatt(text: string): void {
    const kind = NATT.find((name) => name === text);
    if (!kind) {
      return this.tool.fail(`Unknown encapsulation '${text}' follows '--natt' option: it is espinudp or none.`);
    }
    this.natt = kind;
  }

  #port(option: string, text: string): number {
    const port = readNumber(text);
    if (port === undefined) return this.tool.fail(`Invalid character in ${option} parameter: ${text}`);
    if (port < 1 || port > 65535) {
      this.tool.fail(`${option} parameter: ${text} must be in the range 1 to 65535 inclusive`);
    }
    return port;
  }
}
