/** Hosts that are keyed by pluto: ipsec.conf and ipsec.secrets as values, `ipsec setup start`, and what auto tells. */
import { type Host, type Ran, until } from "../../tools/_net.ts";
import { says, type Speaker, withWords } from "../interop/_log.ts";
import { configure } from "./_setup.ts";

/** Parameters of a section; those without a value are left out. */
export type Parameters = Readonly<Record<string, string | undefined>>;

export function conn(name: string, parameters: Parameters): string {
  const lines = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `conn ${name}\n${lines.map(([parameter, value]) => `\t${parameter}=${value}\n`).join("")}`;
}

export interface PlutoOptions {
  readonly conns: readonly string[];
  /** ipsec.secrets */
  readonly secrets?: string;
  /** Lines of `config setup`. */
  readonly setup?: readonly string[];
  /** Of `config setup`; `%defaultroute` for conns that say so, too. */
  readonly interfaces?: string;
  /** Written into ipsec.d, by the place there. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A state of `auto --status`. */
export interface ListedState {
  readonly number: number;
  readonly conn: string;
  /** `STATE_QUICK_I2` without `STATE_`. */
  readonly state: string;
  readonly line: string;
}

const ESTABLISHED = {
  isakmp: ["MAIN_R3", "MAIN_I4", "AGGR_I2", "AGGR_R2"],
  ipsec: ["QUICK_I2", "QUICK_R2"],
} as const;

export class Pluto implements Speaker {
  private constructor(readonly host: Host) {}

  get name(): string {
    return `pluto on ${this.host.name}`;
  }

  /** Writes the configuration, and starts IPsec as a whole. */
  static async start(host: Host, options: PlutoOptions): Promise<Pluto> {
    const self = new Pluto(host);
    await self.write(options);
    await withWords(self, () => host.ipsec("setup start"));
    await withWords(self, () => until(`${self.name} answers`, () => host.ipsec("auto --status")));
    return self;
  }

  async write(
    { conns, secrets = "", setup = [], files = {}, interfaces = "ipsec0=eth0" }: PlutoOptions,
  ): Promise<void> {
    const etc = `${this.host.directory}/etc`;
    await Deno.mkdir(etc, { recursive: true });
    for (const [place, text] of Object.entries(files)) {
      const file = `${etc}/ipsec.d/${place}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(file, text, { mode: 0o600 });
    }
    await Deno.writeTextFile(`${etc}/ipsec.secrets`, secrets, { mode: 0o600 });
    const log = `plutostderrlog=${this.host.directory}/run/pluto.log`;
    configure(this.host, [`interfaces=${interfaces}`, log, ...setup], ...conns);
  }

  /** Its log so far. */
  get log(): string {
    try {
      return Deno.readTextFileSync(`${this.host.directory}/run/pluto.log`);
    } catch {
      return ""; // not started yet
    }
  }

  /** Waits for a line of its log. @param from where in the log to begin */
  says(what: RegExp, from = 0): Promise<RegExpExecArray> {
    return says(this, what, from);
  }

  /** `ipsec auto` with the words of a line, whatever its status. */
  auto(words: string): Promise<Ran> {
    return this.host.tryIpsec(`auto ${words}`);
  }

  /** `ipsec auto --add`, which must succeed. */
  async add(name: string): Promise<void> {
    await withWords(this, () => this.host.ipsec(`auto --add ${name}`));
  }

  /** `ipsec auto --up`, which must end with an established SA. @returns its transcript */
  async up(name: string): Promise<string> {
    return await withWords(this, () => this.host.ipsec(`auto --up ${name}`));
  }

  /** `ipsec auto --down` */
  async down(name: string): Promise<void> {
    await this.host.ipsec(`auto --down ${name}`);
  }

  async states(): Promise<ListedState[]> {
    const status = await this.host.ipsec("auto --status");
    return [...status.matchAll(/^000 #(\d+): "([^"]+)"[^\n]*? STATE_(\w+) [^\n]*$/gm)].map(
      ([line, number, conn, state]) => ({ number: Number(number), conn, state, line }),
    );
  }

  /** Established states of a connection. */
  async established(kind: keyof typeof ESTABLISHED, name?: string): Promise<ListedState[]> {
    const wanted: readonly string[] = ESTABLISHED[kind];
    return (await this.states()).filter(({ state, conn }) => wanted.includes(state) && (!name || conn === name));
  }

  /** Waits until as many SAs of a connection, or of all, are established; gives them. */
  async has(count: number, name: string | undefined, kind: keyof typeof ESTABLISHED = "ipsec"): Promise<ListedState[]> {
    let found: ListedState[] = [];
    await withWords(this, () =>
      until(`${this.name} has ${count} ${kind} SAs${name ? ` of ${name}` : ""}`, async () => {
        found = await this.established(kind, name);
        return found.length === count;
      }));
    return found;
  }

  /** Waits until there are states of this name; gives them. */
  async hasState(name: string): Promise<ListedState[]> {
    let found: ListedState[] = [];
    await withWords(this, () =>
      until(`${this.name} has a state ${name}`, async () => {
        found = (await this.states()).filter(({ state }) => state === name);
        return found.length > 0;
      }));
    return found;
  }

  get pid(): number {
    return Number(Deno.readTextFileSync(`${this.host.directory}/run/pluto.pid`));
  }
}
