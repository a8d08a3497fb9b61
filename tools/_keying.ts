/** Tunnels keyed by hand between two hosts of a {@linkcode Net}, with the commands that a user would type. */
import { ADDRESS, type Family, type FourHosts, type Host } from "./_net.ts";

export interface Keying {
  /** As on the command line of `ipsec spi`: for example `aes128gcm16`, `aes128-sha1-96`; undefined for none. */
  readonly esp?: string;
  /** For example `sha2_256-128`. */
  readonly ah?: string;
  readonly comp?: boolean;
  /** Default: tunnel. */
  readonly mode?: "tunnel" | "transport";
  /** Of the addresses outside; default inet. */
  readonly outer?: Family;
  /** Of the addresses inside; default that of `outer`. */
  readonly inner?: Family;
  /** ESP in UDP, port 4500 on both sides. */
  readonly natt?: boolean;
  /** More words for `ipsec spi` of ESP and AH, for example `--life hard-packets=3`. */
  readonly extra?: string;
}

const ENC_KEY_BYTES: Record<string, number> = {
  "3des": 24,
  aes128: 16,
  aes192: 24,
  aes256: 32,
  aes128gcm16: 20,
  aes256gcm16: 36,
  chacha20poly1305: 36,
};
const AUTH_KEY_BYTES: Record<string, number> = {
  "md5-96": 16,
  "sha1-96": 20,
  "sha2_256-128": 32,
  "sha2_384-192": 48,
  "sha2_512-256": 64,
};

/** A key that anyone can compute again: for tests on one machine only. SPIs that differ in one of two bytes get other keys. */
export function testKey(bytes: number, seed: number): string {
  const octet = (i: number) => ((i + 1) * 37 + seed * 101 + (seed >>> 8) * 59 & 0xff).toString(16).padStart(2, "0");
  return "0x" + Array.from({ length: bytes }, (_, i) => octet(i)).join("");
}

/** Cipher and authenticator of a name such as `aes128-sha1-96`. */
export function splitAlgorithm(name: string): [cipher: string, auth: string | undefined] {
  const dash = name.indexOf("-");
  return dash < 0 ? [name, undefined] : [name.slice(0, dash), name.slice(dash + 1)];
}

/** Words of `ipsec spi` for the keys of an ESP algorithm; a different `seed`, different keys. */
export function espKeyWords(algorithm: string, seed: number): string {
  const [cipher, auth] = splitAlgorithm(algorithm);
  const enc = `--enckey ${testKey(ENC_KEY_BYTES[cipher], seed)}`;
  return auth ? `${enc} --authkey ${testKey(AUTH_KEY_BYTES[auth], seed + 1)}` : enc;
}

export function ahKeyWords(auth: string, seed: number): string {
  return `--authkey ${testKey(AUTH_KEY_BYTES[auth], seed + 1)}`;
}

/** Starts KLIPS on a host and attaches ipsec0 to eth0. */
export async function startKlips(host: Host, words = ""): Promise<void> {
  await host.ipsec(`klips --start${words && ` ${words}`}`);
  await host.ipsec("tncfg --attach --virtual ipsec0 --physical eth0");
  await host.ip("link set ipsec0 up");
}

interface Ends {
  readonly from: string;
  readonly to: string;
  /** Networks, or hosts in transport mode. */
  readonly source: string;
  readonly destination: string;
}

/** One direction's commands, for the host that sends (`out`) or receives. Both hosts type the same `spi` lines. */
export function directionWords(keying: Keying, ends: Ends, spi: number, out: boolean): string[] {
  const outer = keying.outer ?? "inet", inner = keying.inner ?? outer;
  const sep = outer === "inet" ? "." : ":";
  const id = (protocol: string) => `${protocol}${sep}${spi.toString(16)}@${ends.to}`;
  const commands: string[] = [];
  const chain: string[] = [];
  const tunnel = keying.mode !== "transport";
  if (tunnel) {
    const flag = outer === "inet" ? "--ip4" : "--ip6";
    commands.push(`spi --said ${id("tun")} ${flag} --src ${ends.from} --dst ${ends.to}`);
    chain.push(id("tun"));
  }
  if (keying.comp) {
    commands.push(`spi --said ${id("comp")} --src ${ends.from} --comp deflate`);
    chain.push(id("comp"));
  }
  const extra = keying.extra ? ` ${keying.extra}` : "";
  if (keying.esp) {
    const natt = keying.natt ? " --natt espinudp --sport 4500 --dport 4500" : "";
    commands.push(
      `spi --said ${id("esp")} --src ${ends.from} --esp ${keying.esp} --replay_window 64 ` +
        `${espKeyWords(keying.esp, spi)}${natt}${extra}`,
    );
    chain.push(id("esp"));
  }
  if (keying.ah) {
    commands.push(
      `spi --said ${id("ah")} --src ${ends.from} --ah ${keying.ah} --replay_window 64 ` +
        `${ahKeyWords(keying.ah, spi)}${extra}`,
    );
    chain.push(id("ah"));
  }
  if (chain.length > 1) commands.push(`spigrp --said ${chain.join(" ")}`);
  const flow = `--eraf ${inner} --src ${ends.source} --dst ${ends.destination} --said ${chain[0]}`;
  if (out) commands.push(`eroute --replace ${flow}`);
  else if (tunnel) commands.push(`eroute --addin ${flow}`);
  return commands;
}

/** Runs `ipsec` with the words of a line on a host. */
export type RunIpsec = (host: Host, words: string) => Promise<unknown>;

const asProgram: RunIpsec = (host, words) => host.ipsec(words);

/** Runs the commands of one direction on a host. */
export async function keyDirection(
  host: Host,
  keying: Keying,
  ends: Ends,
  spi: number,
  out: boolean,
  ipsec: RunIpsec = asProgram,
): Promise<void> {
  for (const words of directionWords(keying, ends, spi, out)) await ipsec(host, words);
}

/**
 * Keys both directions between west and east, and routes what is to be protected into ipsec0.
 *
 * @param spi of the direction to the east; the other one is 0x100 higher
 * @param ipsec how the commands are run; default: each as a program
 */
export async function keyTunnel(
  { west, east }: Pick<FourHosts, "west" | "east">,
  keying: Keying,
  spi = 0x1000,
  ipsec: RunIpsec = asProgram,
): Promise<void> {
  const outer = ADDRESS[keying.outer ?? "inet"];
  const inner = ADDRESS[keying.inner ?? keying.outer ?? "inet"];
  const transport = keying.mode === "transport";
  const bits = (keying.outer ?? "inet") === "inet" ? 32 : 128;
  const eastward: Ends = {
    from: outer.west,
    to: outer.east,
    source: transport ? `${outer.west}/${bits}` : inner.westNet,
    destination: transport ? `${outer.east}/${bits}` : inner.eastNet,
  };
  const westward: Ends = {
    from: eastward.to,
    to: eastward.from,
    source: eastward.destination,
    destination: eastward.source,
  };
  const ends = [[west, eastward, westward, 0], [east, westward, eastward, 1]] as const;
  await Promise.all(ends.map(async ([host, out, back, route]) => {
    await keyDirection(host, keying, out, spi + 0x100 * route, true, ipsec);
    await keyDirection(host, keying, back, spi + 0x100 * (1 - route), false, ipsec);
    const dashed = out.destination.includes(":") ? "-6" : "-4";
    await host.ip(
      `${dashed} route replace ${out.destination} dev ipsec0 src ${transport ? out.from : innerOf(host.name, inner)}`,
    );
  }));
}

function innerOf(name: string, inner: typeof ADDRESS[Family]): string {
  return name === "west" ? inner.westInner : inner.eastInner;
}
