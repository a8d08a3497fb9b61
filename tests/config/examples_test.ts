/** Examples that administrators copied from the FreeS/WAN documentation read without complaint, and mean what it says. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { IMPLICIT_CONNS } from "../../lib/config/implicit_conns.ts";
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
