/** checkFiles(): what ipsec.conf names and is not there. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { checkFiles, type PathKind } from "../../lib/config/check_files.ts";
import { formatComplaint } from "../../lib/config/complaint.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { fakeFiles } from "./_fake_files.ts";

const THERE: Readonly<Record<string, PathKind>> = {
  "/etc/ipsec.d/certs/west.pem": "file",
  "/k/east.pem": "file",
  "/var/tmp": "directory",
  "/bin/up": "file",
  "/dev/null": "other",
};
const CONF = "/etc/ipsec.conf";

const CASES: [what: string, sections: string, complaints: string[]][] = [
  ["certificates that are there", "conn c\n\tleftcert=west.pem\n\trightcert=/k/east.pem\n", []],
  ["a certificate on a card", "conn c\n\tleftcert=%smartcard0:1\n", []],
  ["certificates that are not there", "conn c\n\tleftcert=wst.pem\n\trightcert=/k/x.pem\n", [
    `${CONF}:3: warning: conn c: leftcert: there is no file /etc/ipsec.d/certs/wst.pem`,
    `${CONF}:4: warning: conn c: rightcert: there is no file /k/x.pem`,
  ]],
  ["a certificate that is a directory", "conn c\n\tleftcert=/var/tmp\n", [
    `${CONF}:3: warning: conn c: leftcert: /var/tmp is no file`,
  ]],
  ["what connections take over", "conn %default\n\tleftcert=x.pem\nconn c\n\tpfs=no\nconn d\n\tleftcert=west.pem\n", [
    `${CONF}:3: warning: conn c: leftcert: there is no file /etc/ipsec.d/certs/x.pem`,
  ]],
  ["an empty value", "conn c\n\tleftcert=\n", []],
  [
    "directories and programs of setup",
    'config setup\n\tdumpdir=/var/tmp\n\tprepluto="/bin/up a"\n\tpostpluto=up\n',
    [],
  ],
  [
    "directories and programs of setup that are not there",
    'config setup\n\tdumpdir=/bin/up\n\tprepluto="/x a"\n\tpostpluto=/y;true\n\tplutostderrlog=/z/log\n',
    [
      `${CONF}:3: warning: config setup: dumpdir: /bin/up is no directory`,
      `${CONF}:4: warning: config setup: prepluto: there is no file /x`,
      `${CONF}:5: warning: config setup: postpluto: there is no file /y`,
      `${CONF}:6: warning: config setup: plutostderrlog: there is no directory /z`,
    ],
  ],
  ["updown commands", 'conn c\n\tleftupdown="ipsec _updown"\n\trightupdown="/bin/down x"\n', [
    `${CONF}:4: warning: conn c: rightupdown: there is no file /bin/down`,
  ]],
  ["an updown command for the shell to make out", 'conn c\n\tleftupdown="/opt/$HOME/x"\n', []],
];
for (const [what, sections, complaints] of CASES) {
  Deno.test(`checkFiles() with ${what}`, () => {
    const configuration = loadConfig(CONF, fakeFiles({ [CONF]: `version 2\n${sections}` }));
    deepEqual(checkFiles(configuration, CONF, (path) => THERE[path]).map(formatComplaint), complaints);
  });
}
