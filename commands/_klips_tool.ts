/**
 * What the KLIPS tools have in common (klips.md §1): the message prefix and `--label`, `--optionsfrom`, list mode,
 * `--json`, the PF_KEY connection and how its failures are told.
 */
import os from "node:os";
import { PfkeyClient, PfkeyError } from "../lib/pfkey/client.ts";
import { pfkeySocketPath } from "../lib/system/paths.ts";
import type { Io } from "./_command.ts";
import { Getopt, type OptionTable } from "./_getopt.ts";
import { openReason } from "./_klips_errors.ts";
import { OptionFiles } from "./_options_from.ts";

/** Ends a tool from wherever it is; what had to be said has been said. */
export class Exit extends Error {
  constructor(readonly status: number) {
    super(`exit ${status}`);
  }
}

/** An option: whether it takes a value, and what it does, at once. */
export interface OptionRow {
  readonly argument: boolean;
  /** Leaves list mode possible. */
  readonly neutral?: boolean;
  /** Unknown to FreeS/WAN: gives way to its options where an abbreviation would fit both. */
  readonly extension?: boolean;
  take(value: string): void | Promise<void>;
}

export interface ScanSettings {
  readonly longOnly?: boolean;
  /** Follows getopt's complaint with the usage text and ends the tool. */
  badOption(): never;
}

export class KlipsTool {
  readonly argv0: string;
  /** Prefix of every message; `--label` extends it. */
  prog: string;
  debug = false;
  json = false;

  constructor(name: string, readonly io: Io) {
    this.argv0 = this.prog = `ipsec ${name}`;
  }

  label(text: string): void {
    this.prog = `${this.argv0} --label ${text}`;
  }

  say(text: string): void {
    this.io.stdout(`${this.prog}: ${text}\n`);
  }

  complain(text: string): void {
    this.io.stderr(`${this.prog}: ${text}\n`);
  }

  fail(text: string, status = 1): never {
    this.complain(text);
    throw new Exit(status);
  }

  /** Prints a text that answers the whole command, and ends the tool. */
  quit(text: string, status: number): never {
    this.io.stdout(text);
    throw new Exit(status);
  }

  /** A progress line of `--debug`. */
  trace(text: string): void {
    if (this.debug) this.say(text);
  }

  /**
   * Reads the command line from left to right; each option acts before the next one is read.
   *
   * @returns whether the tool was given nothing that keeps it from listing
   */
  async scan(args: readonly string[], own: Readonly<Record<string, OptionRow>>, settings: ScanSettings) {
    const rows: Record<string, OptionRow> = { ...own, ...this.#sharedOptions(() => getopt) };
    const table: OptionTable = Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row.argument]));
    const extensions = new Set(Object.keys(rows).filter((name) => rows[name].extension));
    const getopt = new Getopt(args, table, { prog: this.argv0, longOnly: settings.longOnly, extensions });
    let listing = true;
    for (let one = getopt.next(); one; one = getopt.next()) {
      if (one.kind === "error") {
        this.io.stderr(`${one.message}\n`);
        settings.badOption();
      }
      if (one.kind === "word") {
        listing = false;
        continue;
      }
      const row = rows[one.name];
      if (!row.neutral) listing = false;
      await row.take(one.value);
    }
    if (this.json && !listing) this.fail("--json is for the listing and goes with no other option or word.");
    return listing;
  }

  #sharedOptions(scanner: () => Getopt<OptionTable>): Record<string, OptionRow> {
    const files = new OptionFiles(this.argv0);
    return {
      label: { argument: true, neutral: true, take: (value) => this.label(value) },
      debug: { argument: false, neutral: true, take: () => void (this.debug = true) },
      json: { argument: false, neutral: true, extension: true, take: () => void (this.json = true) },
      optionsfrom: {
        argument: true,
        take: (file) => scanner().splice(files.read(file)),
      },
    };
  }

  /** Connects to the daemon, or tells why not after `lead` and ends the tool. */
  async connect(lead = "Trouble opening PF_KEY family socket with error: "): Promise<PfkeyClient> {
    const path = pfkeySocketPath(this.io.env);
    try {
      return await PfkeyClient.connect(path);
    } catch (error) {
      return this.fail(lead + openReason(errnoOf(error), path));
    }
  }

  /** One exchange with the daemon; `refused` tells of its refusals and ends the tool. */
  async ask<T>(exchange: (client: PfkeyClient) => Promise<T>, refused: (errno: number) => never, lead?: string) {
    const client = await this.connect(lead);
    try {
      return await exchange(client);
    } catch (error) {
      if (error instanceof PfkeyError) return refused(error.errno);
      throw error;
    } finally {
      client.close();
    }
  }

  /** Copies a listing of the daemon to stdout. */
  async list(path: string, lead?: string): Promise<number> {
    const refused = (errno: number) => this.fail(`Cannot read ${path} from KLIPS: error ${errno}`);
    this.io.stdout(await this.ask((client) => client.readProc(this.json ? `${path}.json` : path), refused, lead));
    return 0;
  }
}

/** Runs a tool and gives its exit status. */
export async function runTool(name: string, io: Io, body: (tool: KlipsTool) => Promise<number>): Promise<number> {
  try {
    return await body(new KlipsTool(name, io));
  } catch (error) {
    if (error instanceof Exit) return error.status;
    throw error;
  }
}

function errnoOf(error: unknown): number {
  if (error instanceof PfkeyError) return error.errno;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const errno = (os.constants.errno as Record<string, number>)[code];
  if (errno !== undefined) return errno;
  throw error;
}
