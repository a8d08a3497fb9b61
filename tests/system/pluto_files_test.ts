/** What pluto reads when it is told to. */
import { deepStrictEqual as equal } from "node:assert/strict";
import { PlutoFiles } from "../../lib/system/pluto_files.ts";
import { formatSubnet } from "../../lib/text/subnet.ts";

function groupsIn(contents: Readonly<Record<string, string>>) {
  return new PlutoFiles({
    secretsFile: "/etc/ipsec.secrets",
    keyFolder: "/etc/ipsec.d/private",
    policyGroupsDirectory: "/etc/ipsec.d/policies",
    files: {
      read: (path) => path in contents ? { text: contents[path], identity: path } : "no such file",
      list: () => [],
    },
  });
}

Deno.test("PlutoFiles.group() reads a file of the directory of policies, and no other", async () => {
  const files = groupsIn({
    "/etc/ipsec.d/policies/private": "192.0.2.0/24\n",
    "/etc/ipsec.d/policies/../../shadow": "root:x\n",
  });
  const group = await files.group("private");
  equal(group?.subnets.map(({ subnet }) => formatSubnet(subnet)), ["192.0.2.0/24"]);
  equal(await files.group("../../shadow"), undefined);
  equal(await files.group("clear"), undefined);
});

Deno.test("PlutoFiles.group() says what is doubtful, and takes it, as well as what is wrong", async () => {
  const path = "/etc/ipsec.d/policies/clear";
  const group = await groupsIn({ [path]: "203.0.113.\n203.0.113.0/\n" }).group("clear");
  equal(group?.subnets.map(({ subnet }) => formatSubnet(subnet)), ["203.0.113.0/32"]);
  equal(group?.complaints, [
    `"${path}" line 1: "203.0.113." is the host 203.0.113.0 alone; the network is 203.0.113.0/24`,
    `"${path}" line 2: empty string "203.0.113.0/"`,
  ]);
});
