/**
 * What start has done and stop undoes, in a file: also a start whose processes were all killed is undone. Each change is
 * written down before it is made.
 */
import { dirname } from "node:path";

export interface SysctlRecord {
  /** Below /proc/sys. */
  readonly name: string;
  readonly was: string;
  /** What we set: where it is another by now, somebody else has changed it, and it stays. */
  readonly set: string;
}

export interface InterfaceRecord {
  readonly virtual: string;
  readonly physical: string;
  /** Those that ipsecN has from us. */
  readonly addresses: readonly string[];
}

/** A conn that `ipsec manual --up` was called for. */
export interface ManualRecord {
  readonly name: string;
  /** Commands for the shell that take it down, as they were then: by now the configuration may say something else. */
  readonly down: string;
}

export interface SetupState {
  readonly interfaces: readonly InterfaceRecord[];
  readonly sysctls: readonly SysctlRecord[];
  readonly manual: readonly ManualRecord[];
}

export const NOTHING_DONE: SetupState = { interfaces: [], sysctls: [], manual: [] };

export function isEmptyState({ interfaces, sysctls, manual }: SetupState): boolean {
  return !interfaces.length && !sysctls.length && !manual.length;
}

export class SetupRecord {
  #state: SetupState;

  private constructor(readonly path: string, state: SetupState) {
    this.#state = state;
  }

  /** Of what an earlier start has left: nothing where all was undone. */
  static open(path: string): SetupRecord {
    return new SetupRecord(path, read(path));
  }

  get state(): SetupState {
    return this.#state;
  }

  /** Replaces the file by one rename: a kill at any moment leaves the old one or the new one. */
  update(change: Partial<SetupState>): void {
    this.#state = { ...this.#state, ...change };
    Deno.mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    Deno.writeTextFileSync(`${this.path}.new`, `${JSON.stringify(this.#state, null, 2)}\n`, { mode: 0o600 });
    Deno.renameSync(`${this.path}.new`, this.path);
  }

  /** Remembers a sysctl before it is changed; of several changes of one, what was before the first counts. */
  willSet(name: string, was: string, set: string): void {
    const first = this.#state.sysctls.find((one) => one.name === name);
    const others = this.#state.sysctls.filter((one) => one !== first);
    this.update({ sysctls: [...others, { name, was: first?.was ?? was, set }] });
  }

  remove(): void {
    this.#state = NOTHING_DONE;
    for (const path of [this.path, `${this.path}.new`]) {
      try {
        Deno.removeSync(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
}

/** A file that is none of ours, or damaged, tells nothing. */
function read(path: string): SetupState {
  try {
    const { interfaces, sysctls, manual } = JSON.parse(Deno.readTextFileSync(path));
    const lists = [interfaces, sysctls, manual].every(Array.isArray);
    return lists ? { interfaces, sysctls, manual } : NOTHING_DONE;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof Deno.errors.NotFound) {
      return NOTHING_DONE;
    }
    throw error;
  }
}
