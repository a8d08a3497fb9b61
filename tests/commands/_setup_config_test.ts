import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { readSetup } from "../../commands/_setup_config.ts";
import { fakeFiles } from "../config/_fake_files.ts";

const CONN = "conn road\n\tleft=192.0.2.1\n\tright=%any\n\tauto=add\n";

const WORDS: [setup: string, conn: string, words: string[]][] = [
  ["", "", ["--uniqueids"]],
  ["", "\tuniqueids=no\n", []],
  ["\tuniqueids=yes\n", "\tuniqueids=no\n", []],
  ["\tuniqueids=no\n", "\tuniqueids=yes\n", []],
  ["", "\tuniqueids=yes\n", ["--uniqueids"]],
];
for (const [setup, conn, words] of WORDS) {
  Deno.test(`readSetup() of${setup || " nothing"} in config setup and${conn || " nothing"} in a conn`, () => {
    const files = fakeFiles({ "/f": `version 2\nconfig setup\n${setup}${CONN}${conn}` });
    deepEqual(readSetup("/f", () => undefined, files).configuration.settings.plutoWords, words);
  });
}

Deno.test("readSetup() without ipsec.conf says that it is not there, and goes by what is built in", () => {
  const { remarks, errors } = readSetup(
    undefined,
    (name) => name === "IPSEC_CONFS" ? "/no/such" : undefined,
    fakeFiles({}),
  );
  deepEqual([remarks, errors], [["there is no /no/such/ipsec.conf: built-in settings alone count"], []]);
});
