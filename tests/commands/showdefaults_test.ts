/** `ipsec showdefaults` over a run-time directory of its own. */
import { deepEqual } from "node:assert/strict";
import { showdefaults } from "../../commands/showdefaults.ts";
import { UserError } from "../../commands/_command.ts";
import { formatInfo } from "../../lib/system/default_route_info.ts";

/** Status, output and errors, with `ipsec.info` as given; the folder is printed as DIR. */
async function run(info: string | undefined, ...args: string[]): Promise<[number, string, string]> {
  const folder = Deno.makeTempDirSync({ prefix: "oneswan-run-" });
  let stdout = "", stderr = "", status: number;
  try {
    if (info !== undefined) Deno.writeTextFileSync(`${folder}/ipsec.info`, info);
    status = await showdefaults.run(args, {
      stdout: (text) => void (stdout += text),
      stderr: (text) => void (stderr += text),
      stdoutIsTerminal: false,
      env: (name) => name === "IPSEC_RUNDIR" ? folder : undefined,
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    status = error.status;
    stderr += error.message;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  return [status, stdout, stderr.replaceAll(folder, "DIR")];
}

const ROUTE = { physical: "eth1", virtual: "ipsec0", address: "192.1.2.45" };
const GONE = "ipsec showdefaults: cannot find defaults file `DIR/ipsec.info'; `ipsec setup start' makes it";
const CASES: [what: string, info: string | undefined, outcome: [number, string, string]][] = [
  ["the example of the reference", formatInfo([{ ...ROUTE, nextHop: "192.1.2.254" }, undefined]), [
    0,
    "routephys=eth1\nroutevirt=ipsec0\nrouteaddr=192.1.2.45\nroutenexthop=192.1.2.254\n# no default route\n",
    "",
  ]],
  ["a point-to-point link", formatInfo([ROUTE]), [0, "routephys=eth1\nroutevirt=ipsec0\nrouteaddr=192.1.2.45\n", ""]],
  ["interfaces=%none", "", [1, "", GONE]],
  ["IPsec stopped", undefined, [1, "", GONE]],
];
for (const [what, info, outcome] of CASES) {
  Deno.test(`showdefaults with ${what}`, async () => deepEqual(await run(info), outcome));
}

Deno.test("showdefaults --help answers; other words are refused", async () => {
  deepEqual(await run(undefined, "--help"), [0, "Usage: ipsec showdefaults\n", ""]);
  deepEqual(await run("", "x"), [2, "", "Usage: ipsec showdefaults\n"]);
});
