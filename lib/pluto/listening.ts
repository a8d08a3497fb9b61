/** `--listen` and its opposite: interfaces, sockets, orientation, secrets, groups (pluto.md §5, whack.md §5 step 7). */
import { formatAddress, sameAddress } from "../text/address.ts";
import type { Interface } from "./connection.ts";
import { RC } from "./define.ts";
import { loadGroups } from "./groups.ts";
import { KernelError } from "./kernel.ts";
import { orient, usableInterfaces } from "./orientation.ts";
import type { Parts } from "./parts.ts";

export async function listen(parts: Parts): Promise<void> {
  parts.teller.tell(undefined, RC.log, "listening for IKE messages");
  parts.isListening = true;
  parts.myId.setHostName(parts.deps.hostName());
  await findInterfaces(parts);
  await loadSecrets(parts);
  await loadGroups({
    connections: parts.connections,
    lifeCycle: parts.lifeCycle,
    readPolicyGroup: (name) => parts.deps.readPolicyGroup(name),
    say: ({ code, text }) => parts.teller.tell(undefined, code, text),
    route: (member) => parts.tasks.run(() => parts.router.route(member)),
    handOver: (from, to) => parts.tasks.run(() => parts.router.handOver(from, to)),
  });
}

export function unlisten(parts: Parts): void {
  parts.teller.tell(undefined, RC.log, "no longer listening for IKE messages");
  parts.isListening = false;
}

/** What is new is opened, what is gone closed, and connections find their place anew. */
async function findInterfaces(parts: Parts): Promise<void> {
  const { teller, deps, options } = parts;
  const found = await kernelInterfaces(parts);
  if (!found) return;
  const { interfaces, complaints } = usableInterfaces(found, options.interfaces);
  for (const complaint of complaints) teller.tell(undefined, RC.serious, complaint);
  for (const old of parts.interfaces.filter((one) => !interfaces.some((other) => isSame(one, other)))) {
    await closeInterface(old, parts);
  }
  for (const one of interfaces) {
    if (parts.interfaces.some((other) => isSame(one, other))) continue;
    const why = await deps.openSockets(one);
    if (why !== undefined) {
      teller.tell(undefined, RC.serious, why);
      continue;
    }
    teller.tell(undefined, RC.log, `adding interface ${interfaceText(one)}`);
    parts.interfaces = [one, ...parts.interfaces];
  }
  if (parts.interfaces.length === 0) teller.tell(undefined, RC.serious, "no public interfaces found");
  for (const connection of parts.connections) {
    if (connection.isOriented) continue;
    const complaint = orient(connection, parts.interfaces);
    if (complaint) teller.tell(undefined, RC.serious, complaint);
  }
}

/** Its connections are released, and no longer oriented; instances go. */
export async function closeInterface(old: Interface, parts: Parts): Promise<void> {
  parts.teller.tell(undefined, RC.log, `shutting down interface ${interfaceText(old)}`);
  for (const connection of [...parts.connections]) {
    if (!connection.interface || !isSame(connection.interface, old)) continue;
    await parts.lifeCycle.release(connection);
    connection.interface = undefined;
  }
  parts.interfaces = parts.interfaces.filter((one) => !isSame(one, old));
  parts.deps.closeSockets(old);
}

async function kernelInterfaces({ deps, teller }: Parts) {
  try {
    return await deps.kernel.interfaces();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    teller.tell(undefined, RC.serious, error.message);
    return undefined;
  }
}

export async function loadSecrets({ keys, teller, deps }: Parts): Promise<void> {
  if (keys.hasSecrets) teller.tell(undefined, RC.log, "forgetting secrets");
  const { entries, files, complaints } = await deps.readSecrets();
  for (const file of files) teller.tell(undefined, RC.log, `loading secrets from "${file}"`);
  for (const complaint of complaints) teller.tell(undefined, RC.serious, complaint);
  keys.setSecrets(entries);
}

/** As log lines name an interface: `ipsec0/eth0 192.0.2.1`. */
export function interfaceText({ virtual, physical, address }: Interface): string {
  return `${virtual}/${physical} ${formatAddress(address)}`;
}

function isSame(a: Interface, b: Interface): boolean {
  return a.virtual === b.virtual && a.physical === b.physical && sameAddress(a.address, b.address);
}
