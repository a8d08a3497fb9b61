/**
 * strongSwan's charon on a host of the test's net, with kernel-libipsec, its ESP in user space: tunnel mode, always in
 * UDP. What it is to do is given as swanctl.conf(5) has it; what it did is read from its log and from swanctl(8).
 */
import { type Daemon, type Host, until } from "../../tools/_net.ts";
import { says, type Speaker, withWords } from "./_log.ts";
import { parseVici, type Vici } from "./_vici.ts";

const CHARON = "/usr/lib/ipsec/charon";
/** Without certificates, the resolver, and what would meddle with the machine's files. */
const PLUGINS = "random nonce openssl gmp aes gcm chapoly sha1 sha2 md5 hmac kdf pem pkcs1 pkcs8 pubkey dnskey " +
  "kernel-libipsec kernel-netlink socket-default vici xauth-generic attr";
/** Of IKE's own packets: a route to the peer by way of ipsec0 does not catch them. */
const MARK = "0x42";

/** Sections and settings of strongswan.conf(5) and swanctl.conf(5). */
export interface Settings {
  readonly [name: string]: string | number | boolean | Settings | undefined;
}

/** @returns the text of a configuration file */
export function formatSettings(settings: Settings, indent = ""): string {
  let text = "";
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    if (typeof value === "object") text += `${indent}${name} {\n${formatSettings(value, `${indent}  `)}${indent}}\n`;
    else text += `${indent}${name} = ${typeof value === "boolean" ? value ? "yes" : "no" : value}\n`;
  }
  return text;
}

export interface CharonOptions {
  /** swanctl.conf(5), or its text. */
  readonly swanctl: Settings | string;
  /** More of strongswan.conf's `charon`, for example retransmission. */
  readonly charon?: Settings;
  /** Keys by their place below swanctl's folder, for example `pubkey/west.pem`. */
  readonly files?: Readonly<Record<string, string>>;
}

/** One IKE_SA with its CHILD_SAs, as `swanctl --list-sas` tells. */
export interface CharonSa {
  readonly name: string;
  readonly state: string;
  readonly fields: Vici;
  readonly children: readonly { readonly name: string; readonly state: string; readonly fields: Vici }[];
}

export class Charon implements Speaker {
  #daemon: Daemon;
  readonly #directory: string;

  private constructor(readonly host: Host, daemon: Daemon) {
    this.#daemon = daemon;
    this.#directory = directoryOf(host);
  }

  /** Starts it, and returns once its connections are loaded. */
  static async start(host: Host, { swanctl, charon = {}, files = {} }: CharonOptions): Promise<Charon> {
    const directory = directoryOf(host);
    await Deno.mkdir(`${directory}/swanctl`, { recursive: true });
    for (const [place, text] of Object.entries(files)) {
      const file = `${directory}/swanctl/${place}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(file, text, { mode: 0o600 });
    }
    await Deno.writeTextFile(`${directory}/strongswan.conf`, formatSettings({ charon: daemonSettings(host, charon) }));
    await writeSwanctl(host, swanctl);
    const self = new Charon(host, launch(host));
    await self.#ready();
    return self;
  }

  /** Its words so far, without those about swanctl's coming and going. */
  get log(): string {
    return this.#daemon.output.replace(/^.*vici client \d+ .*\n/gm, "");
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  get name(): string {
    return `charon on ${this.host.name}`;
  }

  /** Waits for a line of its log. @param from where in the log to begin */
  says(what: RegExp, from = 0): Promise<RegExpExecArray> {
    return says(this, what, from);
  }

  /** `swanctl` with the words of a line, which must succeed. */
  swanctl(words: string): Promise<string> {
    return this.host.run(this.#words(words), { env: environment(this.host) });
  }

  trySwanctl(words: string): ReturnType<Host["attempt"]> {
    return this.host.attempt(this.#words(words), { env: environment(this.host) });
  }

  /** Takes other connections and secrets in place of those that it has. */
  async load(swanctl: Settings | string): Promise<void> {
    await writeSwanctl(this.host, swanctl);
    await this.swanctl("--load-all --clear");
  }

  async sas(): Promise<CharonSa[]> {
    const found: CharonSa[] = [];
    for (const event of parseVici(await this.swanctl("--list-sas --raw"))) {
      if (event.name !== "list-sa event") continue;
      for (const [name, fields] of Object.entries(event.fields)) {
        if (typeof fields !== "object" || Array.isArray(fields)) continue;
        const { "child-sas": children = {}, ...rest } = fields as Record<string, Vici>;
        found.push({
          name,
          state: String(rest.state),
          fields: rest,
          children: Object.values(children as Record<string, Vici>).map((child) => {
            return { name: String(child.name), state: String(child.state), fields: child };
          }),
        });
      }
    }
    return found;
  }

  /** Waits until it has one IKE_SA with one CHILD_SA of this name, both established; gives them. */
  async established(child = "net"): Promise<{ readonly ike: Vici; readonly child: Vici }> {
    let found: { ike: Vici; child: Vici } | undefined;
    await withWords(this, () =>
      until(`${this.name} has the CHILD_SA ${child}`, async () => {
        for (const sa of await this.sas()) {
          const one = sa.children.find(({ name, state }) => name === child && state === "INSTALLED");
          if (sa.state === "ESTABLISHED" && one) found = { ike: sa.fields, child: one.fields };
        }
        return found;
      }));
    return found!;
  }

  /** SIGTERM: it tells its peers. */
  async stop(): Promise<void> {
    await this.#daemon.stop("SIGTERM");
  }

  /** SIGKILL: it tells nobody. */
  async kill(): Promise<void> {
    await this.#daemon.stop("SIGKILL");
  }

  /** After {@linkcode stop} or {@linkcode kill}: the same again, with a log of its own. */
  async again(): Promise<void> {
    this.#daemon = launch(this.host);
    await this.#ready();
  }

  async #ready(): Promise<void> {
    await until(`${this.name} loads its configuration`, async () => {
      if (this.#daemon.ended !== undefined) throw new Error(this.log);
      await this.swanctl("--load-all");
      return true;
    });
  }

  /** Of VICI. */
  get socket(): string {
    return `${this.#directory}/vici`;
  }

  #words(words: string): string[] {
    return ["swanctl", ...words.split(" "), "--uri", `unix://${this.socket}`];
  }
}

function directoryOf(host: Host): string {
  return `${host.directory}/strongswan`;
}

async function writeSwanctl(host: Host, swanctl: Settings | string): Promise<void> {
  const text = typeof swanctl === "string" ? swanctl : formatSettings(swanctl);
  await Deno.writeTextFile(`${directoryOf(host)}/swanctl/swanctl.conf`, text, { mode: 0o600 });
}

function environment(host: Host): Record<string, string> {
  const directory = directoryOf(host);
  return { STRONGSWAN_CONF: `${directory}/strongswan.conf`, SWANCTL_DIR: `${directory}/swanctl` };
}

function launch(host: Host): Daemon {
  // The place of its pid file is fixed.
  const words = ["unshare", "-m", "sh", "-c", `mount -t tmpfs tmpfs /run; exec ${CHARON}`];
  return host.start(words, environment(host));
}

function daemonSettings(host: Host, more: Settings): Settings {
  const { plugins, ...rest } = more;
  return {
    load: PLUGINS,
    filelog: { stderr: { default: 1, cfg: 2, flush_line: true } },
    // Answers, and the end of waiting, in the time of a test.
    retransmit_timeout: 1,
    retransmit_base: 1.4,
    retransmit_tries: 4,
    plugins: {
      vici: { socket: `unix://${directoryOf(host)}/vici` },
      "kernel-libipsec": { allow_peer_ts: true },
      "kernel-netlink": { fwmark: `!${MARK}` },
      "socket-default": { fwmark: MARK },
      ...plugins as Settings,
    },
    ...rest,
  };
}
