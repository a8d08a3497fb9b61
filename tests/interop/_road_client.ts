/** Ours as a road warrior: west has a password, and no address inside but the one that east, strongSwan's, gives it. */
import type { Parameters } from "../netns/_pluto.ts";
import type { CharonOptions } from "./_charon.ts";
import { AT, ourConn, SECRETS, THEIR_SECRETS, theirConnection } from "./_office.ts";

export const USER = "alice", PASSWORD = "her own password";
export const GIVEN = "10.3.0.1", DNS = "10.2.0.53";

export const PASSWORD_SECRETS = `${SECRETS}@${USER} : XAUTH "${PASSWORD}"\n`;

export function clientConn(more: Parameters = {}): string {
  return ourConn("office", {
    leftsubnet: undefined,
    leftsourceip: "%config",
    leftxauthclient: "yes",
    leftxauthusername: USER,
    modecfgpull: "yes",
    ...more,
  });
}

/** Pools of addresses that east has, by name. */
const POOLS = {
  road: "10.3.0.1-10.3.0.9",
  other: "10.3.0.20-10.3.0.29",
  east: `${AT.east}-${AT.east}`,
  west: `${AT.westInner}-${AT.westInner}`,
} as const;

export interface ServerSettings {
  readonly password?: string;
  /** Where it takes the address from; `none` gives none. */
  readonly pool?: keyof typeof POOLS | "none";
  readonly localTs?: string;
  /** Whether it waits to be asked; default yes. */
  readonly pull?: boolean;
}

export function serverOf(
  { password = PASSWORD, pool = "road", localTs, pull = true }: ServerSettings = {},
): CharonOptions["swanctl"] {
  return {
    connections: {
      office: theirConnection({
        ...(pool !== "none" && { pools: pool }),
        pull,
        "remote-1": { auth: "psk" },
        "remote-2": { auth: "xauth" },
        remote: undefined,
      }, { remote_ts: "dynamic", ...(localTs && { local_ts: localTs }) }),
    },
    pools: Object.fromEntries(Object.entries(POOLS).map(([name, addrs]) => [name, { addrs, dns: DNS }])),
    secrets: { ...THEIR_SECRETS, [`xauth-${USER}`]: { id: USER, secret: `"${password}"` } },
  };
}
