/** Lookups of which it is known afterwards whether all were answered: what silence decides is not decided for long. */
import type { IpsecLookup } from "../dns/ipsec_records.ts";
import type { DnsAnswer, RecordType } from "../dns/record.ts";

export class WatchedLookup implements IpsecLookup {
  #isUnanswered = false;

  constructor(readonly dns: IpsecLookup) {}

  /** Whether no server has answered some question, or none that could be used. */
  get isUnanswered(): boolean {
    return this.#isUnanswered;
  }

  async lookup(name: string, type: RecordType): Promise<DnsAnswer> {
    const answer = await this.dns.lookup(name, type);
    if (!answer.ok && answer.kind === "failure") this.#isUnanswered = true;
    return answer;
  }
}
