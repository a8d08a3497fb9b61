/** strongSwan's charon with kernel-libipsec, its user-space ESP, which is always in UDP. */
import { until } from "../tools/_net.ts";
import { type Candidate, type End, endsOf, INSTALL, isInstalled, versionOf } from "./_candidate.ts";

const CHARON = "/usr/lib/ipsec/charon";
const PLUGINS = "/usr/lib/ipsec/plugins";
/** Files of Debian's packages; some come only as recommended ones. */
const NEEDED: readonly (readonly [file: string, debian: string])[] = [
  [CHARON, "strongswan-charon"],
  [`${PLUGINS}/libstrongswan-kernel-libipsec.so`, "libcharon-extra-plugins"],
  [`${PLUGINS}/libstrongswan-gcm.so`, "libstrongswan-standard-plugins"],
  [`${PLUGINS}/libstrongswan-openssl.so`, "libstrongswan-standard-plugins"],
];

const DAEMON_CONF = (socket: string) => `
charon {
  load = random nonce openssl aes gcm sha1 sha2 hmac kdf kernel-libipsec kernel-netlink socket-default vici
  install_routes = no
  plugins {
    vici {
      socket = ${socket}
    }
    kernel-libipsec {
      allow_peer_ts = yes
    }
  }
}
`;

const CONNECTION = ({ own, peer, ownNet, peerNet }: End) => `
connections {
  bench {
    version = 2
    local_addrs = ${own}
    remote_addrs = ${peer}
    proposals = aes128-sha256-ecp256
    local {
      auth = psk
    }
    remote {
      auth = psk
    }
    children {
      net {
        local_ts = ${ownNet}
        remote_ts = ${peerNet}
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
`;

async function start(end: End): Promise<(...words: string[]) => Promise<string>> {
  const { host } = end;
  const directory = `${host.directory}/strongswan`;
  const socket = `unix://${directory}/vici`;
  await Deno.mkdir(`${directory}/swanctl`, { recursive: true });
  await Deno.writeTextFile(`${directory}/strongswan.conf`, DAEMON_CONF(socket));
  await Deno.writeTextFile(`${directory}/swanctl/swanctl.conf`, CONNECTION(end), { mode: 0o600 });
  const env = { STRONGSWAN_CONF: `${directory}/strongswan.conf`, SWANCTL_DIR: `${directory}/swanctl` };
  const swanctl = (...words: string[]) => host.run(["swanctl", ...words, "--uri", socket], { env });
  // The place of its pid file is fixed.
  host.start(["unshare", "-m", "sh", "-c", `mount -t tmpfs tmpfs /run; exec ${CHARON}`], env);
  await until("charon loads its configuration", () => swanctl("--load-all").then(() => true));
  return swanctl;
}

export const LIBIPSEC: Candidate = {
  name: "kernel-libipsec",
  version: () => versionOf([CHARON, "--version"]),
  async missing() {
    for (const [file, debian] of NEEDED) {
      if (!await Deno.stat(file).then(() => true, () => false)) {
        return `${file} of ${debian} is not installed: ${INSTALL}`;
      }
    }
    return await isInstalled("swanctl") ? undefined : `strongswan-swanctl is not installed: ${INSTALL}`;
  },
  async up(pair) {
    const ends = endsOf(pair);
    const swanctls = [];
    for (const end of ends) swanctls.push(await start(end));
    await swanctls[0]("--initiate", "--child", "net");
    for (const { host, ownInner, peerNet } of ends) {
      // Its own MTU of 1400 stays: libipsec reads no more than that, and cuts off the rest of longer packets.
      await host.ip("link set ipsec0 up");
      await host.ip(`route add ${peerNet} dev ipsec0 src ${ownInner}`);
    }
  },
};
