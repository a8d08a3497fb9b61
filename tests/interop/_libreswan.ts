/**
 * libreswan's pluto on a host of the test's net, from the folder that LIBRESWAN_ROOT names (unpack_libreswan.sh makes
 * it). The kernel need not have ESP: `_fake_xfrm.c` takes the SAs that pluto would install, so that negotiation comes
 * to its end. Data cannot flow.
 */
import { type Daemon, type Host, type Ran, until } from "../../tools/_net.ts";
import { says, type Speaker } from "./_log.ts";

export const LIBRESWAN_ROOT = Deno.env.get("LIBRESWAN_ROOT") ?? "";
const LIBEXEC = `${LIBRESWAN_ROOT}/usr/libexec`;

export interface LibreswanOptions {
  /** ipsec.conf: its conns. */
  readonly conns: string;
  readonly setup?: readonly string[];
  readonly secrets?: string;
  /** Whether it has no kernel but the stand-in; default yes. */
  readonly fakeKernel?: boolean;
}

/** An SA that it gave to the kernel. */
export interface KernelSa {
  readonly spi: number;
  readonly mode: "tunnel" | "transport";
  /** By XFRM's name of the algorithm: `cbc(aes)`, `rfc4106(gcm(aes))`, `hmac(sha256)`. Keys are hexadecimal. */
  readonly keys: Readonly<Record<string, string>>;
}

export class Libreswan implements Speaker {
  private constructor(readonly host: Host, readonly daemon: Daemon, readonly directory: string) {}

  /** Starts it, and returns once its connections are loaded and it listens. */
  static async start(
    host: Host,
    { conns, setup = [], secrets = "", fakeKernel = true }: LibreswanOptions,
  ): Promise<Libreswan> {
    const directory = directoryOf(host);
    for (const folder of ["run", "nss", "ipsec.d"]) await Deno.mkdir(`${directory}/${folder}`, { recursive: true });
    const lines = ["ikev1-policy=accept", "uniqueids=no", ...setup].map((line) => `\t${line}\n`).join("");
    await Deno.writeTextFile(`${directory}/ipsec.conf`, `config setup\n${lines}\n${conns}`);
    await Deno.writeTextFile(`${directory}/ipsec.secrets`, secrets, { mode: 0o600 });
    const nss = `sql:${directory}/nss`;
    await host.run(["certutil", "-N", "-d", nss, "--empty-password"]);
    const fake = { FAKE_XFRM_LOG: `${directory}/xfrm.log`, LD_PRELOAD: `${LIBRESWAN_ROOT}/fake_xfrm.so` };
    const daemon = host.start(
      inside([
        "pluto --nofork --stderrlog --no-dnssec",
        `--config ${directory}/ipsec.conf --secretsfile ${directory}/ipsec.secrets`,
        `--ipsecdir ${directory}/ipsec.d --nssdir ${directory}/nss --rundir ${directory}/run --dumpdir ${directory}/run`,
      ].join(" ")),
      fakeKernel ? fake : {},
    );
    const self = new Libreswan(host, daemon, directory);
    await until(`${self.name} listens`, () => {
      if (daemon.ended !== undefined) throw new Error(self.log);
      return self.log.includes("loading secrets from");
    });
    for (const [, name] of conns.matchAll(/^conn (?!%)(\S+)/gm)) await self.run(`addconn ${self.#control} ${name}`);
    return self;
  }

  get log(): string {
    return this.daemon.output;
  }

  get name(): string {
    return `libreswan on ${this.host.name}`;
  }

  get #control(): string {
    return `--ctlsocket ${this.directory}/run/pluto.ctl --config ${this.directory}/ipsec.conf`;
  }

  /** A program of its folder, with the words of a line, which must succeed. */
  async run(words: string): Promise<string> {
    return await this.host.run(inside(words));
  }

  /** `whack` with the words of a line, whatever its status. */
  whack(words: string): Promise<Ran> {
    return this.host.attempt(inside(`whack --rundir ${this.directory}/run ${words}`));
  }

  /** Waits for a line of its log. @param from where in the log to begin */
  says(what: RegExp, from = 0): Promise<RegExpExecArray> {
    return says(this, what, from);
  }

  /** What the stand-in was given, oldest first. */
  async kernelSas(): Promise<KernelSa[]> {
    const text = await Deno.readTextFile(`${this.directory}/xfrm.log`).catch(() => "");
    return text.split("\n").filter(Boolean).map((line) => readKernelSa(Uint8Array.fromHex(line)));
  }
}

/** A new key pair in the NSS database of a host that is not started yet. @returns it in the form of ipsec.conf */
export async function libreswanKey(host: Host, bits = 2192): Promise<{ readonly ckaid: string; readonly key: string }> {
  const directory = directoryOf(host);
  await Deno.mkdir(`${directory}/nss`, { recursive: true });
  await host.run(["certutil", "-N", "-d", `sql:${directory}/nss`, "--empty-password"]);
  await host.run(inside(`rsasigkey --nssdir ${directory}/nss ${bits}`));
  const ckaid = /ckaid: ([0-9a-f]+)/.exec(await host.run(inside(`showhostkey --nssdir ${directory}/nss --list`)))![1];
  const line = await host.run(inside(`showhostkey --nssdir ${directory}/nss --left --ckaid ${ckaid}`));
  return { ckaid, key: /leftrsasigkey=(0s\S+)/.exec(line)![1] };
}

function directoryOf(host: Host): string {
  return `${host.directory}/libreswan`;
}

/** Its programs call each other by their place in the system, so they get it, in a mount namespace of their own. */
function inside(words: string): string[] {
  return ["unshare", "-m", "sh", "-c", `mount --bind ${LIBEXEC} /usr/libexec; exec /usr/libexec/ipsec/${words}`];
}

// linux/xfrm.h: struct nlmsghdr, struct xfrm_usersa_info, attributes
const NETLINK_HEADER = 16, USER_SA = 224, SPI_AT = 72, MODE_AT = 214;
const ALGORITHM_NAME = 64;
/** Where the key of an algorithm's attribute begins. */
const KEY_AT: Readonly<Record<number, number>> = { 1: 68, 2: 68, 18: 72, 20: 72 }; // AUTH, CRYPT, AEAD, AUTH_TRUNC

function readKernelSa(message: Uint8Array): KernelSa {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const keys: Record<string, string> = {};
  const text = new TextDecoder();
  for (let at = NETLINK_HEADER + USER_SA; at + 4 <= message.length;) {
    const length = view.getUint16(at, true), type = view.getUint16(at + 2, true), body = at + 4;
    if (type in KEY_AT) {
      const name = text.decode(message.subarray(body, body + ALGORITHM_NAME)).replace(/\0.*$/s, "");
      const key = body + KEY_AT[type], bytes = view.getUint32(body + ALGORITHM_NAME, true) / 8;
      keys[name] = message.subarray(key, key + bytes).toHex();
    }
    at += length + 3 & ~3;
  }
  return {
    spi: view.getUint32(NETLINK_HEADER + SPI_AT),
    mode: message[NETLINK_HEADER + MODE_AT] === 1 ? "tunnel" : "transport",
    keys,
  };
}
