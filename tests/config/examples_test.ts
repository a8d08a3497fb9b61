/** Examples that administrators copied from the FreeS/WAN documentation read without complaint, and mean what it says. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { IMPLICIT_CONNS } from "../../lib/config/implicit_conns.ts";
import { settingOf } from "../../lib/config/settings.ts";
import { complaintsOf, load, said } from "./_fake_files.ts";

const KEY = "0sAQNzGEFs1w==";

const POLICY_GROUPS = ["private", "private-or-clear", "clear-or-private", "clear", "block"];
const SUBNET_GROUPS = `version 2

conn private-net
    also=private  # inherits settings (eg. auto=start) from built in conn
    leftsubnet=192.0.2.128/29  # your subnet's IPs here

conn private-or-clear-net
    also=private-or-clear
    leftsubnet=192.0.2.128/29

conn clear-or-private-net
    also=clear-or-private
    leftsubnet=192.0.2.128/29

conn clear-net
    also=clear
    leftsubnet=192.0.2.128/29

conn block-net
    also=block
    leftsubnet=192.0.2.128/29
`;
const DISABLED = `version 2

conn block
    auto=ignore

conn private
    auto=ignore

conn private-or-clear
    auto=ignore

conn clear-or-private
    auto=ignore

conn clear
    auto=ignore

conn packetdefault
    auto=ignore
`;
const OWN_ID = `version 2

config setup
    myid=@myname.freedns.example.com
`;
const NETWORKS = `version 2
conn net-to-net
    left=192.0.2.2           # you are here
    right=192.0.2.8
    rightsubnet=192.0.2.96/27
`;
const CLEANING = `version 2
conn default
        keyingtries=3
        keylife=30m
`;
const PLACEHOLDERS = `version 2
conn abc-xyz
     left=192.0.2.8
     leftsubnet=a.b.c.0/24
     right=192.0.2.11
     rightsubnet=x.y.z.0/24
`;
const DOUBLE_NAT = `version 2
conn %default
conn netone-nettwo
        left=f.g.h.i
        leftsubnet=10.0.1.0/24
        leftnexthop=f.g.h.j
        leftfirewall=yes
        leftid=@firewall.netone.nl
        leftrsasigkey=${KEY}
        right=a.b.c.d
        rightsubnet=10.0.0.0/24
        rightnexthop=a.b.c.e
        rightfirewall=yes
        rightid=@firewall.nettwo.nl
        rightrsasigkey=${KEY}
        # To authorize this connection, but not actually start it, at startup,
        # uncomment this.
        auto=add
`;
const EXTRUDED = `version 2
conn road-warrior
\tleftsubnet=a.b.c.0/25
\trightsubnet=a.b.c.129/32
conn offices
\tleftsubnet=192.168.101.128/25
\trightsubnet=192.168.102.240/28
`;
const SETTINGS = `version 2
config setup
\tinterfaces="ipsec0=eth0.2"
\tuniqueids=no
\thidetos=no
\tklipsdebug=all
\tplutodebug=all
\tprepluto=/etc/ipsec.d/firewall-up
\tpostpluto="/etc/ipsec.d/firewall-down now"
`;
const WHOLE = `version 2

config setup
\tinterfaces="ipsec0=eth1 ipsec1=ppp0"
\tklipsdebug=none
\tplutodebug="control parsing"
\tmyid=@gw.example.com

conn %default
\tkeyingtries=0

# network to network; left is local by convention only
conn net-to-net
\tleft=192.0.2.2
\tleftsubnet=192.0.2.128/29
\tleftid=@xy.example.com
\tleftrsasigkey=${KEY}
\tleftnexthop=%defaultroute
\tright=192.0.2.9
\trightsubnet=10.0.0.0/24
\trightid=@ab.example.com
\trightrsasigkey=${KEY}
\trightnexthop=%defaultroute
\tauto=add

# road warrior, gateway side
conn road
\tleft=192.0.2.2
\tleftid=@xy.example.com
\tleftsubnet=192.0.2.128/29
\tleftrsasigkey=${KEY}
\trightnexthop=%defaultroute
\tright=%any
\trightid=@road.example.com
\trightrsasigkey=${KEY}
\tauto=add

# manual keying, keys in another file
conn samplesep
\tleft=10.0.0.1
\tleftnexthop=10.44.55.66
\tleftsubnet=172.16.0.0/24
\tright=10.12.12.1
\trightnexthop=10.88.77.66
\trightsubnet=192.168.0.0/24
\tspi=0x700
\tesp=3des-md5-96
\talso=samplesep-keys

include ipsec.*.keys
`;
const OTHERS = { "ipsec.a.keys": "conn samplesep-keys\n\tespenckey=0x0123_4567\n\tespauthkey=0x89ab_cdef\n" };

const EXAMPLES: [name: string, text: string][] = [
  ["policy groups for a subnet", SUBNET_GROUPS],
  ["opportunism disabled", DISABLED],
  ["an identity of one's own", OWN_ID],
  ["a tunnel beside policy groups", NETWORKS],
  ["lives that clean up old connections", CLEANING],
  ["letters in place of addresses", PLACEHOLDERS],
  ["two networks behind NAT", DOUBLE_NAT],
  ["a network extruded to a road warrior", EXTRUDED],
  ["settings that the answers to questions name", SETTINGS],
  ["a whole file", WHOLE],
];
for (const [name, text] of EXAMPLES) {
  Deno.test(`the example of ${name} reads without complaint`, () => deepEqual(complaintsOf(text, OTHERS), []));
  Deno.test(`the example of ${name} reads the same with the line ends of other systems`, () => {
    const other = load(text.replaceAll("\n", "\r\n"), OTHERS);
    deepEqual([...other.conns], [...load(text, OTHERS).conns]);
  });
}

for (const group of POLICY_GROUPS) {
  Deno.test(`the example ${group}-net is ${group} for a subnet`, () => {
    deepEqual(said(load(SUBNET_GROUPS), `${group}-net`), { ...IMPLICIT_CONNS[group], leftsubnet: "192.0.2.128/29" });
  });
}

Deno.test("the example of opportunism disabled leaves nothing to start", () => {
  const { conns } = load(DISABLED);
  deepEqual([...conns.values()].filter(({ settings }) => settings.get("auto")?.value !== "ignore"), []);
});

Deno.test("the example of a whole file takes keys from another file, and defaults", () => {
  deepEqual(said(load(WHOLE, OTHERS), "samplesep"), {
    left: "10.0.0.1",
    leftnexthop: "10.44.55.66",
    leftsubnet: "172.16.0.0/24",
    right: "10.12.12.1",
    rightnexthop: "10.88.77.66",
    rightsubnet: "192.168.0.0/24",
    spi: "0x700",
    esp: "3des-md5-96",
    espenckey: "0x0123_4567",
    espauthkey: "0x89ab_cdef",
    keyingtries: "0",
  });
});

Deno.test("the example of two networks behind NAT is authorized, and not started", () => {
  deepEqual(said(load(DOUBLE_NAT), "netone-nettwo"), {
    left: "f.g.h.i",
    leftsubnet: "10.0.1.0/24",
    leftnexthop: "f.g.h.j",
    leftfirewall: "yes",
    leftid: "@firewall.netone.nl",
    leftrsasigkey: KEY,
    right: "a.b.c.d",
    rightsubnet: "10.0.0.0/24",
    rightnexthop: "a.b.c.e",
    rightfirewall: "yes",
    rightid: "@firewall.nettwo.nl",
    rightrsasigkey: KEY,
    auto: "add",
  });
});

/** What the chapter about upgrading says has become the default. */
const DEFAULTS: [section: "setup" | "conn", name: string, value: string][] = [
  ["setup", "interfaces", "%defaultroute"],
  ["setup", "uniqueids", "yes"],
  ["conn", "authby", "rsasig"],
  ["conn", "leftrsasigkey", "%dnsondemand"],
  ["conn", "rightrsasigkey", "%dnsondemand"],
];
for (const [section, name, value] of DEFAULTS) {
  Deno.test(`${name}=${value} holds without being said, as the chapter about upgrading says`, () => {
    deepEqual(settingOf(new Map(), section, name), { value, origin: { kind: "built in" } });
  });
}

const SEARCHED = "auto= of each connection says what start does with it, as with %search";
/** Directives that the chapter about upgrading calls obsolete or needless; those that still mean something are read. */
const UPGRADED: [section: string, line: string, complaints: string[]][] = [
  ["config setup", "dump=yes", ["dump is no longer a parameter: use dumpdir"]],
  ["config setup", "plutobackgroundload=yes", ["plutobackgroundload is no longer a parameter: leave it out"]],
  ["config setup", "no_eroute_pass=yes", [
    "no_eroute_pass is no longer a parameter: use the connection packetdefault",
  ]],
  ["config setup", "plutoload=%search", [`warning: plutoload has no effect: ${SEARCHED}`]],
  ["config setup", "plutostart=%search", [`warning: plutostart has no effect: ${SEARCHED}`]],
  ["config setup", "plutostart=c", [
    "plutostart=c: is no longer possible: say auto=start in each connection",
  ]],
  ["conn c", "lifetime=2h", []],
  ["conn c", "rekeystart=10m", ["rekeystart is no longer a parameter: use rekeymargin"]],
  ["conn c", "rekeytries=3", []],
  ["conn c", "uniqueids=no", [
    "warning: uniqueids=no is for all connections, from the next start on: it belongs in config setup",
  ]],
];
for (const [section, line, complaints] of UPGRADED) {
  Deno.test(`${line} in ${section} ${complaints.length ? "is answered with what to do" : "is read"}`, () => {
    const expected = complaints.map((text) =>
      text.startsWith("warning: ")
        ? `f:3: warning: ${section}: ${text.slice("warning: ".length)}`
        : `f:3: ${section}: ${text}`
    );
    deepEqual(complaintsOf(`version 2\n${section}\n\t${line}\n`), expected);
  });
}

Deno.test("a file of FreeS/WAN 1 lacks its version alone, as the chapter about upgrading says", () => {
  const version1 = NETWORKS.replace("version 2\n", "");
  deepEqual(complaintsOf(version1).length, 1);
  deepEqual(complaintsOf(`version 2\n${version1}`), []);
});
