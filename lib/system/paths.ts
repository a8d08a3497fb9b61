/** Where things lie; the environment can move them, so that several instances run side by side (design.md, part 2). */

export type Environment = (name: string) => string | undefined;

/** Sockets, process ids, logs. */
export function runDirectory(env: Environment): string {
  return env("IPSEC_RUNDIR") || "/run/ipsec";
}

/** ipsec.conf, ipsec.secrets and the ipsec.d folder. */
export function confDirectory(env: Environment): string {
  return env("IPSEC_CONFS") || "/etc";
}

/** The socket of KLIPS, which its tools and the key daemon speak PF_KEYv2 on. */
export function pfkeySocketPath(env: Environment): string {
  return `${runDirectory(env)}/pfkey.sock`;
}

export function pidFilePath(env: Environment): string {
  return `${runDirectory(env)}/klips.pid`;
}
