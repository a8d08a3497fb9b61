/**
 * The rights that hosts as network namespaces need (`_net.ts`): root has them, and so has anybody in a user namespace of
 * one's own, where the kernel allows that. Guessing from ids, capabilities and sysctls goes wrong in containers, so the
 * thing itself is tried once.
 */
import { attempt } from "./_net.ts";

/** Words to put before a command so that it may make nets (none for root), or a sentence that says what is lacking. */
export type NetRights = { readonly words: readonly string[] } | { readonly lacks: string };

/** Set, to the reason, for tests where nets cannot be made: whoever is root may still lack rights. */
export const NO_NETS = "ONESWAN_NO_NETS";

/** ip(8) keeps names of namespaces in /run, which belongs to the real root. */
const ENTER = [
  "unshare",
  "--user",
  "--map-root-user",
  "--net",
  "--mount",
  "/bin/sh",
  "-c",
  'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"',
  "sh",
];

/** Programs of the administrator, which users' paths may leave out. */
export const PATH_WITH_SBIN = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;

/** Says each step before it tries it: the last one said is what does not work. */
const TRIAL = `net=oswtrial$$
trap 'ip netns del $net 2>/dev/null' EXIT
set -e
echo iproute2; command -v ip >/dev/null
echo tun; test -c /dev/net/tun; (: <>/dev/net/tun)
echo namespace; ip netns add $net
echo inside; ip netns exec $net true
echo sysctl; ip netns exec $net sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter'
echo device; ip -n $net tuntap add dev trial0 mode tun
echo veth; ip -n $net link add trial1 type veth peer name trial2
echo all`;

/** sudo(8) does not look for programs where users keep theirs. */
const AS_ROOT = `run it as root: sudo ${Deno.execPath()} task demo (or task test)`;
const CONTAINER = "in Docker or Podman: start the container with --privileged; this is for the demonstration and the " +
  "tests only, a gateway needs --device /dev/net/tun --cap-add NET_ADMIN --cap-add NET_RAW";

/** What a step that fails means, and what to do about it. */
const STEPS: Record<string, [lacks: string, remedy: string]> = {
  iproute2: [
    "the program ip is not installed",
    "apt-get install iproute2 (Debian, Ubuntu) or dnf install iproute (Fedora)",
  ],
  tun: [
    "/dev/net/tun cannot be opened for reading and writing",
    "modprobe tun; where the file is missing: mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200; in a container: " +
    "start it with --device /dev/net/tun",
  ],
  namespace: ["no network namespace can be made", `${AS_ROOT}; ${CONTAINER}`],
  inside: ["nothing can be run in a network namespace", CONTAINER],
  sysctl: ["/proc/sys is read-only", CONTAINER],
  device: ["no TUN device can be made (no CAP_NET_ADMIN here)", `${AS_ROOT}; ${CONTAINER}`],
  veth: ["no pair of virtual Ethernet devices can be made", "modprobe veth"],
};

/** Switches by which administrators and distributions forbid user namespaces, and the values that do so. */
const SWITCHES: [sysctl: string, forbids: RegExp, allows: string][] = [
  ["kernel.unprivileged_userns_clone", /^0$/, "1"],
  ["kernel.apparmor_restrict_unprivileged_userns", /^[12]$/, "0"],
  ["user.max_user_namespaces", /^0$/, "15000"],
];

async function readSysctl(name: string): Promise<string> {
  return (await Deno.readTextFile(`/proc/sys/${name.replaceAll(".", "/")}`).catch(() => "")).trim();
}

/** Why no user namespace can be entered, as far as the kernel says. */
async function whyNoUserNamespace(words: string): Promise<string> {
  const remedies = [AS_ROOT];
  for (const [name, forbids, allows] of SWITCHES) {
    const value = await readSysctl(name);
    if (forbids.test(value)) remedies.push(`allow it: sysctl ${name}=${allows} (it is ${value})`);
  }
  remedies.push(CONTAINER);
  return `You are not root, and the kernel lets you make no user namespace (${words}).\n  ${remedies.join("\n  ")}`;
}

/** @returns the step that does not work and the words of the program that failed; undefined where all do */
async function trial(before: readonly string[]): Promise<[step: string, words: string] | undefined> {
  let ran;
  try {
    ran = await attempt([...before, "/bin/sh", "-c", TRIAL], { env: { PATH: PATH_WITH_SBIN } });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ["", `${before[0]} is not installed`];
    throw error;
  }
  const step = ran.stdout.trim().split("\n").at(-1) ?? "";
  if (step === "all") return undefined;
  return [step, ran.stderr.trim().split("\n")[0] || `status ${ran.status}`];
}

function describe([step, words]: [step: string, words: string]): string {
  const [lacks, remedy] = STEPS[step];
  return `What is lacking: ${lacks} (${words}).\n  What to do: ${remedy}`;
}

/** Tries whether nets can be made here, as who one is or in a user namespace. */
export async function netRights(): Promise<NetRights> {
  const asWeAre = await trial([]);
  if (!asWeAre) return { words: [] };
  // no namespace helps where a program or a device is missing
  if (asWeAre[0] === "iproute2" || asWeAre[0] === "tun") return { lacks: describe(asWeAre) };
  const inNamespace = await trial(ENTER);
  if (!inNamespace) return { words: ENTER };
  if (Deno.uid() === 0) return { lacks: describe(asWeAre) };
  return { lacks: inNamespace[0] === "" ? await whyNoUserNamespace(inNamespace[1]) : describe(inNamespace) };
}

/**
 * Runs this program again where it has the rights; the caller passes on the status.
 *
 * @param words of {@linkcode netRights}
 */
export async function runAgain(words: readonly string[], args = Deno.args): Promise<number> {
  const child = new Deno.Command(words[0], {
    args: [...words.slice(1), Deno.execPath(), "run", "-A", Deno.mainModule, ...args],
    env: { PATH: PATH_WITH_SBIN },
  }).spawn();
  // Ctrl-C reaches the child by itself: it cleans up, and we wait
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
  return (await child.status).code;
}
