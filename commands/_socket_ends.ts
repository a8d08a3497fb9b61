/** The two ends of the socket that is standard input, from what the kernel lists of sockets under /proc. */
import type { PolicyPacket } from "../lib/klips/policy_query.ts";
import type { Address } from "../lib/text/address.ts";

const TABLES = [["tcp", 6], ["tcp6", 6], ["udp", 17], ["udp6", 17]] as const;

/** @returns undefined where standard input is no socket of TCP or UDP with two ends */
export function standardInputEnds(): PolicyPacket | undefined {
  const inode = socketInode();
  if (!inode) return undefined;
  for (const [table, protocol] of TABLES) {
    const ends = findSocket(readText(`/proc/self/net/${table}`), inode, protocol);
    if (ends) return ends;
  }
  return undefined;
}

function socketInode(): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync("/proc/self/fd/0"))?.[1];
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // no IPv6, say
  }
}

/** @param table as proc(5) describes /proc/net/tcp: local and remote end in columns 1 and 2, the inode in column 9 */
export function findSocket(table: string, inode: string, protocol: number): PolicyPacket | undefined {
  for (const line of table.split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[9] !== inode) continue;
    const [local, remote] = [columns[1], columns[2]].map(parseEnd);
    if (!local || !remote || remote.port === 0) return undefined;
    return {
      source: local.address,
      destination: remote.address,
      protocol,
      sourcePort: local.port,
      destinationPort: remote.port,
    };
  }
  return undefined;
}

const MAPPED = "0,0,0,0,0,0,0,0,0,0,255,255";

/** Words of the address are in the byte order of the host, which is little-endian on all that Deno runs on. */
function parseEnd(text: string): { address: Address; port: number } | undefined {
  const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(text);
  if (!match) return undefined;
  const bytes = Uint8Array.from(
    match[1].match(/.{8}/g)!.flatMap((word) => word.match(/../g)!.reverse()),
    (byte) => parseInt(byte, 16),
  );
  const port = parseInt(match[2], 16);
  if (bytes.length === 4) return { address: { family: "inet", bytes }, port };
  // a socket of both families that speaks IPv4
  if (bytes.slice(0, 12).join() === MAPPED) return { address: { family: "inet", bytes: bytes.slice(12) }, port };
  return { address: { family: "inet6", bytes }, port };
}
