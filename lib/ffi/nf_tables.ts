/** The packet filter of this network namespace, over netlink: what chains and rules there are, and changes as a whole. */
import { type NetlinkEnd, type NetlinkMessage, NLM } from "../packet/netlink.ts";
import {
  type BaseChain,
  decodeBaseChain,
  decodeGeneration,
  decodeRuleEntry,
  decodeTable,
  encodeAcceptRule,
  encodeBatchBegin,
  encodeBatchEnd,
  encodeQuestion,
  encodeRuleRemoval,
  type Match,
  NFT,
  type RuleEntry,
  type TableMessage,
} from "../packet/nf_tables.ts";
import { ERRNO } from "./libc.ts";
import { decodedOr, NETLINK_NETFILTER, NetlinkSocket, type Question, type Subject } from "./netlink_socket.ts";

/** A rule that goes, or one that comes first in its chain. */
export type RuleChange =
  | { readonly remove: RuleEntry }
  | { readonly insert: Match; readonly chain: BaseChain; readonly comment: string };

export class NfTables implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER);

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  /** Which version of the rules is in force; it changes with each of them. */
  generation(): number {
    const subject = "read the firewall's generation";
    const [answer] = this.#socket.ask({ type: NFT.GETGEN, flags: 0, body: encodeQuestion() }, subject, hintOf);
    return answer ? decodedOr(() => decodeGeneration(answer), subject) : 0;
  }

  tables(): TableMessage[] {
    return this.#list(NFT.GETTABLE, NFT.NEWTABLE, "list the firewall's tables", decodeTable);
  }

  /** Chains at a hook. */
  baseChains(): BaseChain[] {
    return this.#list(NFT.GETCHAIN, NFT.NEWCHAIN, "list the firewall's chains", decodeBaseChain);
  }

  rules(): RuleEntry[] {
    return this.#list(NFT.GETRULE, NFT.NEWRULE, "list the firewall's rules", decodeRuleEntry);
  }

  /**
   * All changes or none. Throws SystemError, with errno ERESTART where `generation` is over.
   *
   * @param subject for the sentence of a failure
   */
  change(changes: readonly RuleChange[], generation: number, subject: Subject): void {
    if (changes.length === 0) return;
    const questions: Question[] = [
      { type: NFT.BATCH_BEGIN, flags: 0, body: encodeBatchBegin(generation) },
      ...changes.map(encodeChange),
      { type: NFT.BATCH_END, flags: 0, body: encodeBatchEnd() },
    ];
    this.#socket.batch(questions, changes.length, subject, hintOf);
  }

  #list<T>(
    question: number,
    answer: number,
    subject: Subject,
    decode: (message: NetlinkMessage) => T | undefined,
  ): T[] {
    return this.#socket.list({ type: question, flags: 0, body: encodeQuestion() }, subject)
      .filter(({ type }) => type === answer)
      .map((message) => decodedOr(() => decode(message), subject))
      .filter((value) => value !== undefined);
  }
}

function encodeChange(change: RuleChange): Question {
  if ("remove" in change) return { type: NFT.DELRULE, flags: 0, body: encodeRuleRemoval(change.remove) };
  const body = encodeAcceptRule(change.chain, change.insert, change.comment);
  return { type: NFT.NEWRULE, flags: NLM.CREATE, body };
}

function hintOf({ errno, text }: NetlinkEnd): string {
  return errno === ERRNO.EPERM ? "run as root or grant CAP_NET_ADMIN" : text;
}
