/**
 * What the operating system said, without the runtime's own words around it: "No such file or directory", also where
 * node's modules say "ENOENT: no such file or directory, open '/x'".
 */
export function errorReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, reason] = /^(.*?) \(os error \d+\)/.exec(message) ??
    /^E[A-Z0-9]+: (.*?)(?:, \w+(?: '.*)?)?$/.exec(message) ?? [];
  return reason ?? message;
}

/** The same with the path that it was about, where the runtime names one: "/run/x: No space left on device". */
export function errorWithPath(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, reason, path] = /^(.*?) \(os error \d+\): \w+ '(.*)'/.exec(message) ?? [];
  return reason === undefined ? errorReason(error) : `${path}: ${reason}`;
}
