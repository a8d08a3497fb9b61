/** Requests to KLIPS, one after the other, and what their refusals are called (pluto.md §17). */
import { type PfkeyClient, PfkeyError, type PfkeyRequest } from "../pfkey/client.ts";
import { MESSAGES } from "../pfkey/constants.ts";
import { ERRNO, errnoText } from "../pfkey/errno.ts";
import { formatSaId, type SaId } from "../text/sa_id.ts";
import { KernelError } from "./kernel.ts";

export type KlipsPort = Pick<PfkeyClient, "request" | "requestAll" | "readProc" | "messages" | "close">;

/** Errnos that mean "not there". */
export const ABSENT: readonly number[] = [ERRNO.ESRCH, ERRNO.ENOENT, ERRNO.EFAULT];

/** A request, and how it is told of. */
export interface Asked {
  readonly request: PfkeyRequest;
  /** As error messages name it: `Add SA`, `flow`. */
  readonly what: string;
  readonly id?: SaId;
  /** Errnos that are passed over. */
  readonly absent?: readonly number[];
}

export class KlipsRequests {
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly port: Pick<KlipsPort, "requestAll" | "readProc">) {}

  /** @throws KernelError */
  async ask(request: PfkeyRequest, what: string, id?: SaId, absent?: readonly number[]): Promise<void> {
    const [refusal] = await this.askAll([{ request, what, id, absent }]);
    if (refusal) throw refusal;
  }

  /** All of them are tried, in their order. @returns what became of each: undefined where it was done */
  async askAll(asked: readonly Asked[]): Promise<readonly (KernelError | undefined)[]> {
    const answers = await this.#inTurn(() => this.port.requestAll(asked.map(({ request }) => request)))
      .catch((error) => {
        if (!(error instanceof PfkeyError)) throw error;
        return asked.map(() => error);
      });
    return answers.map((answer, i) => {
      const { request, what, id, absent = [] } = asked[i];
      if (!(answer instanceof PfkeyError) || absent.includes(answer.errno)) return undefined;
      const subject = id ? `${what} ${formatSaId(id)}` : what;
      const reason = `included errno ${answer.errno}: ${errnoText(answer.errno)}`;
      return new KernelError(`ERROR: PF_KEY ${nameOf(request.type)} response for ${subject} ${reason}`, answer.errno);
    });
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
