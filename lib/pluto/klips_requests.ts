/** Requests to KLIPS, one at a time, and what their refusals are called (pluto.md §17). */
import { type PfkeyClient, PfkeyError, type PfkeyRequest } from "../pfkey/client.ts";
import { MESSAGES } from "../pfkey/constants.ts";
import { ERRNO, errnoText } from "../pfkey/errno.ts";
import { formatSaId, type SaId } from "../text/sa_id.ts";
import { KernelError } from "./kernel.ts";

export type KlipsPort = Pick<PfkeyClient, "request" | "readProc" | "messages" | "close">;

/** Errnos that mean "not there". */
export const ABSENT: readonly number[] = [ERRNO.ESRCH, ERRNO.ENOENT, ERRNO.EFAULT];

export class KlipsRequests {
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly port: Pick<KlipsPort, "request" | "readProc">) {}

  /**
   * @param what as error messages name it: `Add SA`, `flow`
   * @param absent errnos that are passed over
   * @throws KernelError
   */
  async ask(request: PfkeyRequest, what: string, id: SaId | undefined, absent: readonly number[] = []): Promise<void> {
    try {
      await this.#inTurn(() => this.port.request(request));
    } catch (error) {
      if (!(error instanceof PfkeyError)) throw error;
      if (absent.includes(error.errno)) return;
      const subject = id ? `${what} ${formatSaId(id)}` : what;
      const reason = `included errno ${error.errno}: ${errnoText(error.errno)}`;
      throw new KernelError(`ERROR: PF_KEY ${nameOf(request.type)} response for ${subject} ${reason}`, error.errno);
    }
  }

  /** A listing as JSON. @throws KernelError */
  async list<T>(path: string): Promise<T> {
    try {
      return JSON.parse(await this.#inTurn(() => this.port.readProc(`${path}.json`)));
    } catch (error) {
      if (!(error instanceof PfkeyError)) throw error;
      throw new KernelError(`ERROR: cannot read ${path} of KLIPS: ${errnoText(error.errno)}`, error.errno);
    }
  }

  /** An answer belongs to the request before it. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** `SADB_ADD`, `SADB_X_ADDFLOW` */
function nameOf(type: number): string {
  const name = Object.entries(MESSAGES).find(([, { number }]) => number === type)?.[0] ?? String(type);
  return `SADB_${name}`;
}
