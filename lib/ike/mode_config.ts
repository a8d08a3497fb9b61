/**
 * Mode Config (draft-ietf-ipsec-isakmp-mode-cfg-05): the server gives a client its address inside, name servers and the
 * networks behind it; either asked for them (pull), or by itself (push).
 */
import { type Address, formatAddress } from "../text/address.ts";
import { formatSubnet } from "../text/subnet.ts";
import { NO_SETTINGS, readSettings, type Settings, settingsAttributes, wantedAttributes } from "./config_attributes.ts";
import { CFG_ATTRIBUTE, CFG_KIND } from "./constants.ts";
import type { Line, Message, Row, StepDeps } from "./exchange_table.ts";
import type { IkeHost } from "./host.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { AfterPhase1 } from "./phase2.ts";
import {
  type AttributePayload,
  isOutcome,
  opening,
  type Out,
  readAttributes,
  RESTING,
  restingState,
  sidesOf,
  transactionMessage,
} from "./transaction.ts";

const ASK = opening(
  "MODE_CFG_I1",
  "--> HDR*, HASH, ATTR(REQUEST)",
  ({ connection: { ours, peers, lastAssigned } }) => ({
    kind: "REQUEST",
    attributes: wantedAttributes((peers.client?.address ?? peers.host).family, lastAssigned ?? ours.sourceIp),
    lines: [{ code: 2, text: "modecfg: Sending IP request (MODECFG_I1)" }],
  }),
);

const SET = opening("MODE_CFG_R1", "--> HDR*, HASH, ATTR(SET)", (sa, _exchange, { host }) => {
  const { settings, line, changes } = settingsFor(sa, host);
  return { kind: "SET", attributes: settingsAttributes(settings, undefined), lines: [line], changes };
});

/** What comes after phase 1, or after XAUTH. */
export function beginModeConfig({ connection, peer }: IsakmpState): AfterPhase1 {
  const { modecfgServer, modecfgClient } = sidesOf(connection);
  if (modecfgClient) {
    return connection.modecfgPull ? { next: "open", opening: ASK } : { next: "wait", state: "MODE_CFG_I1" };
  }
  if (!modecfgServer) return { next: "ready" };
  // vpnc, like Cisco's client, asks in any case, and goes when it is told something instead.
  return connection.modecfgPull || peer.unity ? { next: "wait", state: "MODE_CFG_R0" } : { next: "open", opening: SET };
}

interface Given {
  readonly settings: Settings;
  readonly line: Line;
  readonly changes?: Pick<IsakmpState, "connection">;
}

/**
 * Version 1 has no message that there is no address: the client hears of none. vpnc gives up then; strongSwan goes on to
 * Quick Mode, where the host refuses it. A Delete instead makes strongSwan begin again at once, and again.
 */
function settingsFor(sa: IsakmpState, host: IkeHost, wanted?: Address): Given {
  const given = host.addressFor(sa, wanted);
  if (!given || "refused" in given) {
    const why = given?.refused ??
      "there is no address for this peer: its end of the connection names none as sourceip= or addresspool=";
    return { settings: NO_SETTINGS, line: { code: 3, text: `modecfg: ${why}` } };
  }
  const { connection, domains = [], ...rest } = given;
  const splitDns = domains.length > 1 ? domains : [];
  return {
    settings: { ...NO_SETTINGS, ...rest, domain: domains[0], splitDns },
    line: { code: 2, text: `modecfg: giving ${formatAddress(rest.address)} to the peer` },
    ...(connection && { changes: { connection } }),
  };
}

function addressAttribute({ family }: Address): number {
  return CFG_ATTRIBUTE[family === "inet" ? "INTERNAL_IP4_ADDRESS" : "INTERNAL_IP6_ADDRESS"];
}

/** <-- HDR*, HASH, ATTR(REQUEST)  --> HDR*, HASH, ATTR(REPLY) */
export function replyTo(sa: IsakmpState, message: Message, asked: AttributePayload, { host }: StepDeps): Out {
  const { settings, line, changes } = settingsFor(sa, host, readSettings(asked.attributes).address);
  const wanted = new Set(asked.attributes.map(({ type }) => type));
  const attributes = settingsAttributes(settings, wanted);
  const isOfUse = !settings.address || wanted.has(addressAttribute(settings.address));
  const family = settings.address?.family === "inet" ? "IPv4" : "IPv6";
  return {
    kind: "advance",
    lines: [isOfUse ? line : { code: 3, text: `modecfg: the peer asks for no address of ${family}, and gets none` }],
    changes,
    reply: transactionMessage(sa, message.header, "REPLY", attributes, asked.identifier),
    to: restingState(sa),
    effects: sa.isEstablished ? [] : [{ effect: "ready" }],
  };
}

/** The client may ask although we would have told it. */
function serve(sa: IsakmpState, message: Message, deps: StepDeps): Out {
  const asked = readAttributes(sa, message, ["REQUEST", "ACK"]);
  if (isOutcome(asked)) return asked;
  if (asked.kind === CFG_KIND.REQUEST) return replyTo(sa, message, asked, deps);
  return { kind: "advance", to: restingState(sa), effects: [{ effect: "ready" }] };
}

/** A client asks again, or for more, while all is established. */
function serveAgain(sa: IsakmpState, message: Message, deps: StepDeps): Out {
  const asked = readAttributes(sa, message, ["REQUEST"]);
  if (isOutcome(asked)) return asked;
  if (sidesOf(sa.connection).modecfgServer) return replyTo(sa, message, asked, deps);
  return { kind: "ignore", counter: "notModecfgServer", text: "ModeCfg request, but this end is no modecfgserver" };
}

/** <-- HDR*, HASH, ATTR(REPLY), or  <-- HDR*, HASH, ATTR(SET)  --> HDR*, HASH, ATTR(ACK) */
function take(sa: IsakmpState, message: Message): Out {
  const given = readAttributes(sa, message, ["REPLY", "SET"]);
  if (isOutcome(given)) return given;
  const settings = readSettings(given.attributes);
  const { address, dns, subnets, domain } = settings;
  const isSet = given.kind === CFG_KIND.SET;
  const acknowledged = given.attributes.map(({ type }) => ({ type, value: new Uint8Array(0) }));
  return {
    kind: "advance",
    lines: linesAbout(settings),
    changes: { assigned: { address, dns, subnets, domain } },
    reply: isSet ? transactionMessage(sa, message.header, "ACK", acknowledged, given.identifier) : undefined,
    to: restingState(sa),
    effects: [{ effect: "ready" }],
  };
}

function linesAbout({ address, dns, subnets, domain, banner }: Settings): Line[] {
  const log = (text: string): Line => ({ code: 2, text });
  return [
    address
      ? log(`setting client address to ${formatAddress(address)}`)
      : { code: 3, text: "the peer gave no address in its ModeCfg message" },
    ...dns.map((one) => log(`Received DNS ${formatAddress(one)}`)),
    ...subnets.map((one) => log(`Received subnet ${formatSubnet(one)}`)),
    ...domain ? [log(`Received Cisco Domain: ${domain}`)] : [],
    ...banner ? [log(`Received Cisco Banner: ${banner}`)] : [],
  ];
}

const COMMON = { expects: { HASH: [1, 1], ATTR: [1, 1] }, begins: ["HASH"], encrypted: true, encrypts: true } as const;
const REQUEST_REPLY = "<-- HDR*, HASH, ATTR(REQUEST)  --> HDR*, HASH, ATTR(REPLY)";

export const MODE_CONFIG_ROWS: readonly Row<IsakmpState>[] = [
  { ...COMMON, from: "MODE_CFG_R0", to: "MAIN_R3", flow: REQUEST_REPLY, timer: "keep", step: serve },
  { ...COMMON, from: "MODE_CFG_R1", to: "MAIN_R3", flow: "<-- HDR*, HASH, ATTR(ACK)", timer: "keep", step: serve },
  {
    ...COMMON,
    from: "MODE_CFG_I1",
    to: "MAIN_I4",
    flow: "<-- HDR*, HASH, ATTR(REPLY or SET)  --> [HDR*, HASH, ATTR(ACK)]",
    timer: "keep",
    step: take,
  },
  ...RESTING.map((from) => ({
    ...COMMON,
    from,
    to: from,
    flow: REQUEST_REPLY,
    timer: "keep" as const,
    story: "ModeCfg reply sent",
    step: serveAgain,
  })),
];

export const MODE_CONFIG_OPENINGS = [ASK, SET];
