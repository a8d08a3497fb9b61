/** What the operating system said, without the runtime's own words around it: "No such file or directory". */
export function errorReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^(.*?) \(os error \d+\)/.exec(message)?.[1] ?? message;
}
