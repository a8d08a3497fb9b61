/** Policy group files: the networks of one group (config.md §17). */
import { formatAddress, parseAddress } from "../text/address.ts";
import { formatSubnet, hostSubnet, parseSubnet, type Subnet, subnetOf } from "../text/subnet.ts";
import { type Complaint, Complaints } from "./complaint.ts";
import { besides, type FileSystem } from "./file_system.ts";
import { stripComment } from "./lines.ts";
import { IMPLICIT_CONNS } from "./implicit_conns.ts";
import type { Configuration } from "./load.ts";
import { Proposals } from "./proposals.ts";
import type { Conn } from "./settings.ts";

/** A network, or a host's name that is still to be looked up. */
export type GroupEntry = { readonly line: number } & ({ readonly subnet: Subnet } | { readonly name: string });

export interface PolicyGroup {
  readonly entries: readonly GroupEntry[];
  readonly complaints: readonly Complaint[];
}

/**
 * Never throws. A group whose file is not there is empty; a bad entry is left out, a doubtful one stays. IPv6 networks
 * count as well; FreeS/WAN refused them.
 */
export function readPolicyGroup(path: string, files: FileSystem): PolicyGroup {
  const content = files.read(path);
  const complaints = new Complaints();
  const entries: GroupEntry[] = [];
  const seen = new Map<string, number>();
  if (typeof content === "string") {
    if (content !== "no such file") complaints.error({ file: path, line: 0 }, `cannot be read: ${content}`);
  } else {
    content.text.replace(/^\ufeff/, "").split("\n").forEach((text, i) => {
      const at = { file: path, line: i + 1 };
      for (const word of stripComment(text.replace(/\r$/, "")).split(/[ \t]+/).filter(Boolean)) {
        const parsed = parseEntry(word);
        if ("error" in parsed) {
          complaints.error(at, `${parsed.error} "${word}"`);
          continue;
        }
        const doubt = "subnet" in parsed && doubtOf(word, parsed.subnet);
        if (doubt) complaints.warn(at, `"${word}" ${doubt}`);
        const key = "subnet" in parsed ? formatSubnet(parsed.subnet) : parsed.name;
        const first = seen.get(key);
        if (first === undefined) entries.push({ ...parsed, line: at.line });
        else complaints.warn(at, `"${word}" is in this group already, in line ${first}`);
        if (first === undefined) seen.set(key, at.line);
      }
    });
  }
  return { entries, complaints: complaints.sorted([path]) };
}

const GROUPS = ["%group", "%opportunisticgroup"];
/** What editors and package managers leave beside a file, and hidden ones. */
const LEFT_OVER = /^\.|[~#]$|\.(bak|old|orig|rej|save|swp|dpkg-\w+|rpm\w+)$/;

/** Whether one end is a policy group. */
export function hasGroup({ settings }: Pick<Conn, "settings">): boolean {
  return ["left", "right"].some((side) => GROUPS.includes(settings.get(side)?.value ?? ""));
}

/**
 * About the files of all groups that the connections name, in the folder beside ipsec.conf, and about those that none names,
 * whose networks have no policy; but not about built-in groups that are switched off.
 */
export function checkGroups({ conns }: Pick<Configuration, "conns">, file: string, files: FileSystem): Complaint[] {
  const folder = besides(file, "ipsec.d/policies");
  const groups = [...conns.values()].filter(hasGroup).map(({ name }) => name);
  const unused = new Complaints();
  const proposals = new Proposals();
  for (const name of files.list(folder)) {
    if (groups.includes(name) || Object.hasOwn(IMPLICIT_CONNS, name) || LEFT_OVER.test(name)) continue;
    const proposal = proposals.propose("group", name, groups);
    unused.warn(
      { file: `${folder}/${name}`, line: 0 },
      `no policy group has this name: nothing reads the file${proposal}`,
    );
  }
  return [
    ...groups.flatMap((name) => readPolicyGroup(`${folder}/${name}`, files).complaints),
    ...unused.sorted([]),
  ];
}

function parseEntry(word: string): { subnet: Subnet } | { name: string } | { error: string } {
  const isIpv6 = word.split("/")[0].includes(":");
  if (word.includes("/")) {
    const parsed = parseSubnet(word, isIpv6 ? "inet6" : "inet");
    if (!parsed.ok) return { error: parsed.error };
    return { subnet: parsed.value };
  }
  const parsed = parseAddress(word, isIpv6 ? "inet6" : "inet");
  if (parsed.ok) return { subnet: hostSubnet(parsed.value) };
  return "name" in parsed ? { name: parsed.name } : { error: parsed.error };
}

/** Fewer than four numbers, perhaps with a dot behind them: zeroes follow (text-forms.md §3.2). */
const SHORT_ADDRESS = /^\d+(?:\.\d+){0,2}\.?$/;

/** What FreeS/WAN took without a word, and is hardly what somebody means. */
function doubtOf(word: string, { address, port }: Subnet): string | undefined {
  if (port !== 0) return "has a port, which is ignored";
  if (!SHORT_ADDRESS.test(word)) return undefined;
  const network = subnetOf(address, 8 * (word.match(/\d+/g)?.length ?? 0));
  return `is the host ${formatAddress(address)} alone; the network is ${formatSubnet(network)}`;
}
