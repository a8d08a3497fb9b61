/**
 * ipsec.d/passwd, with which XAUTH compares what users type: lines `USER:CRYPTED` or `USER:CRYPTED:CONN`, the password as
 * crypt(3) has it with SHA-256 or SHA-512. Read anew each time, so that a change holds at once.
 */
import { matchesCrypt } from "../crypto/sha_crypt.ts";
import type { Secret } from "../crypto/secret.ts";
import { errorReason } from "./error_reason.ts";

/** It costs as much as any, and is no password's. */
const NOBODYS = `$6$nobody$${".".repeat(86)}`;

export interface Asked {
  readonly user: string;
  readonly password: Secret;
  readonly connection: string;
}

/** @param warn of a file that cannot be read */
export function passwordIsRight(
  path: string,
  { user, password, connection }: Asked,
  warn: (text: string) => void,
): boolean {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    warn(`XAUTH: unable to open password file (${path}) for verification: ${errorReason(error)}`);
    return false;
  }
  const candidates: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const [name, crypted = "", conn = ""] = line.trim().split(":");
    if (name === user && (conn === "" || conn === connection)) candidates.push(crypted);
  }
  // a quicker answer would tell who is unknown
  if (candidates.length === 0) candidates.push(NOBODYS);
  return candidates.filter((crypted) => matchesCrypt(password.reveal(), crypted)).length > 0;
}
