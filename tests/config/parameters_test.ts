/** Every parameter: values of its form pass, others are refused with a position; its built-in value has its form. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert/strict";
import { ALIASES, canonicalName, flipName, FOREIGN, OBSOLETE, PARAMETERS } from "../../lib/config/parameters.ts";
import { DEBUG_FLAGS } from "../../commands/klipsdebug.ts";
import { KLIPS_AREAS } from "../../lib/config/debug_areas.ts";
import { complaintsOf, load, said } from "./_fake_files.ts";

const KEY = "0sAQNzGEFs1w==";
const HEX = "0x0123456789abcdef";

/** `x|y` would be one value with a bar in it: values are lists. */
type Row = [name: string, good: string[], bad: string[]];

const yesNo = (name: string): Row => [name, ["yes", "no"], ["1", "Yes", "true"]];
const hosts = ["192.0.2.1", "2001:db8::1", "gw.example.com", "%defaultroute", "%any", "%group", "%opportunisticgroup"];
const times = ["0", "30", "30s", "2.5m", "8h", "1d"];
const notTimes = ["8H", "h", "1.5", "-1", "1w", "8 h"];
const rsa = [KEY, "%dnsondemand", "%dnsonload", "%dns", "%none", "%cert", "0x00"];
const notRsa = ["AQNz", "0sAQ", "0s!", "%dnsondemnad", "0x030102"];

const SETUP: Row[] = [
  ["myid", ["@gw.example.com", "192.0.2.1", "user@example.com"], ["@", "192.0.2.300"]],
  ["interfaces", ["%defaultroute", "%none", "ipsec0=eth0", "ipsec0=eth0 ipsec1=ppp0", "%defaultroute ipsec1=eth1"], [
    "eth0",
    "ipsec10=eth0",
    "ipsec0=",
    "ipsec0=eth0 eth1",
  ]],
  yesNo("forwardcontrol"),
  ["rp_filter", ["%unchanged", "0", "1", "2"], ["3", "yes", "unchanged"]],
  ["syslog", ["daemon.error", "local0.info"], ["daemon", "daemon.", ".error", "demon.error", "daemon.eror"]],
  ["klipsdebug", ["none", "all", "tunnel tunnel-xmit", "verbose"], ["tunel", "tunnel,xmit"]],
  ["plutodebug", ["none", "all", "control parsing", "natt dpd"], ["controll", "debug-all"]],
  ["plutoopts", ["--perpeerlog"], []],
  ["plutostderrlog", ["/var/log/pluto"], []],
  ["plutorestartoncrash", ["true", "y", "Y", "yes", "restart", "false", "n", "N", "no", "die"], ["maybe"]],
  ["dumpdir", ["/var/tmp"], []],
  ["manualstart", ["a", "a b"], ["1a", "a %b"]],
  yesNo("pluto"),
  yesNo("plutowait"),
  ["prepluto", ["/bin/true $x"], []],
  ["postpluto", ["/bin/true `x`"], []],
  yesNo("fragicmp"),
  yesNo("hidetos"),
  yesNo("uniqueids"),
  ["overridemtu", ["68", "16260", "65535"], ["67", "65536", "x", "1.5"]],
  yesNo("nocrsend"),
  yesNo("strictcrlpolicy"),
  ["crlcheckinterval", times, notTimes],
  yesNo("nat_traversal"),
  ["virtual_private", ["%v4:10.0.0.0/8", "%v4:10.0.0.0/8,%v4:!10.1.0.0/16,%v6:fd00::/8"], [
    "10.0.0.0/8",
    "%v4:10.0.0.0/33",
    "%v5:10.0.0.0/8",
  ]],
  ["keep_alive", ["0", "20", "86400"], ["86401", "x"]],
  yesNo("force_keepalive"),
  yesNo("disable_port_floating"),
  yesNo("legacy"),
  ["dnssec", ["require", "prefer", "ignore"], ["yes", "no", "requires"]],
  ["oewait", ["0", "8", "86400"], ["-1", "8s", "86401"]],
  ["resolvers", ["127.0.0.1", "192.0.2.53, udp://[2001:db8::53]:5353 https://dns.example/q"], [
    "dns.example",
    "http://x/",
  ]],
  ["listen", ["192.0.2.1"], ["192.0.2.256"]],
  ["plutoload", ["%search"], ["office branch"]],
  ["plutostart", ["%search"], ["office branch"]],
  ["protostack", ["klips", "auto", "netkey", "xfrm", "mast", "none"], ["bsd"]],
  ["nhelpers", ["0", "4"], []],
  ["oe", ["yes", "no", "on", "off"], ["maybe"]],
];

const CONN: Row[] = [
  ["type", ["tunnel", "transport", "passthrough", "drop", "reject"], ["tunel", "pass"]],
  ["left", [...hosts, "%opportunistic"], ["192.0.2.256", "a b", "%anny", "host!"]],
  ["leftsubnet", [
    "10.0.0.0/8",
    "10.0.0.0/255.0.0.0",
    "2001:db8::/32",
    "%default",
    "10.1.0.0/16:80",
    "vhost:%no,%priv",
    "vnet:%v4:10.0.0.0/8,%priv",
  ], [
    "vhost:",
    "vhost:%prv",
    "vhost:10.0.0.0/8",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/255.0.255.0",
    "2001:db8::/129",
  ]],
  ["leftnexthop", ["192.0.2.254", "%direct", "%defaultroute", "0.0.0.0"], ["%any", "192.0.2.256"]],
  ["leftupdown", ["/usr/local/lib/updown x $y"], []],
  yesNo("leftfirewall"),
  ["auto", ["ignore"], ["ad", "up", "%none"]],
  ["keyexchange", ["ike", "ikev1"], ["isakmp", "ikev2"]],
  ["auth", ["esp", "ah"], ["none"]],
  ["authby", ["rsasig", "secret", "secret|rsasig", "rsasig|secret", "never"], ["psk", "rsa"]],
  ["leftid", [
    "@a.example.com",
    "u@example.com",
    "192.0.2.1",
    "%myid",
    "%any",
    "%fromcert",
    "C=CA, O=Example",
    "@#0a1b",
  ], [
    "@",
    "@#0a1",
    "@~xy",
    "192.0.2.999",
  ]],
  ["leftrsasigkey", rsa, notRsa],
  ["leftrsasigkey2", rsa, notRsa],
  yesNo("uniqueids"),
  yesNo("pfs"),
  yesNo("compress"),
  ["keylife", ["30m", "8h", "1d", "86400"], [...notTimes, "86401", "25h"]],
  ["ikelifetime", ["30m", "8h"], [...notTimes, "2d"]],
  yesNo("rekey"),
  ["rekeymargin", ["0", "30s", "5m"], notTimes],
  ["rekeyfuzz", ["0%", "100%", "150%"], ["100", "%", "x%"]],
  ["keyingtries", ["0", "3", "%forever"], ["-1", "forever", "%forver"]],
  yesNo("disablearrivalcheck"),
  ["failureshunt", ["none", "passthrough", "drop", "reject"], ["pass"]],
  ["leftcert", ["east.pem", "/etc/x.pem", "%smartcard0:1"], []],
  ["leftca", ["%any", "%same", "C=CA, O=Example"], []],
  ["leftsubnetwithin", ["10.0.0.0/8"], ["10.0.0.0/40"]],
  ["leftprotoport", ["17", "17/1701", "udp/1701", "tcp/http", "6/%any"], ["256", "17/65536", "!/1"]],
  ["spi", ["0x200", "0xffffffff"], ["0xff", "200", "0x100000000"]],
  ["spibase", ["0x200"], ["0x201", "0x10", "200"]],
  ["esp", ["3des-md5-96", "aes128-sha1,3des-md5", "aes256-sha2_256;modp2048!"], ["3des md5", "-sha1", "3des--md5"]],
  ["ah", ["hmac-md5-96", "sha2_256"], ["md5,,sha"]],
  ["espenckey", [HEX], ["0123", "0x123", "0xzz"]],
  ["espauthkey", [HEX], ["0123"]],
  ["ahkey", [HEX], ["0123"]],
  ["leftespenckey", [HEX], ["0123"]],
  ["leftespauthkey", [HEX], ["0123"]],
  ["leftahkey", [HEX], ["0123"]],
  ["espreplay_window", ["0", "64"], ["65", "x"]],
  ["ahreplay_window", ["0", "64"], ["65"]],
  ["leftespspi", ["0x300"], ["0x1"]],
  ["leftahspi", ["0x300"], ["0x1"]],
  ["phase2", ["esp", "ah"], ["ipcomp"]],
  ["ike", ["3des-md5-modp1024", "aes256-sha2_256;modp2048,3des-sha1-modp1536!"], [
    "aes modp",
    "aes129-sha1",
    "des-md5",
    "aes-modp768",
    "aes,",
  ]],
  ["pfsgroup", ["modp1536", "dh14", "ecp256"], ["modp 1536", "dh1", "aes"]],
  yesNo("aggrmode"),
  ["dpddelay", ["30", "30s"], ["x"]],
  ["dpdtimeout", ["120", "2m"], ["x"]],
  ["dpdaction", ["none", "hold", "clear", "restart", "restart_by_peer"], ["retry"]],
  yesNo("forceencaps"),
  ["leftsourceip", ["10.1.0.1", "%config", "my-host", "10.3.0.0/24", "10.3.0.10-10.3.0.99"], [
    "%any",
    "10.1.0.256",
    "10.3.0.0/33",
    "10.3.0.99-10.3.0.10",
  ]],
  [
    "leftaddresspool",
    ["10.3.0.10-10.3.0.99", "10.3.0.7 - 10.3.0.7", "10.3.0.0/24", "fd00:3::/64", "0.0.0.1-255.0.0.0"],
    [
      "10.3.0.99-10.3.0.10",
      "10.3.0.7",
      "10.3.0.0/33",
      "10.3.0.1-fd00::1",
      "%any",
    ],
  ],
  ["leftsendcert", ["always", "yes", "ifasked", "sendifasked", "never", "no", "forced"], ["maybe"]],
  yesNo("leftxauthserver"),
  yesNo("leftxauthclient"),
  ["leftxauthusername", ["ann"], []],
  ["xauthby", ["file", "alwaysok"], ["pam"]],
  yesNo("leftmodecfgserver"),
  yesNo("leftmodecfgclient"),
  yesNo("modecfgpull"),
  ["modecfgdns", ["192.0.2.53", "192.0.2.53, 192.0.2.54", "192.0.2.53 192.0.2.54"], ["192.0.2.256", "192.0.2.53,::/"]],
  ["modecfgdns1", ["192.0.2.53"], ["192.0.2.256"]],
  ["modecfgdns2", ["192.0.2.53"], ["192.0.2.256"]],
  ["modecfgwins1", ["192.0.2.53"], ["192.0.2.256"]],
  ["modecfgwins2", ["192.0.2.53"], ["192.0.2.256"]],
  ["modecfgdomains", ["example.com", "example.com, lab.example.org"], ["example..com", "-x", "a b!", "x".repeat(255)]],
  ["modecfgbanner", ["Mind the gap"], []],
  ["_plutodevel", ["x"], []],
  yesNo("fragmentation"),
  ["sareftrack", ["yes", "no", "conntrack"], ["maybe"]],
  ["overlapip", ["no"], ["yes"]],
  ["sha2-truncbug", ["no"], ["yes"]],
  ["connaddrfamily", ["ipv4", "ipv6"], ["ipv5"]],
  ["ikev2", ["no", "never", "permit"], ["insist"]],
];

const HEADERS = { setup: "config setup", conn: "conn c" };
const errors = (texts: string[]) => texts.filter((text) => !/: warning: /.test(text));

for (const [section, rows] of [["setup", SETUP], ["conn", CONN]] as const) {
  const header = `version 2\n${HEADERS[section]}\n`;
  for (const [name, good, bad] of rows) {
    for (const value of good) {
      Deno.test(`${name} in ${HEADERS[section]} may be ${value}`, () => {
        // margin 0: any lifetime exceeds it
        const rest = section === "conn" && name !== "rekeymargin" ? "\trekeymargin=0\n" : "";
        deepEqual(errors(complaintsOf(`${header}\t${name}="${value}"\n${rest}`)), []);
      });
    }
    for (const value of bad) {
      Deno.test(`${name} in ${HEADERS[section]} may not be ${value}`, () => {
        const [complaint, ...more] = errors(complaintsOf(`${header}\t${name}="${value}"\n`));
        ok(complaint.startsWith(`f:3: ${HEADERS[section]}: ${name}=`), complaint);
        deepEqual(more, []);
      });
    }
  }
  Deno.test(`the tests know every parameter of ${HEADERS[section]}`, () => {
    const tested = rows.flatMap(([name]) => [name, flipName(name)]);
    const others = [...PARAMETERS[section]].filter(([name, row]) => !row.repeatable && !tested.includes(name));
    deepEqual(others, []);
  });
  for (const [name, { builtIn, form }] of PARAMETERS[section]) {
    if (builtIn === undefined) continue;
    Deno.test(`what is built in for ${name} has its form`, () => equal(form.check(builtIn), undefined));
  }
}

for (const name of ["leftid", "leftsubnet", "leftespspi"]) {
  Deno.test(`${name} and its twin are one row`, () => {
    equal(PARAMETERS.conn.get(name), PARAMETERS.conn.get(flipName(name)));
  });
}

for (const name of ["espenckey", "espauthkey", "ahkey", "leftespenckey", "rightespauthkey", "rightahkey"]) {
  Deno.test(`a complaint about ${name} does not show the key`, () => {
    const [complaint] = complaintsOf(`version 2\nconn c\n\t${name}=0xdeadbeefx\n`);
    ok(complaint.includes("(not shown)") && !complaint.includes("dead"), complaint);
  });
}

for (const [alias, name] of Object.entries(ALIASES)) {
  Deno.test(`${alias} is another name of ${name}`, () => {
    const value = { "sha2-truncbug": "no", keyingtries: "3", aggrmode: "no", keylife: "2h", esp: "aes" }[name] ?? "x";
    const configuration = load(`version 2\nconn c\n\t${alias}=${value}\n`);
    deepEqual(said(configuration, "c"), { [name]: value });
    deepEqual(configuration.complaints.filter(({ severity }) => severity === "error"), []);
  });
}

Deno.test("canonicalName() knows the other side of another name", () => {
  equal(canonicalName("rightusername", "conn"), "rightxauthusername");
});

for (const [name, { section, instead }] of Object.entries(OBSOLETE)) {
  Deno.test(`${name} is refused with what to do in its place`, () => {
    deepEqual(complaintsOf(`version 2\n${HEADERS[section]}\n\t${name}=x\n`), [
      `f:3: ${HEADERS[section]}: ${name} is no longer a parameter: ${instead}`,
    ]);
  });
}

for (const [name, { section, instead }] of Object.entries(FOREIGN)) {
  Deno.test(`${name} is refused as a parameter of other programs, with what to do in its place`, () => {
    deepEqual(complaintsOf(`version 2\n${HEADERS[section]}\n\t${name}=x\n`), [
      `f:3: ${HEADERS[section]}: ${name} is a parameter of other programs: ${instead}`,
    ]);
  });
}

for (const name of [...Object.keys(FOREIGN), ...Object.keys(OBSOLETE)]) {
  Deno.test(`${name} is in one table only`, () => {
    const tables = [PARAMETERS.conn.has(name), PARAMETERS.setup.has(name), Object.hasOwn(ALIASES, name)];
    deepEqual(tables, [false, false, false]);
  });
}

for (const { instead, section } of [...Object.values(FOREIGN), ...Object.values(OBSOLETE)]) {
  const named = /^(?:use|say) (\w+)/.exec(instead)?.[1];
  if (named === undefined || /^use the connection/.test(instead)) continue;
  Deno.test(`what stands for another in ${HEADERS[section]}, ${named}, is a parameter`, () => {
    ok(PARAMETERS.conn.has(named) || PARAMETERS.setup.has(named));
  });
}

Deno.test("klipsdebug takes what ipsec klipsdebug takes", () => deepEqual(KLIPS_AREAS, DEBUG_FLAGS));

const UNKNOWN: [why: string, text: string, complaint: string][] = [
  [
    "a misspelt name",
    "conn c\n\trigthsubnet=x\n",
    'f:3: conn c: unknown parameter "rigthsubnet"; did you mean rightsubnet?',
  ],
  [
    "a misspelt name of the left",
    "conn c\n\tlfetid=x\n",
    'f:3: conn c: unknown parameter "lfetid"; did you mean leftid?',
  ],
  ["a name unlike any", "conn c\n\tzzzzzz=x\n", 'f:3: conn c: unknown parameter "zzzzzz"'],
  [
    "a parameter of a connection in setup",
    "config setup\n\tauto=add\n",
    "f:3: config setup: auto belongs in a conn section",
  ],
  [
    "a parameter of setup in a connection",
    "conn c\n\tinterfaces=x\n",
    "f:3: conn c: interfaces belongs in config setup",
  ],
  [
    "a parameter of other programs, of the right",
    "conn c\n\trightdns=x\n",
    "f:3: conn c: rightdns is a parameter of other programs: use modecfgdns",
  ],
  ["a name of Object.prototype", "conn c\n\ttoString=x\n", 'f:3: conn c: unknown parameter "toString"'],
];
for (const [why, text, complaint] of UNKNOWN) {
  Deno.test(`loadConfig() complains about ${why}`, () => deepEqual(complaintsOf(`version 2\n${text}`), [complaint]));
}

for (const name of ["protostack", "nhelpers"]) {
  Deno.test(`${name} is accepted with a warning that it has no effect`, () => {
    const [complaint] = complaintsOf(`version 2\nconfig setup\n\t${name}=${name === "protostack" ? "auto" : "no"}\n`);
    ok(complaint.startsWith(`f:3: warning: config setup: ${name} has no effect: `), complaint);
  });
}
