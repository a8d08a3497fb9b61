/**
 * Questions to the DNS go in the clear while there is opportunism: a question that is held until it has been answered
 * itself would wait for ever. Traffic of a host that asks to port 53 is passed wherever only a policy for everybody would
 * catch it, to the name servers that we ask in any case, and both ways between two hosts whose other traffic waits for the
 * DNS or has been refused by it: a name server that is talked to otherwise must be heard all the same. Who asks for the
 * passages leaves out what a network's own policy keeps from going in the clear.
 */
import { type Address, formatAddress, sameAddress } from "../text/address.ts";
import { hostSubnet, isHostSubnet } from "../text/subnet.ts";
import { flowText } from "./bare_shunts.ts";
import { type Flow, type Kernel, KernelError } from "./kernel.ts";
import { everything } from "./nets.ts";

/** A name server that pluto itself asks. */
export interface NameServer {
  readonly address: Address;
  readonly port: number;
  readonly protocols: readonly DnsProtocol[];
}

const DNS_PORT = 53;
const PROTOCOLS = { udp: 17, tcp: 6 } as const;
type DnsProtocol = keyof typeof PROTOCOLS;
export const DNS_PROTOCOLS: readonly DnsProtocol[] = ["udp", "tcp"];

export interface PassageNeeds {
  /** Our addresses, and name servers behind us; none: no passage is needed. */
  readonly askers: readonly Address[];
  readonly servers: readonly NameServer[];
  /** Traffic between two hosts that is held or refused. */
  readonly stopped: readonly Flow[];
}

export class DnsPassage {
  #installed = new Map<string, Flow>();

  constructor(readonly kernel: Pick<Kernel, "addShunt" | "deleteEroute">) {}

  /** @returns why a passage could not be made */
  async settle(needs: PassageNeeds): Promise<string | undefined> {
    const wanted = new Map(passages(needs).map((flow) => [flowText(flow), flow]));
    const installed = new Map<string, Flow>();
    let failed: string | undefined;
    for (const [text, flow] of this.#installed) {
      if (wanted.has(text)) installed.set(text, flow);
      else failed = await attempt(() => this.kernel.deleteEroute(flow)) ?? failed;
    }
    for (const [text, flow] of wanted) {
      if (installed.has(text)) continue;
      const why = await attempt(() => this.kernel.addShunt(flow, "pass", true));
      if (why === undefined) installed.set(text, flow);
      else failed = `questions to the DNS from ${formatAddress(flow.ours.address)} may be held: ${why}`;
    }
    this.#installed = installed;
    return failed;
  }
}

function passages({ askers, servers, stopped }: PassageNeeds): Flow[] {
  const flow = (ours: Address, peers: Flow["peers"], protocol: DnsProtocol, ports: Partial<Flow>): Flow => ({
    ours: hostSubnet(ours),
    peers,
    protocol: PROTOCOLS[protocol],
    ourPort: 0,
    peersPort: 0,
    ...ports,
  });
  const ofAsker = (ours: Address): Flow[] => [
    ...DNS_PROTOCOLS.map((one) => flow(ours, everything(ours.family), one, { peersPort: DNS_PORT })),
    ...servers.filter(({ address }) => address.family === ours.family && !sameAddress(address, ours)).flatMap(
      ({ address, port, protocols }) =>
        protocols.map((one) => flow(ours, hostSubnet(address), one, { peersPort: port })),
    ),
  ];
  // answers of a server of our own, too: the other side may wait for them to speak with us
  const ofPair = ({ ours, peers }: Flow): Flow[] =>
    DNS_PROTOCOLS.flatMap((one) => [
      flow(ours.address, peers, one, { peersPort: DNS_PORT }),
      flow(ours.address, peers, one, { ourPort: DNS_PORT }),
    ]);
  const isBetweenHosts = ({ ours, peers }: Flow) =>
    isHostSubnet(peers) && isHostSubnet(ours) && askers.some((one) => sameAddress(one, ours.address));
  return [...askers.flatMap(ofAsker), ...stopped.filter(isBetweenHosts).flatMap(ofPair)];
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
