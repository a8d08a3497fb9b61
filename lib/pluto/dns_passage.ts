/**
 * Questions to the DNS go in the clear while there is opportunism: a question that is held until it has been answered
 * itself would wait for ever. Traffic of this host to port 53 is passed wherever only a policy for everybody would catch
 * it, and to the name servers that we ask in any case. A network that has a policy of its own keeps it.
 */
import { type Address, formatAddress } from "../text/address.ts";
import { hostSubnet } from "../text/subnet.ts";
import { sameFlow } from "./bare_shunts.ts";
import { type Flow, type Kernel, KernelError } from "./kernel.ts";
import { everything } from "./nets.ts";

const DNS_PORT = 53;
const PROTOCOLS = { udp: 17, tcp: 6 } as const;

export class DnsPassage {
  #installed: readonly Flow[] = [];

  constructor(readonly resolvers: readonly Address[], readonly kernel: Pick<Kernel, "addShunt" | "deleteEroute">) {}

  /** @param ours our addresses; none: no passage is needed. @returns why one could not be made */
  async settle(ours: readonly Address[]): Promise<string | undefined> {
    const wanted = ours.flatMap((address) => passages(address, this.resolvers));
    const kept: Flow[] = [];
    let failed: string | undefined;
    for (const flow of this.#installed) {
      if (wanted.some((one) => sameFlow(one, flow))) kept.push(flow);
      else failed = await attempt(() => this.kernel.deleteEroute(flow)) ?? failed;
    }
    for (const flow of wanted) {
      if (kept.some((one) => sameFlow(one, flow))) continue;
      const why = await attempt(() => this.kernel.addShunt(flow, "pass", true));
      if (why === undefined) kept.push(flow);
      else failed = `questions to the DNS from ${formatAddress(flow.ours.address)} may be held: ${why}`;
    }
    this.#installed = kept;
    return failed;
  }
}

function passages(address: Address, resolvers: readonly Address[]): Flow[] {
  const ours = hostSubnet(address);
  const servers = resolvers.filter(({ family }) => family === address.family).map((one) => hostSubnet(one));
  return [everything(address.family), ...servers].flatMap((peers) =>
    Object.values(PROTOCOLS).map((protocol) => ({ ours, peers, protocol, ourPort: 0, peersPort: DNS_PORT }))
  );
}

async function attempt(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error.message;
    throw error;
  }
}
