/** A program around an engine: connections, keys, and a memory of all that the engine has said and asked. */
import type { IkeConnection, IkeEnd } from "../../lib/ike/connection.ts";
import { NOTIFY } from "../../lib/ike/constants.ts";
import type { ClientRequest, IkeEngine, IkeHost, PeerKeys, Refusal, Subject } from "../../lib/ike/host.ts";
import type { IkeState, IpsecSa, IsakmpSa, Path } from "../../lib/ike/state.ts";
import type { AuthMethod, IkeSuite, IpsecSuite } from "../../lib/ike/suite.ts";
import type { RsaPrivateKey, RsaPublicKey } from "../../lib/crypto/rsa.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import { type Address, formatAddress, isAnyAddress, parseAddress, sameAddress } from "../../lib/text/address.ts";
import { formatIdentity, type Identity, parseIdentity, sameIdentity } from "../../lib/text/identity.ts";

export function address(text: string): Address {
  const parsed = parseAddress(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

export function identity(text: string): Identity {
  const parsed = parseIdentity(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

export const SUITE: IkeSuite = { cipher: "aes", keyBits: 128, hash: "sha2_256", group: "ecp256" };
export const OTHER_SUITE: IkeSuite = { cipher: "aes", keyBits: 256, hash: "sha2_512", group: "ecp256" };
export const IPSEC_SUITE: IpsecSuite = { protocol: "esp", cipher: "aes128gcm16" };

export function end(host: string, id = host, more: Partial<IkeEnd> = {}): IkeEnd {
  return {
    host: address(host),
    port: 500,
    id: identity(id),
    protocol: 0,
    clientPort: 0,
    xauthServer: false,
    xauthClient: false,
    modecfgServer: false,
    modecfgClient: false,
    ...more,
  };
}

export function connection(
  name: string,
  ours: IkeEnd,
  peers: IkeEnd,
  more: Partial<IkeConnection> = {},
): IkeConnection {
  return {
    name,
    label: `"${name}"`,
    ours,
    peers,
    auth: ["psk"],
    ikeSuites: [SUITE],
    ipsecSuites: [IPSEC_SUITE],
    compress: false,
    mode: "tunnel",
    pfs: true,
    aggressive: false,
    ikeLifetimeSeconds: 3600,
    ipsecLifetimeSeconds: 28800,
    rekey: true,
    forceEncapsulation: false,
    natTraversal: true,
    modecfgPull: false,
    fragmentation: true,
    policyText: "PSK+ENCRYPT+TUNNEL+PFS+UP",
    ...more,
  };
}

export interface Line {
  readonly about: Subject;
  readonly code: number;
  readonly text: string;
}

export class TestHost implements IkeHost {
  connections: IkeConnection[] = [];
  /** By the peer's identity as text; `*` for all. */
  readonly secrets = new Map<string, string>();
  ownKey?: RsaPrivateKey;
  readonly keysOf = new Map<string, readonly RsaPublicKey[]>();
  readonly lines: Line[] = [];
  readonly events: string[] = [];
  /** What calls that may wait wait for. */
  delay: () => Promise<void> = () => Promise.resolve();
  engine?: IkeEngine;
  #spi = 0x1000;

  chooseByAddress(path: Path, mode: "main" | "aggressive", peerId?: Identity): IkeConnection | Refusal {
    const fits = this.connections.filter(({ peers, aggressive }) =>
      (sameAddress(peers.host, path.remote) || isAnyAddress(peers.host)) && (mode === "main" || aggressive)
    );
    const chosen = fits.find(({ peers }) => peerId && sameIdentity(peers.id, peerId)) ?? fits[0];
    if (chosen) return chosen;
    const at = `${formatAddress(path.local)}:${path.localPort}`;
    const word = mode === "main" ? "Main" : "Aggressive";
    const refused = `initial ${word} Mode message received on ${at} but no connection has been authorized`;
    return { refused, notify: 0 };
  }

  chooseByIdentity(sa: IsakmpSa, peerId: Identity, auth: AuthMethod): IkeConnection | Refusal {
    const fits = (one: IkeConnection) =>
      (one.peers.id.kind === "any" || sameIdentity(one.peers.id, peerId)) && one.auth.includes(auth);
    const chosen = fits(sa.connection) ? sa.connection : this.connections.find(fits);
    if (chosen) return chosen;
    const refused = `no suitable connection for peer '${formatIdentity(peerId)}'`;
    return { refused, notify: NOTIFY.INVALID_ID_INFORMATION };
  }

  async chooseByClients(sa: IsakmpSa, _request: ClientRequest): Promise<IkeConnection | Refusal> {
    await this.delay();
    return sa.connection;
  }

  connectionsWith(peerId: Identity): IkeConnection[] {
    return this.connections.filter(({ peers }) => sameIdentity(peers.id, peerId));
  }

  presharedKey({ peers }: IkeConnection, peerId?: Identity): Secret | undefined {
    const text = this.secrets.get(formatIdentity(peerId ?? peers.id)) ?? this.secrets.get("*");
    return text === undefined ? undefined : new Secret(new TextEncoder().encode(text));
  }

  privateKey(): RsaPrivateKey | undefined {
    return this.ownKey;
  }

  async peerKeys(_connection: IkeConnection, peerId: Identity): Promise<PeerKeys> {
    await this.delay();
    return { keys: this.keysOf.get(formatIdentity(peerId)) ?? [] };
  }

  allocateSpi(protocol: "esp" | "ah" | "ipcomp"): number {
    return protocol === "ipcomp" ? this.#spi++ & 0xffff : this.#spi++;
  }

  async installInbound(sa: IpsecSa): Promise<string | undefined> {
    await this.delay();
    this.events.push(`inbound #${sa.number}`);
    return undefined;
  }

  async installOutbound(sa: IpsecSa): Promise<string | undefined> {
    await this.delay();
    this.events.push(`outbound #${sa.number}`);
    return undefined;
  }

  async checkPassword(_connection: IkeConnection, user: string, password: Secret): Promise<boolean> {
    await this.delay();
    return this.secrets.get(`user ${user}`) === new TextDecoder().decode(password.reveal());
  }

  async credentials(): Promise<{ readonly user: string; readonly password: Secret } | undefined> {
    await this.delay();
    const password = this.secrets.get("password");
    return password === undefined
      ? undefined
      : { user: "alice", password: new Secret(new TextEncoder().encode(password)) };
  }

  addressFor(): ReturnType<IkeHost["addressFor"]> {
    return { address: address("10.9.0.1"), dns: [address("10.9.0.53")], wins: [] };
  }

  established(state: IkeState): void {
    this.events.push(`established #${state.number}`);
  }

  worn(sa: IsakmpSa): void {
    this.events.push(`worn #${sa.number}`);
  }

  unanswered(): void {}

  gaveUp(state: IkeState): void {
    this.events.push(`gave up #${state.number}`);
  }

  peerDeleted(state: IkeState): void {
    this.events.push(`peer deleted #${state.number}`);
    this.engine?.remove(state, false);
  }

  lifetimeChanged(state: IkeState): void {
    this.events.push(`lifetime #${state.number} ${state.lifetimeSeconds}`);
  }

  initialContact(sa: IsakmpSa): void {
    this.events.push(`initial contact #${sa.number}`);
  }

  peerIsDead(sa: IsakmpSa): void {
    this.events.push(`dead #${sa.number}`);
  }

  lastInbound(): number | undefined {
    return undefined;
  }

  moved(sa: IsakmpSa, { remote, remotePort }: Path): void {
    this.events.push(`moved #${sa.number} to ${formatAddress(remote)}:${remotePort}`);
  }

  gone(state: IkeState): void {
    this.events.push(`gone #${state.number}`);
  }

  tell(about: Subject, code: number, text: string): void {
    this.lines.push({ about, code, text });
  }

  debug(): void {}

  /** What whack or the log has been told, as `NNN text`. */
  get told(): string[] {
    return this.lines.map(({ code, text }) => `${String(code).padStart(3, "0")} ${text}`);
  }
}
