/** wireguard-go, the user-space WireGuard: Debian's, and a newer one that knows segmentation offload. */
import { run, until } from "../tools/_net.ts";
import { AT, type Candidate, endsOf, INSTALL, isInstalled, TUNNEL_MTU, versionOf } from "./_candidate.ts";

const PORT = 51820;

interface KeyPair {
  readonly secret: string;
  readonly open: string;
}

async function makeKeys(): Promise<KeyPair> {
  const secret = (await run(["wg", "genkey"])).trim();
  return { secret, open: (await run(["wg", "pubkey"], { input: `${secret}\n` })).trim() };
}

function wireguard(name: string, program: string): Candidate {
  return {
    name,
    version: () => versionOf([program, "--version"]),
    async missing() {
      for (const needed of [program, "wg"]) {
        if (!await isInstalled(needed)) return `${needed} is not installed: ${INSTALL}`;
      }
    },
    async up(pair) {
      const keys = [await makeKeys(), await makeKeys()];
      for (const [i, { host, peer, ownInner, peerNet }] of endsOf(pair).entries()) {
        const file = `${host.directory}/wg.key`;
        await Deno.writeTextFile(file, keys[i].secret, { mode: 0o600 });
        const peerWords = `peer ${keys[1 - i].open} allowed-ips ${peerNet} endpoint ${peer}:${PORT}`;
        // The place of its control socket is fixed: a /run of its own keeps the two ends apart.
        const script = [
          "mount -t tmpfs tmpfs /run",
          "mkdir -p /run/wireguard",
          `(until [ -S /run/wireguard/wg0.sock ]; do sleep 0.1; done
            exec wg set wg0 listen-port ${PORT} private-key ${file} ${peerWords}) & exec ${program} -f wg0`,
        ].join("\n");
        host.start(["unshare", "-m", "sh", "-c", script], { WG_PROCESS_FOREGROUND: "1" });
        await until("wg0 is there", () => host.ip(`link set wg0 mtu ${TUNNEL_MTU} up`).then(() => true));
        await host.ip(`route add ${peerNet} dev wg0 src ${ownInner}`);
      }
      await until("a WireGuard handshake", () => pair.west.canPing(AT.eastInner));
    },
  };
}

export const WIREGUARD = wireguard("wireguard-go", "wireguard-go");
export const WIREGUARD_NEW = wireguard(
  "newer wireguard-go",
  Deno.env.get("WIREGUARD_GO_NEW") || "wireguard-go-backports",
);
