import { deepEqual, equal, match } from "node:assert/strict";
import { attachedLines, dateText, devicesOf, eroutesWithChains, lookPage } from "../../commands/_look_page.ts";
import { parseIpv4Routes, parseIpv6Routes } from "../../commands/_routes.ts";

const EROUTES = `8          192.0.2.0/24       -> 192.0.1.0/24       => tun0x12345678@192.1.2.45
7          192.0.2.1/32       -> 192.0.1.1/32       => %hold
3          9.0.0.0/8          -> 192.0.1.0/24       => esp0x130@192.1.2.45:6
2          2001:db8::/64      -> 2001:db8:1::/64    => tun0x200@2001:db8:1::1
1          0.0.0.0/0          -> 10.0.0.0/8         => %reject
`;
const GROUPS = `tun0x12345678@192.1.2.45 esp0x12345678@192.1.2.45 
tun0x200@2001:db8:1::1 esp0x200@2001:db8:1::1 
esp0x130@192.1.2.45 
`;
const ATTACHMENTS = `ipsec0 -> eth1 mtu=16260(1500) -> 1500
ipsec1 -> NULL mtu=16260(0) -> 0
ipsec2 -> NULL mtu=0(0) -> 0
`;
const ROUTE = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth1	00000000	0102000A	0003	0	0	0	00000000	0	0	0
ipsec0	000100C0	2D0201C0	0003	0	0	0	00FFFFFF	40	0	0
lo	0000007F	00000000	0001	0	0	0	000000FF	0	0	0
garbage
`;
const ROUTE6 =
  "20010db8000100000000000000000000 40 00000000000000000000000000000000 00 20010db8000000000000000000000001 " +
  "00000400 00000001 00000000 00000003   ipsec0\n" +
  "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 " +
  "00000100 00000002 00000000 00000001     wlan0\n";

Deno.test("lookPage() shows eroutes with chains, attachments, SAs and the routes over them", () => {
  const page = lookPage({
    hostname: "west",
    now: new Date(2002, 10, 9, 10, 12, 4),
    eroutes: EROUTES,
    groups: GROUPS,
    attachments: ATTACHMENTS,
    sas: "tun0x1@1.2.3.4 IPIP: dir=out\nah0x2@1.2.3.4 AH_HMAC_MD5: dir=out\n",
    ipv4Routes: parseIpv4Routes(ROUTE),
    ipv6Routes: parseIpv6Routes(ROUTE6),
  });
  const [head, ...rest] = page.split("\n");
  match(head, /^west Sat Nov {2}9 10:12:04 \S+ 2002$/);
  deepEqual(rest, [
    "0.0.0.0/0          -> 10.0.0.0/8         => %reject (1)",
    "9.0.0.0/8          -> 192.0.1.0/24       => esp0x130@192.1.2.45:6 (3)",
    "192.0.2.0/24       -> 192.0.1.0/24       => tun0x12345678@192.1.2.45 esp0x12345678@192.1.2.45  (8)",
    "192.0.2.1/32       -> 192.0.1.1/32       => %hold (7)",
    "2001:db8::/64      -> 2001:db8:1::/64    => tun0x200@2001:db8:1::1 esp0x200@2001:db8:1::1  (2)",
    "ipsec0->eth1 mtu=16260(1500)->1500",
    "ipsec1->NULL mtu=16260(0)->0",
    "ah0x2@1.2.3.4 AH_HMAC_MD5: dir=out",
    "tun0x1@1.2.3.4 IPIP: dir=out",
    "Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface",
    "0.0.0.0         10.0.2.1        0.0.0.0         UG        0 0          0 eth1",
    "192.0.1.0       192.1.2.45      255.255.255.0   UG       40 0          0 ipsec0",
    "Destination                    Next Hop                   Flag Met Ref  Use If",
    "2001:db8:1::/64                2001:db8::1                UG   1024 1      0 ipsec0",
    "",
  ]);
});

Deno.test("eroutesWithChains() passes over lines that are no eroutes", () => {
  deepEqual(eroutesWithChains("nonsense\n", GROUPS), []);
});

Deno.test("devicesOf() names both ends of each attachment", () => {
  deepEqual([...devicesOf(attachedLines(ATTACHMENTS))], ["ipsec0", "eth1", "ipsec1"]);
});

Deno.test("dateText() pads the day with a blank", () => {
  equal(dateText(new Date(2026, 0, 2, 3, 4, 5)).slice(0, 19), "Fri Jan  2 03:04:05");
});
