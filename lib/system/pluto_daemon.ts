/**
 * The pluto daemon: connections and keying of `lib/pluto` with real sockets, files, clock and packet engine. What it needs
 * rights for is opened or started first; then it gives them up, and listens.
 */
import { type Address, formatAddress, parseNumericAddress } from "../text/address.ts";
import { parseIdentity } from "../text/identity.ts";
import { IkeV1 } from "../ike/ike_v1.ts";
import type { Clock } from "../ike/host.ts";
import type { Path } from "../ike/state.ts";
import type { FileSystem } from "../config/file_system.ts";
import { KlipsKernel } from "../pluto/klips_kernel.ts";
import { noKernel } from "../pluto/no_kernel.ts";
import type { Kernel } from "../pluto/kernel.ts";
import type { KernelInterface } from "../pluto/orientation.ts";
import { Opportunistic } from "../pluto/opportunistic.ts";
import { Pluto } from "../pluto/pluto.ts";
import { readSuites } from "../pluto/read_suites.ts";
import { parsePrivateNets } from "../pluto/virtual_ip.ts";
import { PfkeyClient } from "../pfkey/client.ts";
import { giveUpRights } from "./give_up_rights.ts";
import { IkeRelayClient } from "./ike_relay_client.ts";
import { IkeSockets } from "./ike_sockets.ts";
import { passwordIsRight } from "./password_file.ts";
import { type DnssecMode, PlutoDns } from "./pluto_dns.ts";
import { PlutoFiles } from "./pluto_files.ts";
import type { PlutoHelper } from "./pluto_helper_client.ts";
import type { PlutoLog } from "./pluto_log.ts";
import type { SupervisorLink } from "./supervisor_link.ts";
import { versionCode } from "./version.ts";
import { WhackServer } from "./whack_server.ts";

/** Exchanges of strangers that may be unfinished at once. */
const MOST_HALF_OPEN = 1000;

export interface PlutoDaemonOptions {
  /** False: nothing is done with packets, and no updown command is run. */
  readonly klips: boolean;
  readonly uniqueIds: boolean;
  readonly interfaces: readonly string[];
  readonly ikePort: number;
  readonly listen: string | undefined;
  readonly ctlBase: string;
  readonly secretsFile: string;
  readonly keyFolder: string;
  readonly policyGroupsDirectory: string;
  /** Of users of XAUTH. */
  readonly passwordFile: string;
  readonly virtualPrivate: string;
  readonly keepAliveSeconds: number;
  readonly resolvers: readonly string[];
  readonly dnssec: DnssecMode;
  readonly oeWaitSeconds: number;
  readonly debug: readonly string[];
  readonly myId: string | undefined;
  readonly defaultRouteAddress: string | undefined;
  readonly pfkeySocket: string;
  readonly ikeSocket: string;
}

export interface PlutoDaemonDeps {
  readonly log: PlutoLog;
  readonly helper: PlutoHelper;
  readonly files: FileSystem;
  /** Undefined where nobody watches over us. */
  readonly supervisor?: SupervisorLink;
}

/** What ends it before it has begun; the sentence is for the user. */
export class PlutoFailed extends Error {
  constructor(message: string) {
    super(`pluto: ${message}`);
    this.name = "PlutoFailed";
  }
}

export class PlutoDaemon {
  readonly #options: PlutoDaemonOptions;
  readonly #deps: PlutoDaemonDeps;
  readonly #pluto: Pluto;
  readonly #sockets: IkeSockets;
  readonly #server: WhackServer;
  readonly #kernel: Kernel;
  readonly #relay: IkeRelayClient | undefined;
  readonly #ended = Promise.withResolvers<number>();
  #isClosing = false;
  /** Resolves to the exit status. */
  readonly ended = this.#ended.promise;

  /** Throws {@linkcode PlutoFailed}. */
  static async start(options: PlutoDaemonOptions, deps: PlutoDaemonDeps): Promise<PlutoDaemon> {
    // What begins to speak before there is anybody to listen is heard as soon as there is.
    const { promise: listener, resolve } = Promise.withResolvers<PlutoDaemon>();
    const kernel = options.klips
      ? await connectKlips(options, deps, listener)
      : noKernel(() => Promise.resolve(hostInterfaces(options.listen)));
    const relay = options.klips
      ? await IkeRelayClient.connect(
        options.ikeSocket,
        (frame) => void listener.then((daemon) => daemon.receiveRelayed(frame)),
      )
      : undefined;
    const daemon = new PlutoDaemon(options, deps, kernel, relay);
    resolve(daemon);
    giveUpRights();
    return daemon;
  }

  private constructor(
    options: PlutoDaemonOptions,
    deps: PlutoDaemonDeps,
    kernel: Kernel,
    relay: IkeRelayClient | undefined,
  ) {
    const { log, helper, files, supervisor } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#kernel = kernel;
    this.#relay = relay;
    log.write("notice", `Starting Pluto (FreeS/WAN Version ${versionCode()})`);
    const nets = parsePrivateNets(options.virtualPrivate);
    if (!nets.ok) log.write("error", `--virtual_private: ${nets.error}`);
    const plutoFiles = new PlutoFiles({ ...options, files });
    const dns = new PlutoDns(options);
    this.#sockets = new IkeSockets({
      port: options.ikePort,
      receive: (path, datagram) => this.#pluto.receive(path, datagram),
      relay: (path, datagram) => this.#relay?.send({ ...path, datagram }),
      warn: (text) => log.write("error", text),
    });
    helper.refused = (refusal) => this.#pluto.refused(refusal);
    this.#pluto = new Pluto({
      uniqueIds: options.uniqueIds,
      interfaces: options.interfaces,
      privateNets: nets.ok ? nets.value : { allowed: [], excepted: [] },
      ...identityOf(options.myId, (text) => log.write("error", text)),
      ...(options.defaultRouteAddress && addressOf(options.defaultRouteAddress)),
    }, {
      makeEngine: (host) =>
        new IkeV1({
          mostHalfOpen: MOST_HALF_OPEN,
          keepAliveSeconds: options.keepAliveSeconds,
        }, { host, clock: CLOCK, random, send: (path, datagram) => this.#send(path, datagram) }),
      kernel,
      clock: CLOCK,
      wallClock: () => Math.floor(Date.now() / 1000),
      random,
      log: (level, text, peer) => log.write(level, text, peer),
      runUpdown: (command, variables) =>
        options.klips ? helper.updown(command, variables) : Promise.resolve({ ok: true, lines: [] }),
      readSecrets: () => plutoFiles.secrets(this.#pluto.parts.whacks.current),
      readPolicyGroup: (name) => plutoFiles.group(name),
      readSuites,
      lookupKeys: (id, type) => dns.keys(id, type),
      checkPassword: ({ name, settings }, user, password) =>
        Promise.resolve(
          settings.xauthBy === "alwaysok" ||
            passwordIsRight(options.passwordFile, { user, password, connection: name }, (text) =>
              log.write("error", text)),
        ),
      makeOpportunism: (parts) =>
        new Opportunistic(parts, {
          dns: dns.resolver,
          dnssec: options.dnssec,
          waitSeconds: options.oeWaitSeconds,
          nameServers: (changed) => dns.nameServers(changed),
        }),
      ...(supervisor && { keep: (report) => supervisor.keep(report) }),
      hostName: () => Deno.hostname(),
      openSockets: (one) => this.#sockets.open(one),
      closeSockets: (one) => this.#sockets.close(one),
      stop: () => this.#ended.resolve(0),
    });
    this.#pluto.parts.teller.setDebug(options.debug);
    this.#server = new WhackServer(`${options.ctlBase}.ctl`, {
      handle: async (request, reply) => {
        if (request.listen) log.closePeerLogs();
        await this.#pluto.handle(request, reply);
      },
      warn: (text) => log.write("error", text),
    });
    log.write("notice", options.klips ? "Using KLIPS IPsec interface code" : "Using no IPsec interface code");
    void helper.ended.then(() => this.#fail("the process that runs updown commands has ended"));
  }

  /** In good order, as for a whack that asks for it. */
  async shutDown(): Promise<void> {
    await this.#pluto.shutDown();
  }

  /** Puts away what the end has left open. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#sockets.closeAll();
    await this.#server.close();
    this.#relay?.close();
    this.#kernel.close();
    this.#deps.supervisor?.close();
  }

  receiveRelayed(frame: Parameters<IkeRelayClient["send"]>[0]): void {
    const { datagram, ...path } = frame;
    this.#pluto.receive(path, datagram);
  }

  acquire(acquire: Parameters<Pluto["acquire"]>[0]): void {
    this.#pluto.acquire(acquire);
  }

  worn(state: number): void {
    this.#pluto.worn(state);
  }

  /** Its SAs are gone, and so is what we know: a new pluto begins anew, and says so to its peers. */
  klipsEnded(): void {
    this.#fail("KLIPS has ended, and with it every SA");
  }

  #send(path: Path, datagram: Uint8Array): void {
    this.#sockets.send(path, datagram);
    this.#deps.helper.sent();
  }

  #fail(why: string): void {
    if (this.#isClosing) return;
    this.#deps.log.write("error", `FATAL ERROR: ${why}`);
    this.#ended.resolve(1);
  }
}

async function connectKlips(
  { pfkeySocket, listen }: PlutoDaemonOptions,
  { log }: PlutoDaemonDeps,
  listener: Promise<PlutoDaemon>,
): Promise<Kernel> {
  try {
    return await KlipsKernel.start({
      klips: await PfkeyClient.connect(pfkeySocket),
      addressesOf: (device) => addressesOf(device, listen),
      random,
      onAcquire: (acquire) => void listener.then((daemon) => daemon.acquire(acquire)),
      onWorn: (state) => void listener.then((daemon) => daemon.worn(state)),
      onClosed: () => void listener.then((daemon) => daemon.klipsEnded()),
      after: (ms, act) => void CLOCK.after(ms, act),
      warn: (text) => log.write("error", text),
    });
  } catch (error) {
    throw new PlutoFailed(`${(error as Error).message}; \`ipsec setup start' starts it, --noklips does without`);
  }
}

const CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

function random(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

/** @param only the address of `listen=`, as if there were no other */
function addressesOf(device: string, only: string | undefined): Address[] {
  return Deno.networkInterfaces().flatMap(({ name, address }) => {
    const parsed = name.split(":")[0] === device ? parseNumericAddress(address.split("%")[0], 0) : undefined;
    if (!parsed?.ok || isLinkLocal(parsed.value)) return [];
    return only === undefined || formatAddress(parsed.value) === only ? [parsed.value] : [];
  });
}

/** fe80::/10 (RFC 4291 §2.5.6). */
function isLinkLocal({ bytes }: Address): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80;
}

/** For --noklips: the virtual name tells that there is none. */
function hostInterfaces(only: string | undefined): KernelInterface[] {
  const names = new Set(Deno.networkInterfaces().map(({ name }) => name.split(":")[0]));
  return [...names].flatMap((physical) => {
    const addresses = addressesOf(physical, only);
    return addresses.map((address) => ({
      virtual: `virtual${formatAddress(address)}`,
      physical,
      addresses: [address],
    }));
  });
}

function identityOf(text: string | undefined, warn: (text: string) => void) {
  if (!text) return {};
  const parsed = parseIdentity(text);
  if (parsed.ok && parsed.value.kind !== "name") return { myId: parsed.value };
  warn(`IPSECmyid malformed: ${parsed.ok ? "does not look numeric and name lookup failed" : parsed.error} "${text}"`);
  return {};
}

function addressOf(text: string) {
  const parsed = parseNumericAddress(text, 0);
  return parsed.ok ? { defaultRouteAddress: parsed.value } : {};
}
