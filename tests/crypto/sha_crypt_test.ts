/** Passwords of crypt(3): what openssl makes of them is matched, anything else is not. */
import { strictEqual as equal } from "node:assert/strict";
import { matchesCrypt } from "../../lib/crypto/sha_crypt.ts";
import { testWith } from "../interop/_needs.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
/** By openssl passwd. */
const KNOWN: [password: string, crypted: string][] = [
  ["Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"],
  [
    "Hello world!",
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
  ],
];
for (const [password, crypted] of KNOWN) {
  Deno.test(`matchesCrypt() knows ${crypted.slice(0, 20)}...`, () => {
    equal(matchesCrypt(bytes(password), crypted), true);
    equal(matchesCrypt(bytes(`${password} `), crypted), false);
    equal(matchesCrypt(bytes(password), crypted.replace("saltstring", "otherstring")), false);
    equal(matchesCrypt(bytes(password), crypted.slice(0, -1)), false);
  });
}

testWith(["openssl"], "matchesCrypt() knows what openssl makes, whatever the length", async () => {
  for (const kind of ["-5", "-6"]) {
    for (const length of [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100]) {
      const password = "pässword and more of it ".repeat(5).slice(0, length);
      const { stdout } = await new Deno.Command("openssl", {
        args: ["passwd", kind, "-salt", "a.longer/salt16x", password],
        stdin: "null",
      }).output();
      equal(matchesCrypt(bytes(password), new TextDecoder().decode(stdout).trim()), true, `${kind} ${length}`);
    }
  }
});

const HASH = KNOWN[0][1].split("$")[3];
const REFUSED: [what: string, crypted: string][] = [
  ["nothing", ""],
  ["the password itself", "Hello world!"],
  ["an old form", "$1$salt$qJH7.N4xYta3aEG/dfqo/0"],
  ["rounds without end", `$5$rounds=999999999$saltstring$${HASH}`],
  ["other rounds", `$5$rounds=6000$saltstring$${HASH}`],
];
for (const [what, crypted] of REFUSED) {
  Deno.test(`matchesCrypt() matches nothing with ${what}`, () =>
    equal(matchesCrypt(bytes("Hello world!"), crypted), false));
}
