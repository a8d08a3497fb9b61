/**
 * GNU getopt_long as the KLIPS tools use it: long options only, unambiguous prefixes, `--opt value` and `--opt=value`,
 * one option at a time from left to right, so that each takes effect before the next is read.
 */

/** Option names; true where the option takes a value. */
export type OptionTable = Readonly<Record<string, boolean>>;

export interface GetoptSettings {
  /** Prefix of complaints. */
  readonly prog: string;
  /** Accepts `-attach` as well as `--attach`. */
  readonly longOnly?: boolean;
  /** Later additions: their prefixes count only where no other option begins so, lest old abbreviations break. */
  readonly extensions?: ReadonlySet<string>;
  /** Letters that stand for options, `-f FILE` and `-fFILE`. */
  readonly letters?: Readonly<Record<string, string>>;
}

export type Scanned<Name extends string> =
  | { readonly kind: "option"; readonly name: Name; readonly value: string }
  /** A word that is no option; scanning goes on after it, as GNU getopt does. */
  | { readonly kind: "word"; readonly value: string }
  /** `message` is getopt's whole complaint, without a newline. */
  | { readonly kind: "error"; readonly message: string };

export class Getopt<Table extends OptionTable> {
  readonly #queue: string[];
  readonly #table: Table;
  readonly #settings: GetoptSettings;
  #ended = false;

  constructor(args: readonly string[], table: Table, settings: GetoptSettings) {
    this.#queue = [...args];
    this.#table = table;
    this.#settings = settings;
  }

  /** Puts `args` before what has not been read yet. */
  splice(args: readonly string[]): void {
    this.#queue.unshift(...args);
  }

  next(): Scanned<keyof Table & string> | undefined {
    const word = this.#queue.shift();
    if (word === undefined) return undefined;
    if (this.#ended || word === "-" || !word.startsWith("-")) return { kind: "word", value: word };
    if (word === "--") {
      this.#ended = true;
      return this.next();
    }
    if (word.startsWith("--")) return this.#long("--", word.slice(2));
    if (this.#settings.longOnly) return this.#long("-", word.slice(1));
    return this.#letter(word.slice(1));
  }

  #letter(cluster: string): Scanned<keyof Table & string> {
    const [letter] = cluster;
    const { letters } = this.#settings;
    const name = letters && Object.hasOwn(letters, letter) ? letters[letter] : undefined;
    // The rest of a cluster is not scanned after a complaint: tools end with the first one.
    if (name === undefined) return this.#error(`invalid option -- '${letter}'`);
    const rest = cluster.slice(letter.length);
    if (!this.#table[name]) {
      if (rest) this.#queue.unshift(`-${rest}`);
      return { kind: "option", name, value: "" };
    }
    const value = rest || this.#queue.shift();
    if (value === undefined) return this.#error(`option requires an argument -- '${letter}'`);
    return { kind: "option", name, value };
  }

  /** Complaints leave out what follows `=`, unlike GNU's: it may be a key. */
  #long(dashes: string, text: string): Scanned<keyof Table & string> {
    const equals = text.indexOf("=");
    const given = equals < 0 ? text : text.slice(0, equals);
    const matches = this.#matches(given);
    if (matches.length === 0) return this.#error(`unrecognized option '${dashes}${given}'`);
    if (matches.length > 1) {
      const list = matches.map((name) => ` '${dashes}${name}'`).join("");
      return this.#error(`option '${dashes}${given}' is ambiguous; possibilities:${list}`);
    }
    const name = matches[0];
    if (!this.#table[name]) {
      if (equals >= 0) return this.#error(`option '${dashes}${name}' doesn't allow an argument`);
      return { kind: "option", name, value: "" };
    }
    const value = equals < 0 ? this.#queue.shift() : text.slice(equals + 1);
    if (value === undefined) return this.#error(`option '${dashes}${name}' requires an argument`);
    return { kind: "option", name, value };
  }

  #matches(given: string): string[] {
    if (Object.hasOwn(this.#table, given)) return [given];
    const { extensions } = this.#settings;
    const matches = Object.keys(this.#table).filter((name) => name.startsWith(given));
    const original = matches.filter((name) => !extensions?.has(name));
    return original.length > 0 ? original : matches;
  }

  #error(complaint: string): Scanned<never> {
    return { kind: "error", message: `${this.#settings.prog}: ${complaint}` };
  }
}
