/** Ours as a road warrior: west has a password, and no address inside but the one that east, strongSwan's, gives it. */
import type { Parameters } from "../netns/_pluto.ts";
import type { CharonOptions, Settings } from "./_charon.ts";
import { ourConn, SECRETS, THEIR_SECRETS, theirConnection } from "./_office.ts";

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

export interface ServerSettings {
  readonly password?: string;
  /** Of its pool; none where it is undefined. */
  readonly addresses?: string;
  readonly localTs?: string;
}

export function serverOf({ password = PASSWORD, localTs, ...more }: ServerSettings = {}): CharonOptions["swanctl"] {
  const { addresses = "10.3.0.1-10.3.0.9" } = more;
  const hasPool = !("addresses" in more) || more.addresses !== undefined;
  const child: Settings = { remote_ts: "dynamic", ...(localTs && { local_ts: localTs }) };
  return {
    connections: {
      office: theirConnection({
        ...(hasPool && { pools: "road" }),
        "remote-1": { auth: "psk" },
        "remote-2": { auth: "xauth" },
        remote: undefined,
      }, child),
    },
    ...(hasPool && { pools: { road: { addrs: addresses, dns: DNS } } }),
    secrets: { ...THEIR_SECRETS, [`xauth-${USER}`]: { id: USER, secret: `"${password}"` } },
  };
}
