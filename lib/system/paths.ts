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

/** Where ipsec.secrets looks for key files. */
export function privateKeyDirectory(env: Environment): string {
  return `${confDirectory(env)}/ipsec.d/private`;
}

/** The socket of KLIPS, which its tools and the key daemon speak PF_KEYv2 on. */
export function pfkeySocketPath(env: Environment): string {
  return `${runDirectory(env)}/pfkey.sock`;
}

/** The socket of KLIPS on which IKE of UDP port 4500 goes to pluto and back. */
export function ikeSocketPath(env: Environment): string {
  return `${runDirectory(env)}/ike.sock`;
}

export function pidFilePath(env: Environment): string {
  return `${runDirectory(env)}/klips.pid`;
}

/** Files of `ipsec setup` in the run-time directory, under FreeS/WAN's names where it had them. */
export function setupPaths(env: Environment) {
  const directory = runDirectory(env);
  return {
    directory,
    /** Process id of the supervisor, which holds the file's lock. */
    lock: `${directory}/ipsec_setup.pid`,
    info: `${directory}/ipsec.info`,
    /** What start has changed. */
    state: `${directory}/setup.state`,
    control: `${directory}/setup.sock`,
    log: `${directory}/setup.log`,
    klipsLog: `${directory}/klips.log`,
    klipsPid: pidFilePath(env),
    plutoPid: plutoPaths(env).pid,
    plutoLog: `${directory}/pluto.log`,
    plutoSocket: plutoPaths(env).socket,
    /** An instance with a directory of its own is not the system's. */
    subsystemLock: env("IPSEC_RUNDIR") ? undefined : "/var/lock/subsys/ipsec",
  };
}

/** pluto's files: FreeS/WAN's `--ctlbase`, and what it adds to that. */
export function plutoPaths(env: Environment) {
  const base = `${runDirectory(env)}/pluto`;
  return { base, socket: `${base}.ctl`, pid: `${base}.pid` };
}
