/** vpnc, a road warrior's client: Aggressive Mode with a group's key, XAUTH, Mode Config, ESP in user space. */
import { type Daemon, type Host, until } from "../../tools/_net.ts";
import type { Pluto } from "../netns/_pluto.ts";
import { type Speaker, withWords } from "./_log.ts";

export interface VpncOptions {
  readonly gateway: string;
  /** The group's name goes as ID_KEY_ID. */
  readonly group: string;
  readonly secret: string;
  readonly user: string;
  readonly password: string;
  /** Networks to which traffic goes by way of the tunnel. */
  readonly networks: readonly string[];
  /** More lines of its configuration file. */
  readonly more?: readonly string[];
}

export class Vpnc implements Speaker {
  private constructor(readonly host: Host, readonly daemon: Daemon) {}

  /** Starts it in the foreground; {@linkcode up} waits for its tunnel. */
  static async start(host: Host, options: VpncOptions): Promise<Vpnc> {
    const { gateway, group, secret, user, password, networks, more = [] } = options;
    const directory = `${host.directory}/vpnc`;
    await Deno.mkdir(directory, { recursive: true });
    const routes = networks.map((network) => `    ip route add ${network} dev $TUNDEV src $INTERNAL_IP4_ADDRESS`);
    await Deno.writeTextFile(
      `${directory}/script`,
      `#!/bin/sh
set -e
case $reason in
  connect)
    ip addr add $INTERNAL_IP4_ADDRESS/32 dev $TUNDEV
    ip link set $TUNDEV mtu 1390 up
${routes.join("\n")}
    env | grep -E "^(INTERNAL|CISCO)_" | sort
    echo vpnc is connected
    ;;
  disconnect) echo vpnc is disconnected ;;
esac
`,
      { mode: 0o700 },
    );
    const lines = [
      `IPSec gateway ${gateway}`,
      `IPSec ID ${group}`,
      `IPSec secret ${secret}`,
      `Xauth username ${user}`,
      `Xauth password ${password}`,
      `Script ${directory}/script`,
      `Pidfile ${directory}/pid`,
      "No Detach",
      "Noninteractive",
      "Debug 2",
      ...more,
    ];
    await Deno.writeTextFile(`${directory}/conf`, `${lines.join("\n")}\n`, { mode: 0o600 });
    return new Vpnc(host, host.start(["vpnc", `${directory}/conf`]));
  }

  get name(): string {
    return `vpnc on ${this.host.name}`;
  }

  get log(): string {
    return this.daemon.output;
  }

  /** @returns the variables that Mode Config gave its script: `INTERNAL_IP4_ADDRESS`, `CISCO_BANNER` and so on */
  async up(): Promise<Record<string, string>> {
    await withWords(this, () =>
      until(`${this.name} connects`, () => {
        if (this.daemon.ended !== undefined) throw new Error("vpnc has ended");
        return this.log.includes("vpnc is connected");
      }));
    return Object.fromEntries(
      [...this.log.matchAll(/^((?:INTERNAL|CISCO)_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
  }

  /** It tells the gateway. */
  async stop(): Promise<string> {
    return await this.daemon.stop("SIGTERM");
  }
}

/** Until ours has no state: vpnc draws the number of each Delete from 256, and so now and then 0, which must not be believed. */
export async function noneLeft(pluto: Pluto, conn: string): Promise<void> {
  await until("ours has no state left", async () => {
    if (pluto.log.includes("because it has a Message ID of 0")) await pluto.down(conn);
    return (await pluto.states()).length === 0;
  });
}
