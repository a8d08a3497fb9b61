/**
 * A small DNS of the test's own: Knot serves a signed root with signed zones below it, Unbound validates from that root's
 * key. What they prove is proved by software that is not ours.
 */
import { type Daemon, type Host, until } from "../../tools/_net.ts";

/** Records of a zone in the form of zone files; owners are relative to the zone. */
export type Zones = Readonly<Record<string, string>>;

const HEAD = `$TTL 5
@ SOA ns.example. root.example. 1 3600 600 86400 2
@ NS ns.example.
`;

/** Knot on a host: authority for the root, `example.` and whatever else a test names. */
export class Authority {
  readonly #host: Host;
  readonly #folder: string;
  readonly address: string;
  readonly #zones: Map<string, string>;
  #daemon: Daemon | undefined;

  private constructor(host: Host, address: string, zones: Zones) {
    this.#host = host;
    this.#folder = `${host.directory}/knot`;
    this.address = address;
    this.#zones = new Map(Object.entries({ "example.": "", ...zones }));
  }

  /** @param zones by their names, with the dot of the root */
  static async start(host: Host, address: string, zones: Zones): Promise<Authority> {
    const authority = new Authority(host, address, zones);
    await authority.#prepare();
    await authority.resume();
    await authority.#delegate();
    return authority;
  }

  /** DS of the root: what a resolver trusts. */
  async trustAnchor(): Promise<string> {
    return (await this.#signers(".")).join("\n");
  }

  /** The records of a zone become others; they are signed at once. */
  async set(zone: string, records: string): Promise<void> {
    this.#zones.set(zone, records);
    await this.#write(zone, records);
    await this.#control("-b", "zone-reload", zone);
  }

  /** Nobody answers until {@linkcode resume}. */
  async pause(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async resume(): Promise<void> {
    this.#daemon = this.#host.start(["knotd", "-c", `${this.#folder}/knot.conf`]);
    await until("knotd answers", async () => (await this.#control("status")).includes("Running"));
  }

  async #prepare(): Promise<void> {
    for (const folder of ["run", "db"]) await Deno.mkdir(`${this.#folder}/${folder}`, { recursive: true });
    const zones = [".", ...this.#zones.keys()];
    await Deno.writeTextFile(`${this.#folder}/knot.conf`, this.#configuration(zones));
    for (const zone of zones) await this.#write(zone, this.#zones.get(zone) ?? "");
  }

  #configuration(zones: readonly string[]): string {
    const folder = this.#folder;
    return `server:
    rundir: "${folder}/run"
    user: root:root
    listen: ${this.address}@53
database:
    storage: "${folder}/db"
policy:
  - id: test
    single-type-signing: on
    algorithm: ecdsap256sha256
    zone-max-ttl: 60
template:
  - id: default
    storage: "${folder}"
    dnssec-signing: on
    dnssec-policy: test
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
zone:
${zones.map((zone) => `  - domain: ${zone}\n    file: ${this.#file(zone)}\n`).join("")}`;
  }

  #file(zone: string): string {
    return zone === "." ? "root.zone" : `${zone}zone`;
  }

  async #write(zone: string, records: string): Promise<void> {
    const own = zone === "example." ? `ns A ${this.address}\n` : "";
    await Deno.writeTextFile(`${this.#folder}/${this.#file(zone)}`, `$ORIGIN ${zone}\n${HEAD}${own}${records}\n`);
  }

  /** The root names the zones below it, with what they are signed by. */
  async #delegate(): Promise<void> {
    const zones = [...this.#zones.keys()];
    const signers = await Promise.all(zones.map((zone) => this.#signers(zone)));
    const lines = zones.map((zone, i) => `${zone} NS ns.example.\n${signers[i].join("\n")}\n`);
    await this.set(".", `ns.example. A ${this.address}\n${lines.join("")}`);
  }

  /** Knot makes the keys when it signs the first time. */
  async #signers(zone: string): Promise<string[]> {
    let signers: string[] = [];
    await until(`${zone} is signed`, async () => {
      const text = await this.#host.run(["keymgr", "-c", `${this.#folder}/knot.conf`, zone, "ds"]);
      signers = text.split("\n").filter((line) => / DS \d+ \d+ 2 /.test(line));
      if (!signers.length) {
        throw new Error(this.#daemon?.output.split("\n").filter((line) => line.includes("error")).join());
      }
      return true;
    });
    return signers;
  }

  #control(...words: string[]): Promise<string> {
    return this.#host.run(["knotc", "-c", `${this.#folder}/knot.conf`, ...words]);
  }
}

/** Unbound on a host, at 127.0.0.1: resolves by way of an authority, and validates. */
export class ValidatingResolver {
  readonly #host: Host;
  #daemon: Daemon | undefined;

  private constructor(host: Host) {
    this.#host = host;
  }

  /** @param zones whose answers may have private addresses, or are refused by Unbound otherwise */
  static async start(host: Host, authority: Authority, zones: readonly string[]): Promise<ValidatingResolver> {
    const folder = `${host.directory}/unbound`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/root.hints`, `. 60 NS ns.example.\nns.example. 60 A ${authority.address}\n`);
    await Deno.writeTextFile(`${folder}/root.ds`, `${await authority.trustAnchor()}\n`);
    await Deno.writeTextFile(
      `${folder}/unbound.conf`,
      `server:
    directory: "${folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    interface: 127.0.0.1
    root-hints: "${folder}/root.hints"
    trust-anchor-file: "${folder}/root.ds"
    do-not-query-localhost: no
    target-fetch-policy: "0 0 0 0 0"
    cache-max-ttl: 1
    cache-max-negative-ttl: 1
    infra-host-ttl: 1
${zones.map((zone) => `    local-zone: "${zone}" nodefault\n`).join("")}remote-control:
    control-enable: no
`,
    );
    const resolver = new ValidatingResolver(host);
    await resolver.resume();
    return resolver;
  }

  async pause(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  /** @param isDeaf no sensible answer is awaited of it */
  async resume({ isDeaf = false } = {}): Promise<void> {
    this.#daemon = this.#host.start(["unbound", "-d", "-c", `${this.#host.directory}/unbound/unbound.conf`]);
    await until("unbound answers", async () => {
      const answer = await this.#host.run(["kdig", "@127.0.0.1", "+timeout=1", "+retry=0", "ns.example.", "A"]);
      return answer.includes(isDeaf ? "status: " : "status: NOERROR");
    });
  }
}
