/** Policy groups (pluto.md §18): connections whose peers are the networks of a file. */
import { formatSubnet, sameSubnet, type Subnet } from "../text/subnet.ts";
import { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { type Line, RC } from "./define.ts";
import type { LifeCycle } from "./life_cycle.ts";
import { neverNegotiates } from "./policy.ts";

/** A group's file, names looked up. */
export interface GroupFile {
  readonly path: string;
  readonly subnets: readonly { readonly subnet: Subnet; readonly line: number }[];
  /** As `"F" line N: WHY "TOK"`. */
  readonly complaints: readonly string[];
}

export interface GroupsDeps {
  readonly connections: Connections;
  readonly lifeCycle: Pick<LifeCycle, "delete">;
  /** Undefined where there is no such file. */
  readPolicyGroup(name: string): Promise<GroupFile | undefined>;
  say(line: Line): void;
  route(member: Connection): Promise<boolean>;
  /** The eroute of one member becomes that of another. @returns whether it did */
  handOver(from: Connection, to: Connection): Promise<boolean>;
}

/**
 * At every `--listen`: what is new is added, and routed where its group is, then what has vanished is deleted. In this
 * order, and with eroutes that change hands where a network goes from one group to another, no packet meets neither policy.
 */
export async function loadGroups(deps: GroupsDeps): Promise<void> {
  const groups = [...deps.connections].filter((one) => one.connectionKind === "CK_GROUP" && one.isOriented);
  const taken: { readonly group: Connection; readonly subnet: Subnet }[] = [];
  const wanted = new Map<Connection, Subnet[]>();
  for (const group of groups) {
    const file = await deps.readPolicyGroup(group.name);
    const subnets: Subnet[] = [];
    wanted.set(group, subnets);
    if (!file) continue;
    deps.say({ code: RC.log, text: `loading group "${file.path}"` });
    for (const complaint of file.complaints) deps.say({ code: RC.serious, text: complaint });
    for (const { subnet, line } of file.subnets) {
      const { net } = group.ours;
      if (subnet.address.family !== net.address.family) {
        const text = `"${formatSubnet(subnet)}" cannot be in this group, which is for traffic of ${formatSubnet(net)}`;
        deps.say({ code: RC.serious, text: `"${file.path}" line ${line}: ${text}` });
        continue;
      }
      const other = taken.find((one) => sameSubnet(one.subnet, subnet) && sameSubnet(one.group.ours.net, net));
      if (other) {
        const source = formatSubnet(net);
        const text = `subnet "${formatSubnet(subnet)}", source ${source}, already "${other.group.name}"`;
        deps.say({ code: RC.serious, text: `"${file.path}" line ${line}: ${text}` });
        continue;
      }
      taken.push({ group, subnet });
      subnets.push(subnet);
    }
  }
  const vanished = [...wanted].flatMap(([group, subnets]) =>
    deps.connections.membersOf(group).filter(({ peers }) => !subnets.some((subnet) => sameSubnet(subnet, peers.net)))
  );
  for (const [group, subnets] of wanted) await addNew(group, subnets, vanished, deps);
  for (const member of vanished) await deps.lifeCycle.delete(member);
}

async function addNew(
  group: Connection,
  subnets: readonly Subnet[],
  vanished: readonly Connection[],
  deps: GroupsDeps,
): Promise<void> {
  const present = deps.connections.membersOf(group).map(({ peers }) => peers.net);
  for (const subnet of subnets) {
    if (present.some((one) => sameSubnet(one, subnet))) continue;
    const member = makeMember(group, subnet);
    if (deps.connections.find(member.name)) {
      const text = `group name + target yields duplicate name "${member.name}"`;
      deps.say({ code: RC.duplicateName, text });
      continue;
    }
    deps.connections.add(member);
    if (!group.policy.grouted) continue;
    const before = vanished.find((one) =>
      sameSubnet(one.peers.net, subnet) && sameSubnet(one.ours.net, member.ours.net)
    );
    const isRoutedNow = before && await deps.handOver(before, member) || await deps.route(member);
    if (!isRoutedNow) {
      deps.say({ code: RC.route, text: `"${member.name}": could not route` });
    }
  }
}

/** `GROUP#SUBNET`: a template where it may negotiate, else an instance without number. */
export function makeMember(group: Connection, subnet: Subnet): Connection {
  const policy = { ...group.policy, group: false, grouted: false };
  const peers = group.peers.copy();
  peers.client = subnet;
  const member = new Connection({
    name: `${group.name}#${formatSubnet(subnet)}`,
    connectionKind: neverNegotiates(policy) ? "CK_INSTANCE" : "CK_TEMPLATE",
    ours: group.ours.copy(),
    peers,
    policy,
    settings: group.settings,
  });
  member.group = group;
  member.interface = group.interface;
  return member;
}
