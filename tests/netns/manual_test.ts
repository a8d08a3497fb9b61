/**
 * `ipsec manual` on both gateways, from one ipsec.conf: connections come up, carry traffic, and leave nothing behind.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { ahKeyWords, espKeyWords, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Family, type FourHosts, fourHosts, type Host, ipsecCommand, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";

const PING = "-c 1 -W 1";

/** KLIPS on both gateways, ipsec0 with the addresses of eth0, and one ipsec.conf for both. */
async function startGateways({ west, east }: FourHosts, conf: string): Promise<void> {
  await Promise.all([west, east].map(async (host) => {
    await startKlips(host);
    for (const { [host.name as "west" | "east"]: address } of Object.values(ADDRESS)) {
      await host.ip(`addr add ${address}/${address.includes(":") ? 128 : 32} dev ipsec0`);
    }
    await writeConf(host, conf);
  }));
}

async function writeConf(host: Host, conf: string): Promise<void> {
  await Deno.mkdir(`${host.directory}/etc`, { recursive: true });
  await Deno.writeTextFile(`${host.directory}/etc/ipsec.conf`, `version 2\n\n${conf}`, { mode: 0o600 });
}

async function both({ west, east }: FourHosts, words: string): Promise<void> {
  await Promise.all([west, east].map((host) => host.ipsec(`manual ${words}`)));
}

/** SAs, groups, eroutes and routes of a host: what a connection that is down has none of. */
async function traces(host: Host): Promise<string> {
  const listings = await Promise.all(["eroute", "spi", "spigrp"].map((tool) => host.ipsec([tool])));
  const routes = await host.ip("-4 route show dev ipsec0") + await host.ip("-6 route show dev ipsec0");
  return [...listings, ...routes.split("\n").filter((line) => !line.startsWith("fe80:"))].join("\n").trim();
}

/** A conn section; keys are made of the algorithms, one of each for both directions. */
function conn(name: string, family: Family, lines: readonly string[]): string {
  const { west, east } = ADDRESS[family];
  return [`conn ${name}`, `left=${west}`, `right=${east}`, ...lines].join("\n\t") + "\n\n";
}

function networks(family: Family): string[] {
  return [`leftsubnet=${ADDRESS[family].westNet}`, `rightsubnet=${ADDRESS[family].eastNet}`];
}

function esp(algorithm: string, seed = 1, prefix = ""): string[] {
  const words = espKeyWords(algorithm, seed).split(" ");
  return [
    ...prefix ? [] : [`esp=${algorithm}`],
    `${prefix}espenckey=${words[1]}`,
    ...words[3] ? [`${prefix}espauthkey=${words[3]}`] : [],
  ];
}

function ah(algorithm: string): string[] {
  return [`ah=${algorithm}`, `ahkey=${ahKeyWords(algorithm, 7).split(" ")[1]}`];
}

interface Protected {
  readonly family?: Family;
  readonly lines: readonly string[];
  /** `transport` connections are between the gateways themselves. */
  readonly between?: "gateways";
  /** IP protocols that are seen between the gateways. */
  readonly seen: RegExp;
}

const PROTECTED: Record<string, Protected> = {
  "esp=3des-md5-96 in a tunnel": {
    lines: [...networks("inet"), "spibase=0x200", "espreplay_window=32", ...esp("3des-md5-96")],
    seen: /ESP/,
  },
  "one spi for all, ah alone": { lines: [...networks("inet"), "spi=0x300", ...ah("sha2_256-128")], seen: /AH/ },
  "esp and ah, a key for each direction": {
    lines: [
      ...networks("inet"),
      "spibase=0x400",
      "esp=aes256-sha1-96",
      ...esp("aes256-sha1-96", 3, "left"),
      ...esp("aes256-sha1-96", 5, "right"),
      "leftespspi=0x777",
      ...ah("sha1-96"),
      "ahreplay_window=64",
    ],
    seen: /AH/,
  },
  "type=transport": {
    between: "gateways",
    lines: ["type=transport", "spibase=0x500", ...esp("aes128-sha2_256-128")],
    seen: /ESP/,
  },
  "host to host in a tunnel": {
    between: "gateways",
    lines: ["spibase=0x600", ...esp("chacha20poly1305")],
    seen: /ESP/,
  },
  "IPv6 networks and gateways": {
    family: "inet6",
    lines: [...networks("inet6"), "spibase=0x700", ...esp("aes128gcm16")],
    seen: /ESP/,
  },
  "IPv6 networks, IPv4 gateways": {
    family: "inet",
    lines: [...networks("inet6"), "spibase=0x800", ...esp("aes128gcm16")],
    seen: /ESP/,
  },
  "IPv6, ah alone": { family: "inet6", lines: [...networks("inet6"), "spi=0xa00", ...ah("sha2_512-256")], seen: /AH/ },
  "IPv6 transport": {
    family: "inet6",
    between: "gateways",
    lines: ["type=transport", "spi=0x900", ...esp("aes128gcm16")],
    seen: /ESP/,
  },
};

function nameOf(i: number): string {
  return `conn-${i}`;
}

scenario("manual --up carries traffic, --down and --unroute leave nothing", fourHosts, async (four) => {
  const { sunset, west, east, sunrise, step } = four;
  const rows = Object.entries(PROTECTED);
  const conf = rows.map(([, { family = "inet", lines }], i) => conn(nameOf(i), family, lines)).join("");
  await startGateways(four, conf);
  const before = await Promise.all([west, east].map(traces));
  for (const [i, [what, { family = "inet", between, lines, seen }]] of rows.entries()) {
    await step(what, async () => {
      const inner = lines.some((line) => line.includes("fd01:")) ? "inet6" : family;
      const [here, there] = between ? [west, east] : [sunset, sunrise];
      const at = ADDRESS[inner];
      await both(four, `--up ${nameOf(i)}`);
      const capture = await west.capture("eth0", between || family === "inet" ? "not arp" : "ip6");
      await here.pings(between ? at.east : at.sunrise);
      await there.pings(between ? at.west : at.sunset);
      const packets = await west.run(["tcpdump", "-n", "-r", await capture.stop()]);
      match(packets, seen);
      if (seen.source === "ESP") ok(!/echo re/.test(packets), packets);
      await both(four, `--down ${nameOf(i)}`);
      ok(!await here.canPing(between ? at.east : at.sunrise, PING), "the route stays, and nothing leaves in the clear");
      await both(four, `--unroute ${nameOf(i)}`);
      deepEqual(await Promise.all([west, east].map(traces)), before);
    });
  }
});

const SHUNTS: Record<string, { readonly type: string; readonly answer: RegExp; readonly status: number }> = {
  "type=passthrough": { type: "passthrough", answer: /1 received/, status: 0 },
  "type=drop": { type: "drop", answer: /0 received, 100% packet loss/, status: 1 },
  "type=reject": { type: "reject", answer: /0 received, \+1 errors/, status: 1 },
};

scenario("manual conns that are shunts", fourHosts, async (four) => {
  const { west, step } = four;
  const rows = Object.entries(SHUNTS);
  await startGateways(four, rows.map(([, { type }], i) => conn(nameOf(i), "inet", [`type=${type}`])).join(""));
  const before = await traces(west);
  for (const [i, [what, { type, answer, status }]] of rows.entries()) {
    await step(what, async () => {
      await west.ipsec(`manual --up ${nameOf(i)}`);
      match(await west.ipsec(["eroute"]), new RegExp(`=> %${type.replace("through", "")}\n`));
      const ping = await west.attempt(["ping", "-n", ...PING.split(" "), ADDRESS.inet.east]);
      match(ping.stdout, answer);
      equal(ping.status, status);
      await west.ipsec(`manual --down ${nameOf(i)}`);
      await west.ipsec(`manual --unroute ${nameOf(i)}`);
      equal(await traces(west), before);
    });
  }
});

const OFFICE = [...networks("inet"), "spibase=0x200", ...esp("aes128-sha2_256-128")];

scenario("what manual says and undoes where something is in its way", fourHosts, async (four) => {
  const { west, step } = four;
  const script = `${west.directory}/updown`, slow = `${west.directory}/slow`;
  await startGateways(
    four,
    conn("office", "inet", OFFICE) + conn("same", "inet", OFFICE) +
      conn("custom", "inet", [...OFFICE, `leftupdown="${script} custom 'two words'"`]) +
      conn("slow", "inet", [...OFFICE, `leftupdown=${slow}`]) +
      conn("here", "inet", OFFICE).replace("left=192.0.2.1", "left=%defaultroute"),
  );
  await Deno.writeTextFile(
    script,
    `#!/bin/sh\n{ echo "$*"; env | grep ^PLUTO_ | sort; } >> ${script}.log\n[ "$PLUTO_VERB" != "$(cat ${script}.fails)" ]\n`,
    { mode: 0o755 },
  );
  const before = await traces(west);
  await step("a connection that is not up", async () => {
    const { status, stderr } = await west.tryIpsec("manual --down office");
    deepEqual([status, stderr], [
      1,
      'ipsec manual: cannot take down "office": it is not up: there is no eroute 10.1.0.0/24 -> 10.2.0.0/24; ' +
      "there is no tun0x200@192.0.2.2; there is no tun0x201@192.0.2.1\n",
    ]);
  });
  await step("one that is up already, or another of the same SPIs: what is up stays so", async () => {
    await both(four, "--up office");
    const up = (await traces(west)).replaceAll(/addtime\([^)]*\)/g, "");
    for (const name of ["office", "same"]) {
      const { status, stderr } = await west.tryIpsec(`manual --up ${name}`);
      equal(status, 1);
      match(stderr, /^ipsec manual: cannot bring up ".*": cannot make tun0x200@192\.0\.2\.2: SA already in use\. /);
    }
    equal((await traces(west)).replaceAll(/addtime\([^)]*\)/g, ""), up);
    await four.sunset.pings(ADDRESS.inet.sunrise);
  });
  await step("half of it gone: the rest goes, and it is said", async () => {
    await west.ipsec(["spi", "--del", "--said", "tun0x201@192.0.2.1"]);
    const { status, stderr } = await west.tryIpsec("manual --down office");
    deepEqual([status, stderr], [
      0,
      'ipsec manual: warning: "office" was not completely up: there is no tun0x201@192.0.2.1\n',
    ]);
    await west.ipsec("manual --unroute office");
    equal(await traces(west), before);
  });
  await step("a custom updown command sees the variables, in order of the verbs", async () => {
    await Deno.writeTextFile(`${script}.fails`, "");
    await west.ipsec("manual --up custom");
    await west.ipsec("manual --down custom");
    await west.ipsec("manual --unroute custom");
    const log = await Deno.readTextFile(`${script}.log`);
    deepEqual(log.match(/(?<=PLUTO_VERB=).*/g), [
      "prepare-client",
      "route-client",
      "up-client",
      "down-client",
      "unroute-client",
    ]);
    deepEqual(log.split("custom two words\n")[1].trimEnd().split("\n"), [
      "PLUTO_CONNECTION=custom",
      "PLUTO_INTERFACE=ipsec0",
      "PLUTO_ME=192.0.2.1",
      "PLUTO_MY_CLIENT=10.1.0.0/24",
      "PLUTO_MY_CLIENT_MASK=255.255.255.0",
      "PLUTO_MY_CLIENT_NET=10.1.0.0",
      "PLUTO_NEXT_HOP=192.0.2.2",
      "PLUTO_PEER=192.0.2.2",
      "PLUTO_PEER_CLIENT=10.2.0.0/24",
      "PLUTO_PEER_CLIENT_MASK=255.255.255.0",
      "PLUTO_PEER_CLIENT_NET=10.2.0.0",
      "PLUTO_VERB=prepare-client",
      "PLUTO_VERSION=1.1",
    ]);
    equal(await traces(west), before);
  });
  for (const [verb, undone] of Object.entries({ prepare: [], route: [], up: ["unroute-client"] })) {
    await step(`an updown command that fails at ${verb}: all is undone`, async () => {
      await Deno.writeTextFile(`${script}.fails`, `${verb}-client`);
      await Deno.writeTextFile(`${script}.log`, "");
      const { status, stderr } = await west.tryIpsec("manual --up custom");
      deepEqual([status, stderr], [
        1,
        `ipsec manual: cannot bring up "custom": ${verb}-client command exited with status 1\n`,
      ]);
      const verbs = (await Deno.readTextFile(`${script}.log`)).match(/(?<=PLUTO_VERB=).*/g)!;
      deepEqual(verbs.slice(verbs.indexOf(`${verb}-client`) + 1), undone);
      equal(await traces(west), before);
    });
  }
  await step("a signal: all is undone", async () => {
    await Deno.writeTextFile(`${script}.fails`, "");
    await Deno.writeTextFile(
      slow,
      `#!/bin/sh\necho "$PLUTO_VERB" >> ${slow}.log\n[ "$PLUTO_VERB" != route-client ] || sleep 1\n`,
      {
        mode: 0o755,
      },
    );
    const daemon = west.start([...ipsecCommand(), "manual", "--up", "slow"]);
    const called = () => Deno.readTextFileSync(`${slow}.log`).split("\n");
    await until("it is routing", () => called().includes("route-client"));
    equal(await daemon.stop("SIGINT"), 'ipsec manual: cannot bring up "slow": interrupted by SIGINT\n');
    equal(daemon.ended, 1);
    deepEqual(called(), ["prepare-client", "route-client", "unroute-client", ""]);
    equal(await traces(west), before);
    await Deno.writeTextFile(`${script}.fails`, "up-client");
  });
  await step("an eroute that was there before comes back", async () => {
    await west.ipsec("eroute --add --eraf inet --src 10.1.0.0/24 --dst 10.2.0.0/24 --said %drop");
    const shunted = await traces(west);
    equal((await west.tryIpsec("manual --up custom")).status, 1);
    equal(await traces(west), shunted);
    await west.ipsec(["eroute", "--clear"]);
  });
  await step("left=%defaultroute is what start has found out", async () => {
    equal((await west.tryIpsec("manual --route here")).stderr.includes("%defaultroute requested but not known"), true);
    const info =
      "defaultroutephys=eth0\ndefaultroutevirt=ipsec0\ndefaultrouteaddr=192.0.2.1\ndefaultroutenexthop=192.0.2.9\n";
    await Deno.writeTextFile(`${west.directory}/run/ipsec.info`, info);
    const script = await west.ipsec("manual --showonly --route here");
    match(script, /PLUTO_NEXT_HOP=192\.0\.2\.9\nPLUTO_INTERFACE=ipsec0\nPLUTO_ME=192\.0\.2\.1\n/);
  });
  await step("a route that was there before stays", async () => {
    await west.ipsec("manual --route office");
    await Deno.writeTextFile(`${script}.log`, "");
    equal((await west.tryIpsec("manual --up custom")).status, 1);
    const verbs = (await Deno.readTextFile(`${script}.log`)).match(/(?<=PLUTO_VERB=).*/g);
    deepEqual(verbs, ["prepare-client", "route-client", "up-client"]);
    match(await west.ip("route show dev ipsec0"), /10\.2\.0\.0\/24/);
    await west.ipsec("manual --unroute office");
  });
});

scenario("leftfirewall=yes, and what may come out of a manual tunnel", fourHosts, async (four) => {
  const { sunset, west, east, sunrise, step } = four;
  await startGateways(
    four,
    conn("office", "inet", [...OFFICE, "leftfirewall=yes", `leftsourceip=${ADDRESS.inet.westInner}`]),
  );
  await west.run(["nft", "-f", "-"], {
    input: "table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }\n",
  });
  const closed = await west.run(["nft", "list", "ruleset"]);
  await both(four, "--up office");
  await step("the firewall is open while it is up", async () => {
    await sunset.pings(ADDRESS.inet.sunrise);
    await sunrise.pings(ADDRESS.inet.sunset);
  });
  await step(
    "leftsourceip= lets the gateway itself speak to the peer's network",
    async () => void (await west.pings(ADDRESS.inet.sunrise)),
  );
  await step("packets of another network do not come out of the tunnel", async () => {
    await sunrise.ip("addr add 10.9.0.9/32 dev eth0");
    await east.ip("route add 10.9.0.9 dev eth1");
    await east.ipsec(
      "eroute --add --eraf inet --src 10.9.0.9/32 --dst 10.1.0.0/24 --said tun0x201@192.0.2.1",
    );
    ok(!await sunrise.canPing(ADDRESS.inet.sunset, `${PING} -I 10.9.0.9`));
    match(JSON.stringify(JSON.parse(await west.ipsec("klips --status --json")).interfaces), /"WRONG_POLICY":1/);
  });
  await step("and closed when it is down", async () => {
    await both(four, "--down office");
    equal(await west.run(["nft", "list", "ruleset"]), closed);
  });
}, ["nft"]);

scenario("the script of manual --showonly does the same, with keys in it", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await startGateways(four, conn("office", "inet", OFFICE));
  const before = await traces(west);
  await Deno.mkdir(`${west.directory}/bin`);
  const program = `#!/bin/sh\nexec ${ipsecCommand().join(" ")} "$@"\n`;
  await Deno.writeTextFile(`${west.directory}/bin/ipsec`, program, { mode: 0o755 });
  const [, encryptionKey, , authKey] = espKeyWords("aes128-sha2_256-128", 1).split(" ");
  const script = async (action: string) =>
    (await west.ipsec(`manual --showonly --${action} office`))
      .replaceAll("'<secret, 16 bytes>'", encryptionKey)
      .replaceAll("'<secret, 32 bytes>'", authKey)
      .replace('PATH="', `PATH="${west.directory}/bin:`);
  await west.run(["sh"], { input: await script("up") });
  await east.ipsec("manual --up office");
  await sunset.pings(ADDRESS.inet.sunrise);
  for (const action of ["down", "unroute"]) await west.run(["sh"], { input: await script(action) });
  equal(await traces(west), before);
});
