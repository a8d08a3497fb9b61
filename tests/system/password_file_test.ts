/** Users of XAUTH and their passwords in ipsec.d/passwd. */
import { equal } from "node:assert/strict";
import { Secret } from "../../lib/crypto/secret.ts";
import { passwordIsRight } from "../../lib/system/password_file.ts";

/** Of "Hello world!" (Drepper's test vector). */
const CRYPTED = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
const FILE = `# users
alice:${CRYPTED}
bob:${CRYPTED}:office
carol:
:${CRYPTED}x
`;

const CASES: [what: string, user: string, password: string, connection: string, isRight: boolean][] = [
  ["a right password", "alice", "Hello world!", "road", true],
  ["a wrong password", "alice", "Hello world", "road", false],
  ["a user of this connection", "bob", "Hello world!", "office", true],
  ["a user of another connection", "bob", "Hello world!", "road", false],
  ["a user without a password", "carol", "", "road", false],
  ["nobody", "", "", "road", false],
  ["an unknown user", "eve", "Hello world!", "road", false],
  ["a comment", "# users", "", "road", false],
];
for (const [what, user, password, connection, isRight] of CASES) {
  Deno.test(`passwordIsRight() and ${what}`, () => {
    const path = Deno.makeTempFileSync({ prefix: "oneswan-passwd-" });
    try {
      Deno.writeTextFileSync(path, FILE);
      const secret = new Secret(new TextEncoder().encode(password));
      equal(passwordIsRight(path, { user, password: secret, connection }, () => {}), isRight);
    } finally {
      Deno.removeSync(path);
    }
  });
}
