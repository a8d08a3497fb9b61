/**
 * What an administrator has done by hand outlives a crash of KLIPS or pluto, and nothing but a crash.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { match, strictEqual as equal } from "node:assert/strict";
import { fourHosts, type Host, until } from "../../tools/_net.ts";
import type { Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { murder, pidIn, reaches } from "./_setup.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";

/** @param downed `auto=` of a conn that east must not bring up again by itself */
const conns = (downed: "start" | "add") => [
  tunnel("office"),
  tunnel("routed", { rightsubnet: "10.3.0.0/24" }),
  tunnel("downed", { rightsubnet: "10.4.0.0/24", auto: downed }),
  tunnel("deleted", { rightsubnet: "10.5.0.0/24", auto: "route" }),
  tunnel("added", { rightsubnet: "10.6.0.0/24", auto: "ignore" }),
  tunnel("peers", { rightsubnet: "10.7.0.0/24" }),
];

/** How far each conn is: `erouted`, `prospective erouted`, `unrouted`. */
async function routings(host: Host): Promise<Record<string, string>> {
  const status = await host.ipsec("auto --status");
  return Object.fromEntries(
    [...status.matchAll(/^000 "(\w+)": [^\n]*; ([^;\n]+); eroute owner: #\d+$/gm)].map(([, name, routing]) => [
      name,
      routing,
    ]),
  );
}

const BY_HAND = {
  office: "erouted",
  routed: "prospective erouted",
  downed: "prospective erouted",
  added: "prospective erouted",
  peers: "erouted",
};
const BY_FILE = { office: "unrouted", routed: "unrouted", deleted: "prospective erouted", peers: "unrouted" };

async function comesBack(host: Host, wanted: Readonly<Record<string, string>>): Promise<void> {
  const text = (routings: Readonly<Record<string, string>>) =>
    JSON.stringify(Object.entries(routings).toSorted(([a], [b]) => a < b ? -1 : 1));
  let seen = "";
  await until("all is as it was", async () => (seen = text(await routings(host))) === text(wanted)).catch(() =>
    equal(seen, text(wanted))
  );
}

async function another(pluto: Pluto, before: number): Promise<void> {
  await until("another pluto answers", async () => {
    try {
      return pluto.pid !== before && (await pluto.host.tryIpsec("auto --status")).status === 0;
    } catch {
      return false; // no lock yet
    }
  });
}

scenario("conns that were brought up by hand are up again after a crash", fourHosts, async (four) => {
  const { sunset, west, step } = four;
  const plutos = await startBoth(four, {
    west: { conns: conns("start"), secrets: SECRETS },
    east: { conns: conns("add"), secrets: SECRETS },
  });
  const { west: onWest, east: onEast } = plutos;
  await onWest.up("office");
  await onEast.up("peers");
  await west.ipsec("auto --route routed");
  await onWest.down("downed");
  await west.ipsec("auto --delete deleted");
  await west.ipsec("auto --add added");
  await west.ipsec("auto --route added");
  await comesBack(west, BY_HAND);
  await reaches(sunset, AT.sunrise);
  for (const [what, file] of [["KLIPS", "klips.pid"], ["pluto", "pluto.pid"]]) {
    await step(`${what} is killed`, async () => {
      const before = onWest.pid;
      await murder(pidIn(west, file));
      await another(onWest, before);
      await reaches(sunset, AT.sunrise);
      await comesBack(west, BY_HAND);
    });
  }
  await step("pluto is killed twice, the second time before it knows all", async () => {
    const before = onWest.pid;
    await murder(before);
    await until("another one has begun", () => {
      try {
        return onWest.pid !== before;
      } catch {
        return false;
      }
    });
    const second = onWest.pid;
    await murder(second);
    await another(onWest, second);
    await reaches(sunset, AT.sunrise);
    await comesBack(west, BY_HAND);
  });
  await step("what is taken down now stays down", async () => {
    await onWest.down("office");
    const before = onWest.pid;
    await murder(pidIn(west, "klips.pid"));
    await another(onWest, before);
    await comesBack(west, { ...BY_HAND, office: "prospective erouted" });
  });
  await step("an orderly restart begins with the file", async () => {
    await west.ipsec("setup restart");
    const all = await routings(west);
    match(all.downed, /erouted/);
    delete all.downed;
    equal(JSON.stringify(Object.entries(all).toSorted()), JSON.stringify(Object.entries(BY_FILE).toSorted()));
  });
});
