/** loadConfig(): lines, sections, includes, also, defaults, implicit connections, and rules among settings. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert/strict";
import { IMPLICIT_CONNS } from "../../lib/config/implicit_conns.ts";
import { formatComplaint } from "../../lib/config/complaint.ts";
import { readLines } from "../../lib/config/lines.ts";
import { complaintsAbout, loadConfig } from "../../lib/config/load.ts";
import { effectiveSettings, formatOrigin, settingOf } from "../../lib/config/settings.ts";
import { complaintsOf, load, said } from "./_fake_files.ts";

/** What reads without complaint, and what it gives for conn c. */
const READ: [why: string, text: string, c: Record<string, string>][] = [
  ["a plain section", "version 2\nconn c\n\tleft=1.2.3.4\n", { left: "1.2.3.4" }],
  ["a version 2.0 with a comment", "# first\nversion 2.0 # two\nconn c\n\tpfs=no\n", { pfs: "no" }],
  ["a file without its last newline", "version 2\nconn c\n\tpfs=no", { pfs: "no" }],
  ["an empty line in a section", "version 2\nconn c\n\tpfs=no\n\n\trekey=no\n", { pfs: "no", rekey: "no" }],
  ["a line of blanks in a section", "version 2\nconn c\n\tpfs=no\n \t \n\trekey=no\n", { pfs: "no", rekey: "no" }],
  ["a flush comment in a section", "version 2\nconn c\n\tpfs=no\n# x\n\trekey=no\n", { pfs: "no", rekey: "no" }],
  ["lines that end in CR LF", "version 2\r\nconn c\r\n\tpfs=no\r\n\r\n\tleftca=x\r\n", { pfs: "no", leftca: "x" }],
  ["a byte order mark", "\ufeffversion 2\nconn c\n\tpfs=no\n", { pfs: "no" }],
  ["blanks around the equals sign", "version 2\nconn c\n\tpfs \t= no  \n", { pfs: "no" }],
  ["a comment after a value", "version 2\nconn c\n\tpfs=no #x\n", { pfs: "no" }],
  ["a comment after a quoted value with blanks", 'version 2\nconn c\n\tleftca="C=CA, O=x" # it\n', {
    leftca: "C=CA, O=x",
  }],
  ["a number sign within a word", "version 2\nconn c\n\tleftid=@#0a\n", { leftid: "@#0a" }],
  ["a number sign within quotes", 'version 2\nconn c\n\tleftca="a #b"\n', { leftca: "a #b" }],
  ["equals signs in a value", "version 2\nconn c\n\tleftid=C=CA,O=x\n", { leftid: "C=CA,O=x" }],
  ["private parameters", "version 2\nconn c\n\tx-a=1\n\tX_b=1\n\tpfs=no\n", { pfs: "no" }],
  ["an empty value, which counts as not said", "version 2\nconn c\n\tpfs=\n", {}],
  ["conn %default", "version 2\nconn %default\n\tpfs=no\nconn c\n\trekey=no\n", { pfs: "no", rekey: "no" }],
  ["two conn %default", "version 2\nconn %default\n\tpfs=no\nconn %default\n\trekey=no\nconn c\n", {
    pfs: "no",
    rekey: "no",
  }],
  ["an own value before the default", "version 2\nconn %default\n\tpfs=no\nconn c\n\tpfs=yes\n", { pfs: "yes" }],
  ["an empty value, which blocks the default", "version 2\nconn %default\n\tpfs=no\nconn c\n\tpfs=\n", {}],
  ["also", "version 2\nconn c\n\tpfs=no\n\talso=d\nconn d\n\tleft=1.2.3.4\n", { pfs: "no", left: "1.2.3.4" }],
  ["also of what stands before", "version 2\nconn d\n\tleft=1.2.3.4\nconn c\n\talso=d\n", { left: "1.2.3.4" }],
  [
    "several also, nested",
    "version 2\nconn c\n\talso=d\n\talso=e\nconn d\n\talso=f\nconn e\n\tpfs=no\nconn f\n\trekey=no\n",
    { pfs: "no", rekey: "no" },
  ],
  [
    "alsoflip",
    "version 2\nconn c\n\talsoflip=d\nconn d\n\tleft=1.2.3.4\n\tleftid=@left\n\tpfs=no\n",
    { right: "1.2.3.4", rightid: "@left", pfs: "no" },
  ],
  [
    "alsoflip within alsoflip",
    "version 2\nconn c\n\talsoflip=d\nconn d\n\talsoflip=e\nconn e\n\tleft=1.2.3.4\n",
    { left: "1.2.3.4" },
  ],
  [
    "also of an implicit connection",
    "version 2\nconn c\n\talso=clear\n\tleftsubnet=10.0.0.0/8\n",
    { ...IMPLICIT_CONNS.clear, leftsubnet: "10.0.0.0/8" },
  ],
  [
    "also of an implicit connection and an own auto",
    "version 2\nconn c\n\talso=block\n\tauto=add\n",
    { ...IMPLICIT_CONNS.block, auto: "add" },
  ],
];
for (const [why, text, c] of READ) {
  Deno.test(`loadConfig() reads ${why}`, () => {
    const configuration = load(text);
    deepEqual(said(configuration, "c"), c);
    deepEqual(configuration.complaints, []);
  });
}

const C = "version 2\nconn c\n";
const NO_CERTIFICATES =
  "certificates are not supported yet; leftrsasigkey= takes what `ipsec showhostkey --left` prints";
const COMPLAINTS: [why: string, text: string, complaints: string[]][] = [
  ["nothing in an empty file", "\n# nothing\n", []],
  ["a file without version, once", "conn c\n\tpfs=no\nconn d\n\tpfs=no\n", [
    'f:1: the first line must be "version 2": without it this is a file of FreeS/WAN 1, whose defaults were others',
  ]],
  ["another version", "version 1\nconn c\n", ["f:1: version 1 is not supported: only version 2 is"]],
  ["a parameter before all sections", "version 2\n\tpfs=no\n", [
    'f:2: "pfs=..." belongs to no section: a "conn NAME" or "config setup" line must come before it',
  ]],
  ["an indented header", "version 2\nconn c\n\tconn d\n", ['f:3: conn c: "conn d" must begin in the first column']],
  ["a header of one word", "version 2\nconn\n\tpfs=no\n", [
    'f:2: "conn" is no section header: it needs two words, a type and a name',
  ]],
  ["a parameter at the margin", `${C}pfs=no\n`, [
    'f:3: "pfs=..." is no section header: it needs two words, a type and a name; a parameter must be indented',
  ]],
  ["an unknown section type", "version 2\ncon c\n", ['f:2: unknown section type "con"; did you mean "conn"?']],
  ["a section type of others", "version 2\nca c\n\tauto=add\n", [
    'f:2: unknown section type "ca": sections are config and conn',
  ]],
  ["an unknown config section", "version 2\nconfig x\n", ["f:2: unknown section config x: there is only config setup"]],
  ["an illegal name", "version 2\nconn 1a\n", [
    'f:2: "1a" is no name for a connection: letters, digits, ".", "_" and "-", a letter first',
  ]],
  ["control characters, harmlessly", "version 2\nconn \x1b[2J\n", [
    'f:2: "?[2J" is no name for a connection: letters, digits, ".", "_" and "-", a letter first',
  ]],
  ["two connections of one name", `${C}conn c\n`, ["f:3: conn c is there twice, first at f:2"]],
  ["two config setup", "version 2\nconfig setup\nconfig setup\n", ["f:3: config setup is there twice, first at f:2"]],
  ["a parameter set twice", `${C}\tpfs=no\n\tpfs=no\n`, ["f:4: conn c: pfs is set twice, first at f:3"]],
  ["a parameter set twice under two names", `${C}\tlifetime=1h\n\tkeylife=1h\n`, [
    "f:4: conn c: keylife is set twice, first at f:3",
  ]],
  ["a default set twice", "version 2\nconn %default\n\tpfs=no\nconn %default\n\tpfs=no\n", [
    "f:5: conn %default: pfs is set twice, first at f:3",
  ]],
  ["setup's parameter set twice", "version 2\nconfig setup\n\tpluto=no\n\tpluto=no\n", [
    "f:4: config setup: pluto is set twice, first at f:3",
  ]],
  ["a parameter set here and by also", `${C}\tpfs=no\n\talso=d\nconn d\n\tpfs=no\n`, [
    "f:3: conn c: pfs is set here, and again by conn d at f:6",
  ]],
  ["conn %default after others", `${C}conn %default\n`, ["f:3: conn %default must stand before all other connections"]],
  ["also in conn %default", "version 2\nconn %default\n\talso=d\nconn d\n", [
    "f:3: conn %default: also is not allowed in conn %default",
  ]],
  ["also of what is not there", `${C}\talso=d\n`, ["f:3: conn c: there is no conn d for also"]],
  ["also of a mistyped name", `${C}\talso=offcie\nconn office\n`, [
    "f:3: conn c: there is no conn offcie for also; did you mean office?",
  ]],
  ["an also without value", `${C}\talso=\n`, ["f:3: conn c: also needs a value"]],
  ["an also of itself", `${C}\talso=c\n`, ["f:3: conn c: also=c leads back to conn c"]],
  ["a loop of also, from each of its connections", `${C}\talso=d\nconn d\n\talso=c\n`, [
    "f:3: conn d: also=d leads back to conn d",
    "f:5: conn c: also=c leads back to conn c",
  ]],
  ["the same connection taken over twice", `${C}\talso=d\n\talso=d\nconn d\n`, [
    "f:4: conn c: takes conn d over twice",
  ]],
  ["a quote within a value", `${C}\tleftid=@a"b"\n`, [
    "f:3: conn c: leftid: double quotes must stand around the whole value, and none within",
  ]],
  ["an open quote", `${C}\tleftid="@a\n`, [
    "f:3: conn c: leftid: double quotes must stand around the whole value, and none within",
  ]],
  ["blanks without quotes", `${C}\tleftid=a b\n`, [
    "f:3: conn c: leftid: a value with blanks must stand in double quotes",
  ]],
  ["a tab within quotes", `${C}\tleftid="a\tb"\n`, ["f:3: conn c: leftid: the value contains a tab"]],
  ["bytes of another encoding than UTF-8", `${C}\tleftcert=caf\ufffd.pem # \ufffd\n`, [
    "f:3: conn c: leftcert: the value contains an unprintable character",
  ]],
  ["a line without equals sign", `${C}\tpfs no\n`, ['f:3: conn c: "pfs no" is not of the form name=value']],
  ["an empty auto", `${C}\tauto=\n`, ["f:3: conn c: auto needs a value"]],
  ["what a shell would have replaced", `${C}\tleftca=$HOME/x\n`, [
    "f:3: warning: conn c: leftca is taken as it stands: $, ` and \\ are not replaced, as a shell did in FreeS/WAN",
  ]],
  ["a value that an implicit connection overrides", `${C}\trekey=yes\n\talso=private\n`, [
    "f:3: warning: conn c: rekey has no effect: also=private sets it to no, and the implicit connection wins",
  ]],
  ["defaults that an implicit connection keeps away", "version 2\nconn %default\n\tpfs=no\nconn c\n\talso=clear\n", [
    "f:5: warning: conn c: conn %default does not reach a connection with also=clear; not set: pfs",
  ]],
  ["alsoflip of an implicit connection", `${C}\talsoflip=clear\n`, [
    "f:3: warning: conn c: alsoflip turns all of conn clear; FreeS/WAN turned half of it",
  ]],
  ["a connection of an implicit one's name too early", "version 2\nconn clear\n\tauto=ignore\nconn c\n\talso=clear\n", [
    "f:5: warning: conn c: takes over the implicit conn clear, not that of f:2, which would have to stand after this one",
  ]],
  ["ends that are missing", `${C}\tleft=1.2.3.4\n\tauto=add\n`, [
    "f:2: conn c: has no right=, which auto=add at f:4 needs",
  ]],
  ["nothing about ends of a template", `${C}\tauto=add\nconn e\n\talso=c\n\tleft=1.2.3.4\n\tright=%any\n`, []],
  ["firewall and updown together", `${C}\tleftfirewall=no\n\tleftupdown=x\n`, [
    "f:3: conn c: leftfirewall and leftupdown cannot stand together",
  ]],
  ["spi and spibase together", `${C}\tspi=0x200\n\tspibase=0x300\n`, [
    "f:3: conn c: spi and spibase cannot stand together",
  ]],
  ["subnet and subnetwithin together", `${C}\trightsubnet=10.0.0.0/8\n\trightsubnetwithin=10.0.0.0/8\n`, [
    "f:4: conn c: rightsubnetwithin and rightsubnet cannot stand together",
  ]],
  ["transport mode with a subnet", `${C}\ttype=transport\n\trightsubnet=10.0.0.0/8\n`, [
    "f:4: conn c: type=transport incompatible with rightsubnet",
  ]],
  ["a next hop beside %defaultroute", `${C}\tleft=%defaultroute\n\tleftnexthop=1.2.3.4\n`, [
    "f:4: conn c: leftnexthop cannot be given with left=%defaultroute",
  ]],
  ["nothing about %defaultroute twice", `${C}\tleft=%defaultroute\n\tleftnexthop=%defaultroute\n`, []],
  ["algorithms of ESP for AH", `${C}\tphase2=ah\n\tphase2alg=sha2_256\n`, [
    "f:4: conn c: with phase2=ah the parameter ah has the algorithms, not esp or phase2alg",
  ]],
  ["a mistyped algorithm of IKE", `${C}\tike=aes128-sha1,aes129-sha1\n`, [
    'f:3: conn c: ike=aes128-sha1,aes129-sha1: "aes129" is no algorithm that is known here; did you mean aes128?',
  ]],
  ["a group for PFS that is broken", `${C}\tpfsgroup=modp768\n`, [
    'f:3: conn c: pfsgroup=modp768: "modp768" is a group that is broken in practice; use modp2048 or a larger one',
  ]],
  ["a mistyped algorithm of ESP", `${C}\tesp=3des-md6\n`, [
    'f:3: conn c: esp=3des-md6: "md6" is no algorithm that is known here; did you mean md5?',
  ]],
  ["ESP that does not authenticate", `${C}\tauto=ignore\n\tesp=aes-null\n`, [
    'f:4: conn c: esp=aes-null: "aes-null" has no authentication, without which encryption can be broken: ' +
    "add sha2_256, or use aes256gcm16",
  ]],
  ["a cipher of AH", `${C}\tphase2=ah\n\tah=aes128-sha1\n`, [
    'f:4: conn c: ah=aes128-sha1: "aes128-sha1" has a cipher: AH only authenticates, and esp= is for both',
  ]],
  [
    "an algorithm of manual keying in a negotiated connection",
    `${C}\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauto=add\n\tesp=chacha20poly1305\n`,
    [
      'f:6: conn c: esp=chacha20poly1305: "chacha20poly1305" has no number in version 1 of IKE; use aes256 or aes128',
    ],
  ],
  ["nothing about what `ipsec manual' will look at", `${C}\tspi=0x200\n\tesp=rot13\n`, []],
  ["nothing about such algorithms in a template", `${C}\tesp=chacha20poly1305\n`, []],
  ["a next hop that is the end itself", `${C}\tleft=1.2.3.4\n\tleftnexthop=1.2.3.4\n`, [
    "f:4: conn c: left and leftnexthop must not be the same",
  ]],
  ["%any at both ends", `${C}\tleft=%any\n\tright=%any\n`, ["f:4: conn c: left and right cannot both be %any"]],
  ["a word without its %", `${C}\tleft=any\n\tright=1.2.3.4\n`, [
    "f:3: warning: conn c: left=any is a host of that name; did you mean %any?",
  ]],
  ["an identity that is a name without @", `${C}\tleftid=west.example\n\trightid=192.0.2.2\n`, [
    "f:3: warning: conn c: leftid=west.example is ignored: a name as identity begins with @; did you mean @west.example?",
  ]],
  ["a certificate", `${C}\trightcert=east.pem\n\tleftrsasigkey=%cert\n`, [
    `f:3: warning: conn c: rightcert=east.pem has no effect: ${NO_CERTIFICATES}`,
    `f:4: warning: conn c: leftrsasigkey=%cert finds no key: ${NO_CERTIFICATES}`,
  ]],
  ["the same network at both ends", `${C}\tleftsubnet=10.1.0.0/24\n\trightsubnet=10.1.0.0/24\n`, [
    "f:4: warning: conn c: leftsubnet and rightsubnet are the same network, 10.1.0.0/24: neither end could tell which of " +
    "its hosts are at the other; renumber one",
  ]],
  ["a network within that of the other end", `${C}\tleftsubnet=10.1.7.0/24\n\trightsubnet=10.1.0.0/16\n`, [
    "f:3: warning: conn c: leftsubnet=10.1.7.0/24 lies within rightsubnet=10.1.0.0/16: hosts there look for these " +
    "addresses in their own network, unless a router knows better",
  ]],
  ["networks apart, and all there is", `${C}\tleftsubnet=10.1.0.0/24\n\trightsubnet=0.0.0.0/0\n`, []],
  ["networks of two families", `${C}\tleftsubnet=10.1.0.0/16\n\trightsubnet=fd01::/64\n`, []],
  ["an assigned address in transport mode", `${C}\ttype=transport\n\tleftsourceip=%config\n`, [
    "f:4: conn c: type=transport incompatible with leftsourceip=%config",
  ]],
  ["an assigned address and a network", `${C}\tleftsubnet=10.1.0.0/24\n\tleftsourceip=%config\n`, [
    "f:3: warning: conn c: leftsubnet=10.1.0.0/24 is what is protected: an address that the peer assigns to left is not used",
  ]],
  ["the same host at both ends", `${C}\tleft=1.2.3.4\n\tright=1.2.3.4\n`, [
    "f:4: warning: conn c: left and right are the same host, 1.2.3.4",
  ]],
  ["a start with nobody to speak to", `${C}\tleft=1.2.3.4\n\tright=%any\n\tauto=start\n`, [
    "f:5: warning: conn c: auto=start cannot begin with right=%any, who comes by itself: use auto=add",
  ]],
  ["nothing about waiting for anybody", `${C}\tleft=1.2.3.4\n\tright=%any\n\tauto=add\n`, []],
  ["a life shorter than its margin", `${C}\tkeylife=10m\n`, [
    "f:3: conn c: keylife=10m must exceed rekeymargin and rekeyfuzz, which make 1080 seconds",
  ]],
  ["nothing about a short life without rekeying", `${C}\tkeylife=10m\n\trekey=no\n`, []],
  [
    "a virtual interface used twice",
    'version 2\nconfig setup\n\tinterfaces="ipsec1=eth0 %defaultroute ipsec0=eth1"\n',
    [
      "f:3: config setup: interfaces: %defaultroute and ipsec0=eth1 are both for ipsec0",
    ],
  ],
  [
    "a connection that manualstart does not find",
    'version 2\nconfig setup\n\tmanualstart="office offcie x"\nconn office\n',
    [
      "f:3: warning: config setup: manualstart: there is no conn offcie; did you mean office?",
      "f:3: warning: config setup: manualstart: there is no conn x",
    ],
  ],
  [
    "a connection keyed by hand and automatically",
    `version 2\nconfig setup\n\tmanualstart=c\nconn c\n\tleft=1.2.3.4\n\tright=%any\n\tauto=add\n`,
    [
      "f:3: warning: config setup: manualstart: conn c has auto=add at f:7 as well",
    ],
  ],
  ["nothing about hosts behind NAT in transport mode", `${C}\ttype=transport\n\trightsubnet=vhost:%no,%priv\n`, []],
  ["all that is wrong, in the order of the lines", `${C}\tpsf=no\n\tleft=1.2.3.456\nconn d\n\tauto=ad\n`, [
    'f:3: conn c: unknown parameter "psf"; did you mean pfs?',
    "f:4: conn c: left=1.2.3.456: byte overflow in dotted-decimal address",
    "f:6: conn d: auto=ad: must be add, route, start, manual or ignore; did you mean add?",
  ]],
];
for (const [why, text, complaints] of COMPLAINTS) {
  Deno.test(`loadConfig() complains about ${why}`, () => deepEqual(complaintsOf(text), complaints));
}

const INCLUDES: [why: string, text: string, others: Record<string, string>, complaints: string[]][] = [
  ["a file", "version 2\ninclude a\n", { a: "conn c\n\tpfs=no\n" }, []],
  ["a version in an included file", "include a\n", { a: "version 2\nconn c\n\tpfs=no\n" }, []],
  ["a pattern, sorted", "version 2\ninclude d/*.conf # all\n", {
    "d/b.conf": "conn c\n\tpfs=no\n",
    "d/a.conf": "conn %default\n\trekey=no\n",
    "d/c": "wrong",
  }, []],
  ["a pattern without match", "version 2\ninclude *.none\nconn c\n\tpfs=no\n", {}, []],
  ["a name relative to the file that includes", "version 2\ninclude d/a\n", {
    "d/a": "include b\n",
    "d/b": "conn c\n\tpfs=no\n",
  }, []],
  ["a quoted name", 'version 2\ninclude "a"\n', { a: "conn c\n\tpfs=no\n" }, []],
  ["a file that is not there", "version 2\ninclude a\nconn c\n\tpfs=no\n", {}, ["f:2: cannot open a: no such file"]],
  ["no name", "version 2\ninclude \nconn c\n\tpfs=no\n", {}, ["f:2: include needs one file name, and has 0"]],
  ["two names", "version 2\ninclude a b\nconn c\n\tpfs=no\n", {}, ["f:2: include needs one file name, and has 2"]],
  ["itself", "version 2\ninclude ./f\nconn c\n\tpfs=no\n", {}, ["f:2: ./f includes itself, so this line is left out"]],
  ["a loop", "version 2\nconn c\n\tpfs=no\ninclude a\n", { a: "include b\n", b: "include a\n" }, [
    "b:1: a includes itself, so this line is left out",
  ]],
  ["a file with a mistake", "version 2\nconn c\n\tpfs=no\ninclude a\n", { a: "conn d\n\n\tfps=no\n" }, [
    'a:3: conn d: unknown parameter "fps"; did you mean pfs?',
  ]],
  ["a parameter after an include, which ends the section", "version 2\nconn c\n\tpfs=no\ninclude a\n\trekey=no\n", {
    a: "",
  }, [
    'f:5: "rekey=..." belongs to no section: a "conn NAME" or "config setup" line must come before it',
  ]],
];
for (const [why, text, others, complaints] of INCLUDES) {
  Deno.test(`loadConfig() includes ${why}`, () => {
    const configuration = load(text, others);
    deepEqual(complaintsOf(text, others), complaints);
    equal(configuration.conns.get("c")!.settings.get("pfs")!.value, "no");
  });
}

Deno.test("loadConfig() ends with files that include each other under ever other names", () => {
  const files = {
    read: (path: string) => ({ text: `include ${path}x\ninclude ${path}y\n`, identity: path }),
    list: () => [],
  };
  const { lines } = readLines("f", files);
  ok(lines.some((line) => line.kind === "fault" && /too many included files/.test(line.message)));
});

Deno.test("loadConfig() complains about a main file that is not there", () => {
  deepEqual(load("version 2\n").complaints, []);
  const missing = { read: () => "no such file", list: () => [] };
  deepEqual(loadConfig("f", missing).complaints.map(formatComplaint), ["f: cannot open f: no such file"]);
});

for (const [name, settings] of Object.entries(IMPLICIT_CONNS)) {
  Deno.test(`the implicit connection ${name} is there, without defaults`, () => {
    deepEqual(said(load("version 2\nconn %default\n\tpfs=no\n"), name), settings);
  });
  Deno.test(`the implicit connection ${name} is not there where the file has one`, () => {
    deepEqual(said(load(`version 2\nconn ${name}\n\tauto=ignore\n`), name), { auto: "ignore" });
  });
}

for (const oe of ["no", "off"]) {
  Deno.test(`no implicit connection is there by itself with oe=${oe}, and also finds them`, () => {
    const configuration = load(`version 2\nconfig setup\n\toe=${oe}\nconn c\n\talso=clear\n`);
    deepEqual([...configuration.conns.keys()], ["c"]);
    deepEqual(said(configuration, "c"), IMPLICIT_CONNS.clear);
  });
}

Deno.test("settingOf() says where each value comes from", () => {
  const { conns } = load(
    "version 2\nconn %default\n\tpfs=no\nconn c\n\tleft=1.2.3.4\n\talso=d\nconn d\n\trekey=no\nconn e\n\talso=clear\n",
  );
  const from = (conn: string, name: string) => formatOrigin(settingOf(conns.get(conn)!.settings, "conn", name)!.origin);
  equal(from("c", "left"), "f:5");
  equal(from("c", "pfs"), "f:3 (conn %default)");
  equal(from("c", "rekey"), "f:8 (conn d)");
  equal(from("c", "compress"), "built in");
  equal(from("e", "type"), "implicit conn clear");
});

Deno.test("effectiveSettings() has what was said and what is built in, and no more", () => {
  const { setup } = load("version 2\nconfig setup\n\tpluto=no\n");
  const effective = effectiveSettings(setup, "setup");
  equal(effective.get("pluto")!.value, "no");
  equal(effective.get("interfaces")!.value, "%defaultroute");
  equal(effective.get("myid"), undefined);
});

Deno.test("complaintsAbout() leaves out other connections, and keeps what is taken over", () => {
  const configuration = load(
    "version 2\nconn c\n\talso=d\nconn d\n\tpfs=x\nconn e\n\trekey=x\nconfig setup\n\tpluto=x\n",
  );
  const lines = (name: string) => complaintsAbout(configuration, name).map(({ at }) => at.line);
  deepEqual([lines("c"), lines("e"), lines("setup")], [[5], [7], [9]]);
});

Deno.test("loadConfig() follows a long chain of also", () => {
  const length = 1000;
  const text = Array.from({ length }, (_, i) => `conn c${i}\n${i + 1 < length ? `\talso=c${i + 1}\n` : "\tpfs=no\n"}`);
  const configuration = load(`version 2\n${text.join("")}`);
  deepEqual(configuration.complaints, []);
  deepEqual(said(configuration, "c0"), { pfs: "no" });
});

Deno.test("loadConfig() proposes no names where too many are unknown", () => {
  const lines = Array.from({ length: 2000 }, (_, i) => `\tleftsubnetwithin${i}=no\n`);
  const { complaints } = load(`version 2\nconn c\n${lines.join("")}`);
  equal(complaints.length, 2000);
  ok(complaints[0].message.endsWith("; did you mean leftsubnetwithin?"), complaints[0].message);
  ok(!complaints[1900].message.includes("did you mean"), complaints[1900].message);
});
