/**
 * The PF_KEY service with an engine's databases and no devices: clients that keep what they receive, a clock that the
 * test sets, and, where wanted, a real socket.
 */
import { deepEqual } from "node:assert/strict";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { InterfaceCounters } from "../../lib/klips/counters.ts";
import { ErouteTable } from "../../lib/klips/eroute_table.ts";
import type { DeviceDescription } from "../../lib/klips/listing.ts";
import type { Client } from "../../lib/klips/pfkey_request.ts";
import { PfkeyService } from "../../lib/klips/pfkey_service.ts";
import { Sad } from "../../lib/klips/sad.ts";
import { Sysctls } from "../../lib/klips/sysctl.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { decodeMessage, encodeMessage } from "../../lib/pfkey/codec.ts";
import { MESSAGES, NO_REFERENCE, SA_STATE, SATYPES } from "../../lib/pfkey/constants.ts";
import type { AddressExtension, Extensions, KeyExtension, PfkeyMessage, SaExtension } from "../../lib/pfkey/message.ts";
import { PfkeyServer } from "../../lib/pfkey/server.ts";
import { type Address, parseAddress } from "../../lib/text/address.ts";
import { maskBytes } from "../../lib/text/mask.ts";

export function ip(text: string): Address {
  const parsed = parseAddress(text, 0);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

export function at(text: string, port = 0): AddressExtension {
  return { address: ip(text), port, proto: 0, prefixLength: 0 };
}

export function saOf(spi: number, rest: Partial<SaExtension> = {}): SaExtension {
  return { spi, replay: 0, state: SA_STATE.MATURE, auth: 0, encrypt: 0, flags: 0, ref: NO_REFERENCE, ...rest };
}

/** A key whose bytes count up from `first`. */
export function keyOf(bits: number, first = 1): KeyExtension {
  return { bits, key: Uint8Array.from({ length: bits / 8 }, (_, i) => first + i) };
}

export const WEST = "192.1.2.23", EAST = "192.1.2.45";

/** ADD of an ESP SA with 3DES and HMAC-MD5, as `spi` sends it. */
export function espExtensions(spi: number, destination = EAST, source = WEST): Extensions {
  return {
    sa: saOf(spi, { auth: 2, encrypt: 3 }),
    source: at(source),
    destination: at(destination),
    keyAuth: keyOf(128),
    keyEncrypt: keyOf(192),
  };
}

export function tunExtensions(spi: number, destination = EAST, source = WEST): Extensions {
  return { sa: saOf(spi), source: at(source), destination: at(destination) };
}

export interface FlowOptions {
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** The four extensions of a selector, as `eroute` sends them. */
export function flowOf(source: string, destination: string, options: FlowOptions = {}): Extensions {
  const end = (text: string, port = 0) => {
    const [host, bits] = text.split("/");
    const { family, bytes } = ip(host);
    const mask = { family, bytes: maskBytes(Number(bits), bytes.length) };
    return [at(host, port), { address: mask, port: port ? 0xffff : 0, proto: 0, prefixLength: 0 }];
  };
  const [sourceFlow, sourceMask] = end(source, options.sourcePort);
  const [destinationFlow, destinationMask] = end(destination, options.destinationPort);
  const { protocol } = options;
  return {
    sourceFlow,
    destinationFlow,
    sourceMask,
    destinationMask,
    ...(protocol ? { protocol: { protocol, direction: 0, flags: 0 } } : {}),
  };
}

/** A client that keeps what it receives. */
export class FakeClient implements Client {
  pid = 0;
  readonly registered = new Set<number>();
  readonly received: Uint8Array[] = [];

  constructor(readonly id: number) {}

  send(bytes: Uint8Array): void {
    this.received.push(bytes.slice());
  }

  /** What has come since the last call. */
  take(): PfkeyMessage[] {
    return this.received.splice(0).map((bytes) => {
      const decoded = decodeMessage(bytes);
      if (!decoded.ok) throw new Error(decoded.reason);
      return decoded.message;
    });
  }
}

export class Station {
  readonly sad = new Sad();
  readonly eroutes = new ErouteTable();
  readonly sysctls = new Sysctls();
  readonly clients: FakeClient[] = [];
  readonly resent: Uint8Array[] = [];
  readonly logged: string[] = [];
  readonly tunnels: string[] = [];
  readonly devices: DeviceDescription[] = [
    {
      virtual: "ipsec0",
      physical: "eth1",
      mtu: 16260,
      effectiveMtu: 1500,
      physicalMtu: 1500,
      counters: new InterfaceCounters(),
    },
    {
      virtual: "ipsec1",
      physical: undefined,
      mtu: 0,
      effectiveMtu: 0,
      physicalMtu: 0,
      counters: new InterfaceCounters(),
    },
  ];
  clock = 1000;
  /** SPIs of the SAs that came, in order. */
  readonly installed: number[] = [];
  tunnelErrno = 0;
  /** Bytes that the next calls for randomness give; zeroes when used up. */
  readonly randomWords: number[] = [];
  server: PfkeyServer | undefined;
  readonly service: PfkeyService;
  #sequence = 0;

  constructor() {
    this.service = new PfkeyService({
      sad: this.sad,
      eroutes: this.eroutes,
      sysctls: this.sysctls,
      provider: runtimeProvider,
      memory: new PacketMemory(4096),
      version: "oneswan-test",
      now: () => this.clock,
      random: (bytes) => {
        if (bytes.length >= 4) new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, this.randomWords.shift() ?? 0);
      },
      isLocal: (address) => address.bytes.join() === ip(WEST).bytes.join(),
      resend: (packet) => void this.resent.push(packet),
      tunnel: (op, virtual, physical) => {
        this.tunnels.push(`${op} ${virtual} ${physical}`);
        return this.tunnelErrno;
      },
      devices: () => this.devices,
      peers: () => this.server ? [...this.clients, ...this.server.peers()] : this.clients,
      log: (level, text) => void this.logged.push(`${level}: ${text}`),
      onInstall: (sa) => void this.installed.push(sa.id.spi),
    });
  }

  client(): FakeClient {
    const client = new FakeClient(this.clients.length + 1);
    this.clients.push(client);
    return client;
  }

  /** Serves on a real socket as well. */
  listen(path: string): PfkeyServer {
    this.server = new PfkeyServer(path, (peer, raw) => this.service.handle(peer, raw), () => {});
    this.server.listen();
    return this.server;
  }

  /** Sends a request; @returns the errno of the reply, which must be the only one, to the requester */
  ask(client: FakeClient, row: { readonly number: number }, satype: number, extensions: Extensions): PfkeyMessage {
    const pid = 4000 + client.id, seq = ++this.#sequence;
    client.take();
    this.service.handle(client, encodeMessage({ type: row.number, errno: 0, satype, seq, pid, extensions }));
    const replies = client.take();
    deepEqual(replies.map((reply) => [reply.type, reply.seq, reply.pid]), [[row.number, seq, pid]]);
    return replies[0];
  }

  /** As {@linkcode ask}, for a request of test set-up that must succeed. */
  do(client: FakeClient, row: { readonly number: number }, satype: number, extensions: Extensions): Extensions {
    const { errno, extensions: reply } = this.ask(client, row, satype, extensions);
    deepEqual(errno, 0);
    return reply;
  }

  addEsp(client: FakeClient, spi: number, destination = EAST, source = WEST): void {
    this.do(client, MESSAGES.ADD, SATYPES.ESP.number, espExtensions(spi, destination, source));
  }

  addTun(client: FakeClient, spi: number, destination = EAST, source = WEST): void {
    this.do(client, MESSAGES.ADD, SATYPES.IPIP.number, tunExtensions(spi, destination, source));
  }

  /** Links two SAs, the inner one an IPIP and the outer one an ESP SA. */
  group(client: FakeClient, inner: number, outer: number, destination = EAST): void {
    this.do(client, MESSAGES.X_GRPSA, SATYPES.IPIP.number, {
      sa: saOf(inner),
      destination: at(destination),
      satype2: SATYPES.ESP.number,
      sa2: saOf(outer),
      destination2: at(destination),
    });
  }

  addFlow(client: FakeClient, spi: number, source: string, destination: string, options: FlowOptions = {}): void {
    this.do(client, MESSAGES.X_ADDFLOW, SATYPES.IPIP.number, {
      sa: saOf(spi),
      destination: at(EAST),
      ...flowOf(source, destination, options),
    });
  }

  /** Everything that a request could have changed, as text. */
  state(): string {
    const { proc } = this.service;
    return ["eroute/all", "spi/all", "spigrp/all", "klipsdebug", "birth/ipv4"].map((path) => proc.read(path)).join(
      "\n",
    );
  }
}
