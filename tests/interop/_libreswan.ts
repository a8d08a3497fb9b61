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
  /** Lines of `config setup`. */
  readonly setup?: readonly string[];
  readonly secrets?: string;
  /** Whether it has no kernel but the stand-in; default yes. */
  readonly fakeKernel?: boolean;
}

/** An SA that it gave to the kernel. */
export interface KernelSa {
  readonly protocol: "esp" | "ah" | "comp";
  /** Of IPCOMP the CPI. */
  readonly spi: number;
  /** Where its packets go; IPv4. */
  readonly destination: string;
  readonly mode: "tunnel" | "transport";
  /** By XFRM's name of the algorithm: `aes`, `rfc4106(gcm(aes))`, `hmac(sha256)`. Keys are hexadecimal. */
  readonly keys: Readonly<Record<string, string>>;
}

/** Our names of what XFRM calls otherwise; of ciphers without the length of the key. */
const CIPHER_NAMES: Readonly<Record<string, (keyBits: number) => string>> = {
  aes: (keyBits) => `aes${keyBits}`,
  des3_ede: () => "3des",
  "rfc4106(gcm(aes))": (keyBits) => `aes${keyBits - 32}gcm16`,
};
const AUTH_NAMES: Readonly<Record<string, string>> = {
  md5: "md5-96",
  sha1: "sha1-96",
  "hmac(sha256)": "sha2_256-128",
  "hmac(sha384)": "sha2_384-192",
  "hmac(sha512)": "sha2_512-256",
};

const OUTERMOST_FIRST = ["ah", "esp", "comp"];

/** The latest SAs to a destination, as `_peer.py` reads them. @param sas of one negotiation */
export function layersTo(destination: string, sas: readonly KernelSa[]): Record<string, unknown>[] {
  return sas.filter((sa) => sa.destination === destination)
    .toSorted((a, b) => OUTERMOST_FIRST.indexOf(a.protocol) - OUTERMOST_FIRST.indexOf(b.protocol))
    .map(layerOf);
}

function layerOf({ protocol, spi, keys }: KernelSa): Record<string, unknown> {
  const layer: Record<string, unknown> = { protocol, spi };
  for (const [name, key] of Object.entries(keys)) {
    if (CIPHER_NAMES[name]) Object.assign(layer, { cipher: CIPHER_NAMES[name](key.length * 4), key });
    else if (AUTH_NAMES[name]) Object.assign(layer, { auth: AUTH_NAMES[name], authKey: key });
    else throw new Error(`libreswan has chosen ${name}`);
  }
  return layer;
}

export class Libreswan implements Speaker {
  private constructor(readonly host: Host, readonly daemon: Daemon, readonly directory: string) {}

  /** Starts it, and returns once it listens; no conn is loaded yet. */
  static async start(
    host: Host,
    { conns, setup = [], secrets = "", fakeKernel = true }: LibreswanOptions,
  ): Promise<Libreswan> {
    const directory = directoryOf(host);
    for (const folder of ["run", "ipsec.d"]) await Deno.mkdir(`${directory}/${folder}`, { recursive: true });
    const lines = ["ikev1-policy=accept", "uniqueids=no", ...setup].map((line) => `\t${line}\n`).join("");
    await Deno.writeTextFile(`${directory}/ipsec.conf`, `config setup\n${lines}\n${conns}`);
    await Deno.writeTextFile(`${directory}/ipsec.secrets`, secrets, { mode: 0o600 });
    await makeNss(host);
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

  /** Loads a conn of its ipsec.conf. */
  async add(name: string): Promise<void> {
    await this.run(`addconn ${this.#control} ${name}`);
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
  await makeNss(host);
  await host.run(inside(`rsasigkey --nssdir ${directory}/nss ${bits}`));
  const ckaid = /ckaid: ([0-9a-f]+)/.exec(await host.run(inside(`showhostkey --nssdir ${directory}/nss --list`)))![1];
  const line = await host.run(inside(`showhostkey --nssdir ${directory}/nss --left --ckaid ${ckaid}`));
  return { ckaid, key: /leftrsasigkey=(0s\S+)/.exec(line)![1] };
}

/** Its database of keys, where it has none yet. */
async function makeNss(host: Host): Promise<void> {
  const folder = `${directoryOf(host)}/nss`;
  await Deno.mkdir(folder, { recursive: true });
  if (await Deno.stat(`${folder}/key4.db`).then(() => true, () => false)) return;
  await host.run(["certutil", "-N", "-d", `sql:${folder}`, "--empty-password"]);
}

function directoryOf(host: Host): string {
  return `${host.directory}/libreswan`;
}

/** Its programs call each other by their place in the system, so they get it, in a mount namespace of their own. */
function inside(words: string): string[] {
  return ["unshare", "-m", "sh", "-c", `mount --bind ${LIBEXEC} /usr/libexec; exec /usr/libexec/ipsec/${words}`];
}

// linux/xfrm.h: struct nlmsghdr, struct xfrm_usersa_info, attributes
const NETLINK_HEADER = 16, USER_SA = 224, DESTINATION_AT = 56, SPI_AT = 72, PROTOCOL_AT = 76, MODE_AT = 214;
const PROTOCOL_NAMES: Readonly<Record<number, KernelSa["protocol"]>> = { 50: "esp", 51: "ah", 108: "comp" };
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
    protocol: PROTOCOL_NAMES[message[NETLINK_HEADER + PROTOCOL_AT]],
    spi: view.getUint32(NETLINK_HEADER + SPI_AT),
    destination: message.subarray(NETLINK_HEADER + DESTINATION_AT).subarray(0, 4).join("."),
    mode: message[NETLINK_HEADER + MODE_AT] === 1 ? "tunnel" : "transport",
    keys,
  };
}
