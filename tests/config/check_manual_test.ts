/** checkManual(): what `ipsec manual --up` would refuse, said before it is called. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { checkManual } from "../../lib/config/check_manual.ts";
import { formatComplaint } from "../../lib/config/complaint.ts";
import { load } from "./_fake_files.ts";

const KEYS = `\tespenckey=0x010203040506070811121314151617182122232425262728\n\tespauthkey=0x${"0a".repeat(16)}\n`;
const ENDS = "\tleft=192.0.2.1\n\tright=192.0.2.2\n";
const SAS = `\tspi=0x200\n\tesp=3des-md5-96\n${KEYS}`;

const CHECKED: [why: string, conn: string, complaints: string[]][] = [
  ["nothing about a whole connection", `${ENDS}${SAS}\tauto=manual\n`, []],
  ["nothing about one over the default route", `\tleft=%defaultroute\n\tright=192.0.2.2\n${SAS}\tauto=manual\n`, []],
  [
    "nothing about one whose right end is at the default route",
    `\tleft=192.0.2.1\n\tright=%defaultroute\n${SAS}\tauto=manual\n`,
    [],
  ],
  ["nothing about one over IPv6", `\tleft=2001:db8::1\n\tright=2001:db8::2\n${SAS}\tauto=manual\n`, []],
  ["nothing about one that is not started", `${ENDS}\tauto=ignore\n`, []],
  ["nothing more about one with an error", `${ENDS}\tspi=0x1\n\tauto=manual\n`, []],
  ["an SPI that is missing", `${ENDS}\tesp=3des-md5-96\n${KEYS}\tauto=manual\n`, [
    'f:5: conn c: connection has no "spi" parameter specified',
  ]],
  ["a mistyped algorithm", `${ENDS}\tspi=0x200\n\tesp=3des-md6-96\n${KEYS}\tauto=manual\n`, [
    "f:6: conn c: unknown algorithm in esp=3des-md6-96: did you mean 3des-md5-96?",
  ]],
  ["an end that only automatic keying can have", `\tleft=192.0.2.1\n\tright=%any\n${SAS}\tauto=manual\n`, [
    "f:4: conn c: right=%any is for automatic keying: manual keying needs an address",
  ]],
  ["a connection without algorithms", `${ENDS}\tspi=0x200\n\tauto=manual\n`, [
    "f:2: conn c: neither AH nor ESP specified for connection",
  ]],
];
for (const [why, conn, complaints] of CHECKED) {
  Deno.test(`checkManual() says ${why}`, () => {
    deepEqual(checkManual(load(`version 2\nconn c\n${conn}`)).map(formatComplaint), complaints);
  });
}

Deno.test("checkManual() looks at what manualstart names as well", () => {
  const text = `version 2\nconn c\n${ENDS}\tspi=0x200\nconfig setup\n\tmanualstart=c\n`;
  deepEqual(checkManual(load(text)).map(({ message }) => message), [
    "conn c: neither AH nor ESP specified for connection",
  ]);
});

Deno.test("checkManual() takes a setting without effect for a warning", () => {
  const [complaint] = checkManual(load(`version 2\nconn c\n${ENDS}${SAS}\tcompress=yes\n\tauto=manual\n`));
  deepEqual([complaint.severity, complaint.at.line], ["warning", 9]);
});

Deno.test("checkManual() says of two connections that they have one SPI", () => {
  const conn = (name: string, right: string, spi: string) =>
    `conn ${name}\n\tleft=192.0.2.1\n\tright=${right}\n\t${spi}\n\tesp=3des-md5-96\n${KEYS}\tauto=manual\n`;
  const check = (...conns: string[]) => checkManual(load(`version 2\n${conns.join("")}`)).map(formatComplaint);
  const a = conn("a", "192.0.2.2", "spi=0x200"), elsewhere = conn("b", "192.0.2.3", "spi=0x200");
  const why = "an SA of conn a, too: both cannot be up; give each an SPI of its own";
  for (const spi of ["spi=0x200", "spibase=0x200"]) {
    deepEqual(check(a, conn("b", "192.0.2.2", spi)), [`f:13: warning: conn b: tun0x200@192.0.2.2 is ${why}`]);
  }
  deepEqual(check(a, elsewhere), [`f:13: warning: conn b: tun0x200@192.0.2.1 is ${why}`]);
  deepEqual(check(a, conn("b", "192.0.2.2", "spi=0x201"), conn("c", "192.0.2.3", "spibase=0x300")), []);
});
