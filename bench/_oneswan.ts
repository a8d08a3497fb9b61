/** Our tunnels, keyed by hand. */
import { keyTunnel, startKlips } from "../tools/_keying.ts";
import { ipsecCommand } from "../tools/_net.ts";
import { type Candidate, endsOf, PLAIN, TUNNEL_MTU, versionOf } from "./_candidate.ts";

export const ALGORITHMS = ["aes128gcm16", "aes128-sha1-96", "aes256-sha2_256-128", "3des-sha1-96"] as const;

export function oneswanName(algorithm: string, natt: boolean): string {
  return `${algorithm}, ${natt ? "UDP-encapsulated" : "raw ESP"}`;
}

function oneswan(algorithm: string, natt: boolean): Candidate {
  return {
    name: oneswanName(algorithm, natt),
    version: () => versionOf([...ipsecCommand(), "--version"]),
    missing: () => Promise.resolve(undefined),
    async up(pair) {
      for (const host of [pair.west, pair.east]) {
        await startKlips(host);
        await host.ip(`link set ipsec0 mtu ${TUNNEL_MTU}`);
      }
      await keyTunnel(pair, { esp: algorithm, natt });
    },
  };
}

export const OURS: readonly Candidate[] = ALGORITHMS.flatMap((name) => [oneswan(name, true), oneswan(name, false)]);

/** Traffic that a decision lets go in the clear, as after opportunism has found no record: through KLIPS all the same. */
export const PASSED: Candidate = {
  name: "clear traffic, %pass",
  version: () => versionOf([...ipsecCommand(), "--version"]),
  missing: () => Promise.resolve(undefined),
  async up(pair) {
    await PLAIN.up(pair); // how packets leave that KLIPS passes
    for (const { host, ownInner, ownNet, peerNet } of endsOf(pair)) {
      await startKlips(host);
      await host.ipsec(`eroute --add --eraf inet --src ${ownNet} --dst ${peerNet} --said %pass`);
      for (const half of halvesOf(peerNet)) await host.ip(`route add ${half} dev ipsec0 src ${ownInner}`);
    }
  },
};

/** More specific than the network's own route, which stays for what comes out of KLIPS. */
function halvesOf(net: string): string[] {
  const base = net.replace(/0\/24$/, "");
  return [`${base}0/25`, `${base}128/25`];
}
