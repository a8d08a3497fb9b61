/** Lookups of which it is known whether all were answered: what silence decides is not decided for long. */
import type { IpsecLookup } from "../dns/ipsec_records.ts";
import type { DnsAnswer, RecordType } from "../dns/record.ts";
import { type DnsServer, formatDnsServer } from "../text/dns_server.ts";

export class WatchedLookup implements IpsecLookup {
  #isUnanswered = false;
  /** As `TXT of 1.2.0.192.in-addr.arpa.` */
  readonly #open = new Set<string>();

  constructor(readonly dns: IpsecLookup) {}

  get servers(): readonly DnsServer[] | undefined {
    return this.dns.servers;
  }

  /** Whether no server has answered some question, or none that could be used. */
  get isUnanswered(): boolean {
    return this.#isUnanswered;
  }

  async lookup(name: string, type: RecordType): Promise<DnsAnswer> {
    const question = `${type} of ${name}`;
    this.#open.add(question);
    const answer = await this.dns.lookup(name, type);
    this.#open.delete(question);
    if (!answer.ok && answer.kind === "failure") this.#isUnanswered = true;
    return answer;
  }

  /** What has not been answered so far, and by whom. */
  silence(seconds: number): string {
    const [asked] = this.#open;
    const servers = this.servers?.map(formatDnsServer).join(", ");
    const whom = servers ? ` (${servers})` : "";
    return `no answer from the DNS${whom} within ${seconds} seconds${asked === undefined ? "" : `: ${asked}`}`;
  }
}
