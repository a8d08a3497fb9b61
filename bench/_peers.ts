/** What the benchmark compares: ways to carry packets from west to east. */
import { type Host, INNER, type Net, NETWORK, other, OUTER, run, until } from "./_net.ts";

export interface Peer {
  readonly name: string;
  /** Why it cannot run here, or undefined where it can. */
  missing(): Promise<string | undefined>;
  up(net: Net): Promise<void>;
  /** Takes down what `net.stopChildren` does not. */
  down(net: Net): Promise<void>;
}

const HOSTS = ["west", "east"] as const;

async function has(program: string): Promise<boolean> {
  return await run(["sh", "-c", `command -v ${program}`]).then(() => true, () => false);
}

export const plainVeth: Peer = {
  name: "plain veth, no IPsec",
  missing: () => Promise.resolve(undefined),
  async up(net) {
    for (const host of HOSTS) {
      await net.ip(host, `route add ${INNER[other(host)]} via ${OUTER[other(host)]} src ${INNER[host]}`);
    }
  },
  async down(net) {
    for (const host of HOSTS) await net.ip(host, `route del ${INNER[other(host)]}`);
  },
};

const KEY_BYTES: Record<string, number> = {
  aes128gcm16: 20,
  "aes128-sha1-96": 16,
  "aes256-sha2_256-128": 32,
  "3des-sha1-96": 24,
};
const AUTH_BYTES: Record<string, number> = { "sha1-96": 20, "sha2_256-128": 32 };

const key = (bytes: number, seed: number) =>
  "0x" + Array.from({ length: bytes }, (_, i) => ((i + 1) * 37 + seed & 0xff).toString(16).padStart(2, "0")).join("");

/** Ours: a tunnel keyed by hand. */
export function oneswan(ipsec: string, algorithm: string, udp: boolean): Peer {
  const env = (net: Net, host: Host) => ({ IPSEC_RUNDIR: `${net.directory}/${host}` });
  const tool = (net: Net, host: Host, words: string) => net.run(host, [ipsec, ...words.split(" ")], env(net, host));
  return {
    name: `oneswan ${algorithm}, ${udp ? "UDP-encapsulated" : "raw ESP"}`,
    missing: () => Promise.resolve(undefined),
    async up(net) {
      for (const host of HOSTS) {
        await tool(net, host, "klips --start");
        await tool(net, host, "tncfg --attach --virtual ipsec0 --physical eth0");
        await net.ip(host, "link set ipsec0 mtu 1420 up");
        for (const [i, from] of HOSTS.entries()) {
          const to = other(from), spi = `0x${i + 1}00`;
          const auth = algorithm.slice(algorithm.indexOf("-") + 1);
          const keys = `--enckey ${key(KEY_BYTES[algorithm], i)}` +
            (auth in AUTH_BYTES ? ` --authkey ${key(AUTH_BYTES[auth], 9)}` : "");
          const natt = udp ? " --natt espinudp --sport 4500 --dport 4500" : "";
          const tun = `tun${spi}@${OUTER[to]}`, esp = `esp${spi}@${OUTER[to]}`;
          await tool(net, host, `spi --said ${tun} --ip4 --src ${OUTER[from]} --dst ${OUTER[to]}`);
          await tool(
            net,
            host,
            `spi --said ${esp} --src ${OUTER[from]} --esp ${algorithm} --replay_window 64 ${keys}${natt}`,
          );
          await tool(net, host, `spigrp --said ${tun} ${esp}`);
          const flow = `--eraf inet --src ${NETWORK[from]} --dst ${NETWORK[to]} --said ${tun}`;
          await tool(net, host, `eroute ${from === host ? "--add" : "--addin"} ${flow}`);
        }
        await net.ip(host, `route add ${NETWORK[other(host)]} dev ipsec0 src ${INNER[host]}`);
      }
    },
    async down(net) {
      for (const host of HOSTS) await tool(net, host, "klips --stop");
    },
  };
}

function wireguard(program: string, label: string): Peer {
  return {
    name: label,
    async missing() {
      if (!await has(program)) return `${program} is not installed`;
      return await has("wg") ? undefined : "wireguard-tools is not installed";
    },
    async up(net) {
      const keys: Record<string, { secret: string; open: string }> = {};
      for (const host of HOSTS) {
        const secret = (await run(["wg", "genkey"])).trim();
        const open = (await run(["sh", "-c", `echo ${secret} | wg pubkey`])).trim();
        keys[host] = { secret, open };
      }
      for (const host of HOSTS) {
        const peer = other(host);
        const file = `${net.directory}/wg-${host}.key`;
        Deno.writeTextFileSync(file, keys[host].secret, { mode: 0o600 });
        const configure = `wg set wg0 listen-port 51820 private-key ${file} peer ${keys[peer].open} ` +
          `allowed-ips ${NETWORK[peer]} endpoint ${OUTER[peer]}:51820`;
        // A /run of its own, because the control socket's place is fixed.
        const script =
          `mount -t tmpfs tmpfs /run; mkdir -p /run/wireguard; (sleep 1; ${configure}) & exec ${program} -f wg0`;
        net.start(host, ["unshare", "-m", "sh", "-c", script], { WG_PROCESS_FOREGROUND: "1" });
        await until("wg0", () => net.ip(host, "link set wg0 mtu 1420 up").then(() => true));
        await net.ip(host, `route add ${NETWORK[peer]} dev wg0 src ${INNER[host]}`);
      }
      await until(
        "a WireGuard handshake",
        () => net.run("west", ["ping", "-c1", "-W1", "-I", INNER.west, INNER.east]).then(() => true),
      );
    },
    down: () => Promise.resolve(),
  };
}

export const wireguardGo = wireguard("wireguard-go", "wireguard-go (Debian 12)");
export const wireguardGoNew = wireguard(
  Deno.env.get("WIREGUARD_GO_NEW") ?? "wireguard-go-backports",
  "wireguard-go (backports)",
);

const CHARON = "/usr/lib/ipsec/charon";

/** strongSwan's charon with its user-space ESP. */
export const libipsec: Peer = {
  name: "strongSwan kernel-libipsec, aes128gcm16",
  async missing() {
    for (const file of [CHARON, "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"]) {
      if (!await Deno.stat(file).then(() => true, () => false)) return `${file} is not installed`;
    }
    return await has("swanctl") ? undefined : "strongswan-swanctl is not installed";
  },
  async up(net) {
    for (const host of HOSTS) {
      const dir = `${net.directory}/swan-${host}`;
      const peer = other(host);
      Deno.mkdirSync(`${dir}/swanctl`, { recursive: true });
      Deno.writeTextFileSync(
        `${dir}/strongswan.conf`,
        `charon {
  load = random nonce aes gcm sha1 sha2 hmac kdf pem openssl curve25519 kernel-libipsec kernel-netlink socket-default vici
  install_routes = no
  plugins {
    vici {
      socket = unix://${dir}/vici
    }
    kernel-libipsec {
      allow_peer_ts = yes
    }
  }
}
`,
      );
      Deno.writeTextFileSync(
        `${dir}/swanctl/swanctl.conf`,
        `connections {
  bench {
    version = 2
    local_addrs = ${OUTER[host]}
    remote_addrs = ${OUTER[peer]}
    proposals = aes128-sha256-ecp256
    local {
      auth = psk
      id = ${OUTER[host]}
    }
    remote {
      auth = psk
      id = ${OUTER[peer]}
    }
    children {
      net {
        local_ts = ${NETWORK[host]}
        remote_ts = ${NETWORK[peer]}
        esp_proposals = aes128gcm16
      }
    }
  }
}
secrets {
  ike-bench {
    secret = "only for the benchmark"
  }
}
`,
      );
      net.start(host, ["unshare", "-m", "sh", "-c", `mount -t tmpfs tmpfs /run; exec ${CHARON}`], {
        STRONGSWAN_CONF: `${dir}/strongswan.conf`,
      });
    }
    for (const host of HOSTS) {
      const dir = `${net.directory}/swan-${host}`;
      const swanctl = (...words: string[]) =>
        net.run(host, [
          "env",
          `STRONGSWAN_CONF=${dir}/strongswan.conf`,
          `SWANCTL_DIR=${dir}/swanctl`,
          "swanctl",
          ...words,
          "--uri",
          `unix://${dir}/vici`,
        ]);
      await until("charon's start", () => swanctl("--load-all").then(() => true));
      if (host === "east") {
        await net.run("west", [
          "env",
          `STRONGSWAN_CONF=${net.directory}/swan-west/strongswan.conf`,
          "swanctl",
          "--initiate",
          "--child",
          "net",
          "--uri",
          `unix://${net.directory}/swan-west/vici`,
        ]);
      }
    }
    for (const host of HOSTS) {
      await net.ip(host, `route add ${NETWORK[other(host)]} dev ipsec0 src ${INNER[host]}`);
    }
  },
  down: () => Promise.resolve(),
};
