/** Hosts that are configured by ipsec.conf alone. */
import { ADDRESS, type FourHosts, fourHosts, type Host, until } from "../../tools/_net.ts";
import { testKey } from "../../tools/_keying.ts";

/** {@linkcode fourHosts} with default routes, filters and settings as distributions have them. */
export async function configuredHosts(): Promise<FourHosts> {
  const four = await fourHosts();
  try {
    const { west, east } = four;
    await west.ip(`route add default via ${ADDRESS.inet.east}`);
    await east.ip(`route add default via ${ADDRESS.inet.west}`);
    for (const host of [west, east]) {
      for (const which of ["all", "default", "eth0", "eth1"]) await host.sysctl(`net.ipv4.conf.${which}.rp_filter`, 1);
      await host.sysctl("net.ipv4.ip_forward", 0);
      Deno.mkdirSync(`${host.directory}/etc`);
      Deno.writeTextFileSync(`${host.directory}/etc/ipsec.secrets`, "", { mode: 0o600 }); // else start makes a key
    }
    return four;
  } catch (error) {
    await four[Symbol.asyncDispose]();
    throw error;
  }
}

/** Writes ipsec.conf. @param setup lines of `config setup` @param conns sections */
export function configure(host: Host, setup: readonly string[], ...conns: string[]): void {
  const lines = setup.map((line) => `\t${line}\n`).join("");
  const text = ["version 2\n", `config setup\n${lines}`, ...conns].join("\n");
  Deno.writeTextFileSync(`${host.directory}/etc/ipsec.conf`, text, { mode: 0o600 });
}

/** The tunnel between the two networks; the same on both ends. */
export function tunnelConn(name = "west-east", left: string = ADDRESS.inet.west): string {
  const { east, westNet, eastNet } = ADDRESS.inet;
  return `conn ${name}
\tleft=${left}
\tleftsubnet=${westNet}
\tright=${east}
\trightsubnet=${eastNet}
\tspibase=0x200
\tesp=aes128-sha1-96
\tespenckey=${testKey(16, 1)}
\tespauthkey=${testKey(20, 2)}
\tauto=manual
`;
}

/** Everything that ip(8) tells of a host's network, and every setting of the kernel's for it. */
export async function stateOf(host: Host): Promise<Record<string, unknown>> {
  const listings = ["link", "addr", "rule", "-6 rule", "-4 route show table all", "-6 route show table all"];
  const found: [string, unknown][] = [];
  for (const words of listings) found.push([words, JSON.parse(await host.ip(`-j ${words}`) || "[]")]);
  const settings = await host.attempt(["grep", "-r", "", "/proc/sys/net/ipv4", "/proc/sys/net/ipv6"]);
  found.push(["settings", settings.stdout.split("\n").filter((line) => !/neigh|stable_secret/.test(line)).sort()]);
  return Object.fromEntries(found);
}

/** Files in the run-time directory. */
export function runFiles(host: Host): string[] {
  return [...Deno.readDirSync(`${host.directory}/run`)].map(({ name }) => name).sort();
}

export function pidIn(host: Host, file: string): number {
  return Number(Deno.readTextFileSync(`${host.directory}/run/${file}`));
}

/** Ends a process at once, and waits until it is gone or a zombie. */
export async function murder(pid: number): Promise<void> {
  Deno.kill(pid, "SIGKILL");
  await until(`process ${pid} is gone`, () => {
    try {
      return /\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
    } catch {
      return true;
    }
  });
}

/** The host's ping is answered, if not the first time. */
export async function reaches(host: Host, address: string): Promise<void> {
  await until(`${host.name} reaches ${address}`, () => host.canPing(address));
}

export function setupLog(host: Host): string {
  return Deno.readTextFileSync(`${host.directory}/run/setup.log`);
}
