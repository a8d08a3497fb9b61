import { deepEqual, equal, match } from "node:assert/strict";
import { look } from "../../commands/look.ts";
import { type FakeKlips, runTool } from "./_fake_klips.ts";

const klips: FakeKlips = {
  listings: {
    "eroute/all": "8          10.1.0.0/24        -> 10.2.0.0/24        => tun0x200@192.0.2.2\n",
    "spigrp/all": "tun0x200@192.0.2.2 esp0x200@192.0.2.2 \n",
    tncfg: "ipsec0 -> nosuchif0 mtu=16260(1443) -> 1500\nipsec1 -> NULL mtu=0(0) -> 0\n",
    "spi/all": "esp0x200@192.0.2.2 ESP_3DES_HMAC_MD5: dir=out\n",
    version: "FreeS/WAN version: oneswan 1.2.3\n",
    "eroute/all.json": '[{"count":8}]',
    "spigrp/all.json": "[]",
    "tncfg.json": "[]",
    "spi/all.json": "[]",
  },
};
const PAGE = [
  "10.1.0.0/24        -> 10.2.0.0/24        => tun0x200@192.0.2.2 esp0x200@192.0.2.2  (8)",
  "ipsec0->nosuchif0 mtu=16260(1443)->1500",
  "esp0x200@192.0.2.2 ESP_3DES_HMAC_MD5: dir=out",
  "Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface",
];

for (const [args, rest] of [[[], []], [["--verbose"], ["FreeS/WAN version: oneswan 1.2.3"]]] as string[][][]) {
  Deno.test(`look ${args.join(" ")} shows the page`, async () => {
    const { status, stdout, stderr } = await runTool(look, args, klips);
    deepEqual([status, stderr], [0, ""]);
    const [head, ...lines] = stdout.split("\n");
    match(head, /^\S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \S+ \d{4}$/);
    // Routes over ipsec0 may exist on the machine that runs this.
    deepEqual(lines.filter((line) => !/ ipsec0$/.test(line) && !line.startsWith("Destination  ".padEnd(31))), [
      ...PAGE,
      ...rest,
      "",
    ]);
  });
}

Deno.test("look --json has every listing", async () => {
  const { status, stdout } = await runTool(look, ["--json"], klips);
  equal(status, 0);
  const page = JSON.parse(stdout);
  deepEqual(page.eroutes, [{ count: 8 }]);
  deepEqual(Object.keys(page), ["hostname", "date", "version", "eroutes", "groups", "interfaces", "sas", "routes"]);
});

Deno.test("look --help and --version exit with 0", async () => {
  deepEqual(await runTool(look, ["--help"]), { status: 0, stdout: look.usage(), stderr: "", sent: [] });
  match((await runTool(look, ["--version"])).stdout, /^ipsec look \d+\.\d+\.\d+\S*\n$/);
});

Deno.test("look without KLIPS exits with 1", async () => {
  const { status, stdout, stderr } = await runTool(look, [], "absent");
  deepEqual([status, stdout], [1, ""]);
  match(stderr, /KLIPS is not running: no socket at RUNDIR\/pfkey\.sock\./);
});
