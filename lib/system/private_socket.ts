/** Unix stream sockets of daemons that root alone may speak to. */

/** As FreeS/WAN's control socket has it, 0700, and from the first moment on. */
const MASK = 0o077;

/** Listens at once; a socket that a killed daemon has left is replaced. Throws where that cannot be done. */
export function listenPrivately(path: string): Deno.UnixListener {
  removeIfThere(path);
  const mask = Deno.umask(MASK);
  try {
    return Deno.listen({ transport: "unix", path });
  } finally {
    Deno.umask(mask);
  }
}

export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
