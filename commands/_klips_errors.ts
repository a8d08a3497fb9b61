/**
 * What the KLIPS tools say when the PF_KEY socket cannot be opened or the engine refuses a request.
 *
 * The leading texts and the reasons of the engine's refusals are those of FreeS/WAN, because scripts match them. Where
 * the reasons for a closed socket spoke of modules and installation, these say what is true of a daemon.
 */
import os from "node:os";
import { getSystemErrorMap } from "node:util";

export const ERRNO = {
  ENOENT: 2,
  ESRCH: 3,
  ENXIO: 6,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  ESPIPE: 29,
  ESOCKTNOSUPPORT: 94,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
} as const;

export type ErrnoName = keyof typeof ERRNO;
/** What errors mean for one tool and one action. */
export type Meanings = Readonly<Partial<Record<ErrnoName, string>>>;

const REPORT = "Please report as much detail as possible to development team.";
const BUSY = `KLIPS is busy.  Most likely a serious internal error occured in a previous command.  ${REPORT}`;

/** As strerror has it: `file exists`; for a number without a name just that number. */
export function describeErrno(errno: number): string {
  const known = getSystemErrorMap().get(-errno)?.[1];
  if (known !== undefined) return known;
  const names: Record<string, number> = os.constants.errno;
  return Object.keys(names).find((name) => names[name] === errno) ?? `error ${errno}`;
}

export function meaningOf(errno: number, meanings: Meanings): string | undefined {
  const name = (Object.keys(ERRNO) as ErrnoName[]).find((name) => ERRNO[name] === errno);
  return name && meanings[name];
}

/** Why the socket at `path` cannot be opened. */
export function openReason(errno: number, path: string): string {
  const meanings: Meanings = {
    ENOENT:
      `KLIPS is not running: no socket at ${path}.  Start it with 'ipsec setup start', or alone with 'ipsec klips --start'.`,
    EACCES: `access denied.  You must be root, or be allowed to write to ${path}.`,
    EBUSY: BUSY,
    EMFILE: "Process file table overflow.",
    ENFILE: "System file table overflow.",
  };
  return meaningOf(errno, meanings) ?? `Unknown file open error ${errno} (${describeErrno(errno)}).  ${REPORT}`;
}

/** Reasons that all tools give alike (klips.md §1.2). */
const REFUSALS: Meanings = {
  EINVAL: "Invalid argument, check kernel log messages for specifics.",
  EACCES: "access denied.  You must be root to do this.",
  EBUSY: BUSY,
  ENODEV: "KLIPS not loaded or enabled.\nNo device?!?",
  ENOBUFS: "No kernel memory to allocate SA.",
  ESOCKTNOSUPPORT: "Algorithm support not available in the kernel.  Please compile in support.",
  EEXIST: "SA already in use.  Delete old one first.",
  ENOENT: "device does not exist.  See FreeS/WAN installation procedure.",
  ENXIO: "SA does not exist.  Cannot delete.",
  ENOSPC: "no room in kernel SAref table.  Cannot process request.",
  ESPIPE: "kernel SAref table internal error.  Cannot process request.",
  ECONNREFUSED: "KLIPS closed the connection.",
};

/** Why the engine refused a request; `own` comes before the shared meanings. */
export function refusalReason(errno: number, own: Meanings = {}): string {
  return meaningOf(errno, own) ?? meaningOf(errno, REFUSALS) ??
    `Unknown socket write error ${errno} (${describeErrno(errno)}).  ${REPORT}`;
}
