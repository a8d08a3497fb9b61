/**
 * A gateway for road warriors: west is ours, with addresses for whoever comes; its clients are other people's software.
 *
 * ```
 * sunset 10.1.0.10, fd01:1::10 -- west 192.0.2.1 -- 192.0.2.254 internet 198.51.100.254 -- 198.51.100.2 laptop
 *                                                                        203.0.113.254 --- 203.0.113.2 phone
 * ```
 */
import { ADDRESS, type Host, Net } from "../../tools/_net.ts";
import { conn, type Parameters } from "../netns/_pluto.ts";
import type { CharonOptions, Settings } from "./_charon.ts";
import { passwordLine } from "./_passwords.ts";
import type { VpncOptions } from "./_vpnc.ts";

export const WEST = ADDRESS.inet.west, SUNSET = ADDRESS.inet.sunset, WEST_NET = ADDRESS.inet.westNet;
/** The same inside, in IPv6. */
export const SIX = ADDRESS.inet6;
const INTERNET = "192.0.2.254";
export const AWAY = { laptop: "198.51.100.2", phone: "203.0.113.2" } as const;
const ROUTERS = { laptop: "198.51.100.254", phone: "203.0.113.254" } as const;

export interface RoadHosts extends AsyncDisposable {
  readonly net: Net;
  readonly sunset: Host;
  readonly west: Host;
  readonly internet: Host;
  readonly laptop: Host;
  readonly phone: Host;
}

export async function roadHosts(): Promise<RoadHosts> {
  const net = await Net.make(["sunset", "west", "internet", "laptop", "phone"], [
    ["sunset", "eth0", "west", "eth1"],
    ["west", "eth0", "internet", "eth0"],
    ["internet", "eth1", "laptop", "eth0"],
    ["internet", "eth2", "phone", "eth0"],
  ]);
  try {
    const { sunset, west, internet, laptop, phone } = net.hosts;
    await sunset.ip(`addr add ${SUNSET}/24 dev eth0`);
    await sunset.ip(`route add default via ${ADDRESS.inet.westInner}`);
    await west.ip(`addr add ${ADDRESS.inet.westInner}/24 dev eth1`);
    await west.ip(`addr add ${WEST}/24 dev eth0`);
    await west.ip(`route add default via ${INTERNET}`);
    await internet.ip(`addr add ${INTERNET}/24 dev eth0`);
    for (const [name, device] of [["laptop", "eth1"], ["phone", "eth2"]] as const) {
      await internet.ip(`addr add ${ROUTERS[name]}/24 dev ${device}`);
      await net.hosts[name].ip(`addr add ${AWAY[name]}/24 dev eth0`);
      await net.hosts[name].ip(`route add default via ${ROUTERS[name]}`);
    }
    await sunset.ip(`addr add ${SIX.sunset}/64 dev eth0`);
    await sunset.ip(`-6 route add default via ${SIX.westInner}`);
    await west.ip(`addr add ${SIX.westInner}/64 dev eth1`);
    for (const host of [west, internet]) await host.sysctl("net.ipv4.ip_forward", 1);
    await west.sysctl("net.ipv6.conf.all.forwarding", 1);
    return { net, sunset, west, internet, laptop, phone, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/** Hides laptop and phone behind one address. */
export async function hideClients(internet: Host): Promise<void> {
  await internet.run(["nft", "-f", "-"], {
    input: `table ip nat {
      chain post {
        type nat hook postrouting priority srcnat
        oifname "eth0" meta l4proto udp masquerade to :41000-41999
      }
    }\n`,
  });
}

const SECRET = "of the tests and of nothing else", GROUP = "office";
const groupId = `@#${new TextEncoder().encode(GROUP).toHex()}`;
export const PASSWORDS: Readonly<Record<string, string>> = { alice: "her own", bob: "his own" };

/** Of ours. */
export const KEYS = {
  secrets: `: PSK "${SECRET}"\n`,
  files: { passwd: Object.entries(PASSWORDS).map(([user, password]) => passwordLine(user, password)).join("") },
};

const ROAD: Parameters = {
  left: WEST,
  leftnexthop: INTERNET,
  right: "%any",
  authby: "secret",
  leftxauthserver: "yes",
  modecfgpull: "yes",
  rekey: "no",
  auto: "add",
};

/** For strongSwan: Main Mode. */
export function mainConn(pool: string, more: Parameters = {}): string {
  return conn("main", {
    ...ROAD,
    leftsubnet: WEST_NET,
    rightaddresspool: pool,
    ike: "aes128-sha2_256-modp2048",
    esp: "aes128gcm16",
    forceencaps: "yes",
    ...more,
  });
}

/** For vpnc: Aggressive Mode, one identity for all. */
export function groupConn(pool: string, more: Parameters = {}): string {
  return conn("group", {
    ...ROAD,
    leftsubnet: "0.0.0.0/0",
    rightid: groupId,
    rightaddresspool: pool,
    aggrmode: "yes",
    ike: "aes128-sha1-modp2048",
    esp: "aes128-sha1",
    pfs: "no",
    ...more,
  });
}

/** Theirs. */
export function charonOf(user: string, child: Settings = {}, more: Settings = {}): CharonOptions {
  return {
    swanctl: {
      connections: {
        office: {
          version: 1,
          remote_addrs: WEST,
          encap: true,
          proposals: "aes128-sha256-modp2048",
          vips: "0.0.0.0",
          "local-1": { auth: "psk" },
          "local-2": { auth: "xauth", xauth_id: user },
          remote: { auth: "psk", id: WEST },
          children: {
            net: { local_ts: "dynamic", remote_ts: WEST_NET, esp_proposals: "aes128gcm16-modp2048", ...child },
          },
          ...more,
        },
      },
      secrets: {
        "ike-office": { secret: `"${SECRET}"` },
        "xauth-client": { id: user, secret: `"${PASSWORDS[user]}"` },
      },
    },
  };
}

/** A conn and the secrets of libreswan, whose kernel is a stand-in. */
export function libreswanOf(user: string, from: string): { readonly conns: string; readonly secrets: string } {
  const office = {
    left: from,
    leftmodecfgclient: "yes",
    leftxauthclient: "yes",
    leftusername: user,
    right: WEST,
    rightsubnet: WEST_NET,
    rightmodecfgserver: "yes",
    rightxauthserver: "yes",
    modecfgpull: "yes",
    authby: "secret",
    ikev2: "no",
    ike: "aes128-sha2_256-modp2048",
    esp: "aes_gcm128-null",
    leftupdown: "/bin/true",
    auto: "ignore",
  };
  return { conns: conn("office", office), secrets: `${KEYS.secrets}@${user} : XAUTH "${PASSWORDS[user]}"\n` };
}

export function vpncOf(user: string): VpncOptions {
  return {
    gateway: WEST,
    group: GROUP,
    secret: SECRET,
    user,
    password: PASSWORDS[user],
    networks: [WEST_NET],
    more: ["IKE DH Group dh14", "NAT Traversal Mode force-natt"],
  };
}
