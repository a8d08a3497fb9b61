/** The updown commands of connections (pluto.md §16.3): what they are told, and what is told of them. */
import { formatIdentity } from "../text/identity.ts";
import { type UpdownVariables, updownVariables, type UpdownVerb } from "../text/updown_variables.ts";
import type { Connection } from "./connection.ts";
import { RC } from "./define.ts";
import type { End } from "./end.ts";

export const DEFAULT_UPDOWN = "ipsec _updown";

export interface UpdownResult {
  readonly ok: boolean;
  /** What it printed. */
  readonly lines: readonly string[];
  /** As `up-client command exited with status 1`. */
  readonly complaint?: string;
}

export interface UpdownDeps {
  /** Those of one connection are run one after the other. */
  runUpdown(command: string, variables: UpdownVariables): Promise<UpdownResult>;
  tell(connection: Connection, code: number, text: string): void;
}

/** @returns whether the command succeeded */
export async function runUpdownVerb(verb: UpdownVerb, connection: Connection, deps: UpdownDeps): Promise<boolean> {
  const variables = variablesOf(verb, connection);
  const { ok, lines, complaint } = await deps.runUpdown(connection.ours.updown ?? DEFAULT_UPDOWN, variables);
  for (const line of lines) deps.tell(connection, RC.log, `${variables.PLUTO_VERB} output: ${line}`);
  if (!ok) deps.tell(connection, RC.serious, complaint ?? `${variables.PLUTO_VERB} command failed`);
  return ok;
}

export function variablesOf(verb: UpdownVerb, connection: Connection): UpdownVariables {
  const { name, ours, peers, nextHop, assigned } = connection;
  return updownVariables(verb, {
    name,
    device: connection.interface?.virtual ?? "",
    nextHop,
    me: { host: ours.host, client: ours.client },
    peer: { host: peers.host, client: peers.client },
    ...(ours.sourceIp && { sourceIp: ours.sourceIp }),
    ...(assigned && { assigned }),
    keying: { me: identityOf(ours), peer: identityOf(peers), peerCa: peers.ca ?? "" },
  });
}

function identityOf({ id, clientPort, protocol }: End) {
  return { id: formatIdentity(id), port: clientPort, protocol };
}
