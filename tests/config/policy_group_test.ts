import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { formatComplaint } from "../../lib/config/complaint.ts";
import type { FileSystem } from "../../lib/config/file_system.ts";
import { checkGroups, readPolicyGroup } from "../../lib/config/policy_group.ts";
import { formatSubnet } from "../../lib/text/subnet.ts";
import { fakeFiles, load } from "./_fake_files.ts";

const GROUPS: [why: string, text: string, entries: string[], complaints: string[]][] = [
  ["networks, hosts and names", "10.0.0.0/8\n192.0.2.3\n  gw.example.com\n", [
    "1 10.0.0.0/8",
    "2 192.0.2.3/32",
    "3 gw.example.com",
  ], []],
  ["comments and empty lines", "# all\n\n10.0.0.0/8 # ten\n\t# x\n", ["3 10.0.0.0/8"], []],
  ["several entries in a line", "10.0.0.0/8\t192.0.2.0/24", ["1 10.0.0.0/8", "1 192.0.2.0/24"], []],
  ["a last line without newline", "192.0.2.33", ["1 192.0.2.33/32"], []],
  ["lines that end in CR LF", "10.0.0.0/8\r\n192.0.2.3\r\n", ["1 10.0.0.0/8", "2 192.0.2.3/32"], []],
  ["masks, without host bits", "10.1.2.3/255.0.0.0\n", ["1 10.0.0.0/8"], []],
  ["all there is", "0.0.0.0/0\n", ["1 0.0.0.0/0"], []],
  ["IPv6", "2001:db8::/32\n2001:db8::1\n", ["1 2001:db8::/32", "2 2001:db8::1/128"], []],
  ["entries beside a wrong one", "10.0.0.0/33\n192.0.2.300\n192.0.2.3\n", ["3 192.0.2.3/32"], [
    'f:1: subnet mask bit count too large "10.0.0.0/33"',
    'f:2: byte overflow in dotted-decimal address "192.0.2.300"',
  ]],
  ["networks written short", "10/8\n172.16/12\n192.168.1/24\n0/0\n", [
    "1 10.0.0.0/8",
    "2 172.16.0.0/12",
    "3 192.168.1.0/24",
    "4 0.0.0.0/0",
  ], []],
  ["a host written short, with a doubt", "203.0.113.\n198.51.100\n10\n192.0.2.4/ 24\n", [
    "1 203.0.113.0/32",
    "2 198.51.100.0/32",
    "3 10.0.0.0/32",
    "4 24.0.0.0/32",
  ], [
    'f:1: warning: "203.0.113." is the host 203.0.113.0 alone; the network is 203.0.113.0/24',
    'f:2: warning: "198.51.100" is the host 198.51.100.0 alone; the network is 198.51.100.0/24',
    'f:3: warning: "10" is the host 10.0.0.0 alone; the network is 10.0.0.0/8',
    'f:4: empty string "192.0.2.4/"',
    'f:4: warning: "24" is the host 24.0.0.0 alone; the network is 24.0.0.0/8',
  ]],
  ["a port, with a doubt", "192.0.2.0/24:80\n", ["1 192.0.2.0/24"], [
    'f:1: warning: "192.0.2.0/24:80" has a port, which is ignored',
  ]],
  [
    "no address that goes on, or stops too early",
    "192.0.2.1.\n::1/129\n192.0.2.*\n192.0.2.0/24/8\n2001:db8:/32\n",
    [],
    [
      'f:1: extra garbage on end of dotted-decimal address "192.0.2.1."',
      'f:2: subnet mask bit count too large "::1/129"',
      'f:3: non-numeric component in dotted-decimal address "192.0.2.*"',
      'f:4: illegal (non-DNS-name) character in name "192.0.2.0/24/8"',
      'f:5: illegal trailing `:\' in IPv6 numeric address "2001:db8:/32"',
    ],
  ],
  ["an entry once", "10.0.0.0/8\n10.1.0.0/255.0.0.0\n", ["1 10.0.0.0/8"], [
    'f:2: warning: "10.1.0.0/255.0.0.0" is in this group already, in line 1',
  ]],
];
for (const [why, text, entries, complaints] of GROUPS) {
  Deno.test(`readPolicyGroup() reads ${why}`, () => {
    const group = readPolicyGroup("f", fakeFiles({ f: text }));
    const shown = group.entries.map((entry) =>
      `${entry.line} ${"subnet" in entry ? formatSubnet(entry.subnet) : entry.name}`
    );
    deepEqual([shown, group.complaints.map(formatComplaint)], [entries, complaints]);
  });
}

Deno.test("readPolicyGroup() of a file that is not there is empty", () => {
  deepEqual(readPolicyGroup("f", fakeFiles({})), { entries: [], complaints: [] });
});

Deno.test("readPolicyGroup() of what is no file says so", () => {
  const files: FileSystem = { read: () => "is a directory", list: () => [] };
  deepEqual(readPolicyGroup("f", files).complaints.map(formatComplaint), ["f: cannot be read: is a directory"]);
});

Deno.test("checkGroups() names files that no group reads, but for what editors leave", () => {
  const names = ["private", "privte", "private.bak", "clear~", ".clear.swp", "mine"];
  const files = fakeFiles(Object.fromEntries(names.map((name) => [`/etc/ipsec.d/policies/${name}`, ""])));
  deepEqual(checkGroups(load("version 2\n"), "/etc/ipsec.conf", files).map(formatComplaint), [
    "/etc/ipsec.d/policies/privte: warning: no policy group has this name: nothing reads the file; did you mean private?",
    "/etc/ipsec.d/policies/mine: warning: no policy group has this name: nothing reads the file",
  ]);
});

Deno.test("checkGroups() reads the groups of all connections that have one, beside the configuration", () => {
  const groups = Object.fromEntries(
    ["private", "clear", "branch", "office"].map((name) => [`/etc/ipsec.d/policies/${name}`, "10.0.0.0/33\n"]),
  );
  const conns = "conn branch\n\tleft=%group\nconn office\n\tleft=192.0.2.1\nconn clear\n\tauto=ignore\n";
  const complaints = checkGroups(load(`version 2\n${conns}`), "/etc/ipsec.conf", fakeFiles(groups));
  deepEqual(complaints.map(({ at, severity }) => `${severity} ${at.file}`), [
    "error /etc/ipsec.d/policies/branch",
    "error /etc/ipsec.d/policies/private",
    "warning /etc/ipsec.d/policies/office", // not a group's, and read by nothing
  ]);
});
