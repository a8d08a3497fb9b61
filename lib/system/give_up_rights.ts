/**
 * What a daemon gives up that reads what strangers send: whoever finds a way in finds no way on. Deno asks for each of these
 * rights in the runtime itself, so that no code of ours has to be trusted with it.
 */
const RIGHTS = [
  { name: "ffi" }, // the C library
  { name: "run" }, // programs
  { name: "write" }, // files, and sockets with a path: KLIPS's and the helper's
  { name: "env" },
  { name: "import" }, // more code
] as const satisfies readonly Deno.PermissionDescriptor[];

/** For good: nothing gives them back. Throws where one stays. */
export function giveUpRights(): void {
  for (const right of RIGHTS) {
    const { state } = Deno.permissions.revokeSync(right);
    if (state === "granted") throw new Error(`cannot give up the right to ${right.name}`);
  }
}
