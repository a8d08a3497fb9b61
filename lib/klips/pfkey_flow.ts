/** The PF_KEY messages about eroutes (klips.md §12, §14). */
import { MESSAGES, SA_FLAG } from "../pfkey/constants.ts";
import { ERRNO } from "../pfkey/errno.ts";
import type { AddressExtension, Extensions } from "../pfkey/message.ts";
import { maskBits } from "../text/mask.ts";
import { formatSaId, SA_PROTOCOLS, type SaId } from "../text/sa_id.ts";
import { formatSubnetWithPort, type Subnet, subnetOf } from "../text/subnet.ts";
import type { AddressBook } from "./address_book.ts";
import { Eroute, type Selector } from "./eroute.ts";
import { type Handler, Refusal, type Request, saIdOf, type ServiceDeps, trace } from "./pfkey_request.ts";

function addFlow(deps: ServiceDeps, request: Request): Extensions {
  const { client, message } = request;
  const { extensions } = message;
  const id = saIdOf(message);
  const selector = selectorOf(request);
  const { flags } = extensions.sa!;
  if (flags & SA_FLAG.INFLOW) {
    recordPolicy(deps, id, selector);
    return withoutPorts(extensions);
  }
  const eroute = new Eroute(selector, id, client.pid);
  eroute.sourceIdentity = extensions.identitySource;
  eroute.destinationIdentity = extensions.identityDestination;
  const old = deps.eroutes.find(selector);
  if (old && !(flags & SA_FLAG.REPLACEFLOW)) throw new Refusal(ERRNO.EEXIST, "there is an eroute of this selector");
  if (old) deps.eroutes.remove(selector);
  deps.eroutes.add(eroute);
  trace(deps, "eroute", () => `${formatSelector(selector)} => ${formatSaId(id, "x")} ${old ? "replaced" : "added"}`);
  for (const packet of [old?.firstHeld, old?.lastHeld]) if (packet) deps.resend(packet);
  return withoutPorts(extensions);
}

/**
 * INFLOW: what the chain accepts inside. It is kept by the tunnel SA, the named one or the next inside it; where there is
 * none, by the innermost: in transport mode protocol and ports count.
 */
function recordPolicy(deps: ServiceDeps, id: SaId, selector: Selector): void {
  let sa = deps.sad.find(id);
  while (sa?.inner && sa.id.protocol !== SA_PROTOCOLS.tun) sa = sa.inner;
  if (!sa || sa.id.protocol !== SA_PROTOCOLS.tun && selector.protocol === 0) {
    throw new Refusal(ERRNO.ENOENT, `${formatSaId(id, "x")} is not there or has no tunnel SA in its chain`);
  }
  sa.policy = { ...selector };
  trace(deps, "eroute", () => `${formatSelector(selector)} is the policy of ${formatSaId(id, "x")}`);
}

function deleteFlow(deps: ServiceDeps, request: Request): Extensions {
  const { extensions } = request.message;
  const { sa, sourceFlow, destinationFlow, sourceMask, destinationMask } = extensions;
  if (sa && sa.flags & SA_FLAG.CLEARFLOW) {
    trace(deps, "eroute", () => `all ${deps.eroutes.size} eroutes removed`);
    deps.eroutes.clear();
    return {};
  }
  if (!sourceFlow || !destinationFlow || !sourceMask || !destinationMask) {
    throw new Refusal(ERRNO.EINVAL, "a flow to delete needs its addresses and masks");
  }
  const selector = selectorOf(request);
  switch (deps.eroutes.remove(selector)) {
    case "absent":
      throw new Refusal(ERRNO.EFAULT, "there is no such eroute");
    case "otherMask":
      throw new Refusal(ERRNO.ENOENT, "there is an eroute of these networks with other masks only");
    case "removed":
      trace(deps, "eroute", () => `${formatSelector(selector)} removed`);
      return withoutPorts(extensions);
  }
}

/** A network from a flow's address and mask. A mask's port says whether the flow's counts. */
function flowSubnet(flow: AddressExtension, mask: AddressExtension, addresses: AddressBook): Subnet {
  if (flow.address.family !== mask.address.family) {
    throw new Refusal(ERRNO.EINVAL, "flow and mask of different families");
  }
  const bits = maskBits(mask.address.bytes);
  if (bits < 0) throw new Refusal(ERRNO.EINVAL, "a mask is not contiguous");
  const { address } = subnetOf(flow.address, bits);
  return { address: addresses.share(address), bits, port: mask.port ? flow.port : 0 };
}

function selectorOf({ message: { extensions }, addresses }: Request): Selector {
  const source = flowSubnet(extensions.sourceFlow!, extensions.sourceMask!, addresses);
  const destination = flowSubnet(extensions.destinationFlow!, extensions.destinationMask!, addresses);
  if (source.address.family !== destination.address.family) {
    throw new Refusal(ERRNO.EINVAL, "source and destination of a flow are of different families");
  }
  return { source, destination, protocol: extensions.protocol?.protocol ?? 0 };
}

function formatSelector({ source, destination, protocol }: Selector): string {
  const of = protocol ? `, protocol ${protocol}` : "";
  return `${formatSubnetWithPort(source)} -> ${formatSubnetWithPort(destination)}${of}`;
}

/** The reply's flow addresses carry no ports (klips.md §12). */
function withoutPorts(extensions: Extensions): Extensions {
  const strip = (one: AddressExtension | undefined) => one && { ...one, port: 0 };
  return {
    ...extensions,
    sourceFlow: strip(extensions.sourceFlow),
    destinationFlow: strip(extensions.destinationFlow),
  };
}

export const FLOW_HANDLERS: readonly (readonly [type: number, handler: Handler])[] = [
  [MESSAGES.X_ADDFLOW.number, addFlow],
  [MESSAGES.X_DELFLOW.number, deleteFlow],
];
