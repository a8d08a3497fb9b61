/** What `ipsec showpolicy` prints: a word, some lines, or JSON. */
import { formatRoute, type Route, type RouteSpec } from "../lib/ffi/rtnetlink.ts";
import {
  type ListedSa,
  type PolicyAnswer,
  type PolicyPacket,
  STRENGTH,
  strengthOf,
} from "../lib/klips/policy_query.ts";
import { formatAddress } from "../lib/text/address.ts";

export interface PolicyReport {
  readonly packet: PolicyPacket;
  /** Of the host, to the destination; undefined where there is none. */
  readonly route: Route | undefined;
  /** Undefined where the packet does not come to KLIPS. */
  readonly answer: PolicyAnswer | undefined;
  /** What KLIPS would do if it came to it. */
  readonly passedOver: PolicyAnswer | undefined;
}

export type ReportVerdict = PolicyAnswer["verdict"] | "clear" | "local" | "unreachable";

export function verdictOf({ route, answer }: PolicyReport): ReportVerdict {
  if (answer) return answer.verdict;
  if (!route) return "unreachable";
  return route.type === "local" ? "local" : route.type === "unicast" ? "clear" : "unreachable";
}

export function reportStrength({ answer }: PolicyReport): number {
  return answer ? strengthOf(answer) : STRENGTH.none;
}

const SENTENCES: Readonly<Record<ReportVerdict, string>> = {
  protected: "goes through IPsec",
  passed: "goes in the clear, as an eroute says",
  dropped: "is dropped",
  rejected: "is dropped and answered by an ICMP error, as an eroute says",
  held: "is held until there are keys",
  trapped: "is held, and keys are asked for",
  clear: "goes in the clear, past KLIPS",
  local: "stays on this host",
  unreachable: "goes nowhere",
};

export function reportText(report: PolicyReport): string {
  const { packet, route, answer, passedOver } = report;
  const verdict = verdictOf(report);
  const own = answer?.why && answer.passes.length === 0 ? `: ${answer.why}` : "";
  const lines = [
    `${packetText(packet)} ${SENTENCES[verdict]}${own}`,
    ...(route ? [`route:    ${formatRoute(shown(route))}`] : ["route:    none"]),
    ...(answer ? answerLines(answer) : []),
    ...(passedOver?.passes.length
      ? [`unused:   eroute ${erouteText(passedOver.passes[0].eroute)}, as no route leads into ipsecN`]
      : []),
    `strength: ${reportStrength(report)}`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** Without what is of no interest here. */
function shown({ destination, type, via, device, source }: Route): RouteSpec {
  return { destination, type, via, device, source };
}

function answerLines({ passes, why }: PolicyAnswer): string[] {
  return [
    ...passes.flatMap((
      { eroute, sas },
    ) => [`eroute:   ${erouteText(eroute)}`, ...sas.map((sa) => `SA:       ${saText(sa)}`)]),
    ...(why && passes.length ? [`because:  ${why}`] : []),
  ];
}

function erouteText(eroute: PolicyAnswer["passes"][number]["eroute"]): string {
  const { source, sourcePort, destination, destinationPort, protocol, sa, count } = eroute;
  const end = (network: string, port: number) => network + (port ? `:${port}` : "");
  const only = protocol ? ` protocol ${protocol}` : "";
  return `${end(source, sourcePort)} -> ${end(destination, destinationPort)}${only} => ${sa} (${count} packets)`;
}

function saText({ said, transform, source, udp }: ListedSa): string {
  return `${said} ${transform} from ${source}${udp ? ` in UDP ${udp.sport} -> ${udp.dport}` : ""}`;
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp" };

function packetText({ source, destination, protocol, sourcePort, destinationPort }: PolicyPacket): string {
  const end = (address: PolicyPacket["source"], port: number) => {
    const text = formatAddress(address);
    if (!port) return text;
    return address.family === "inet6" ? `[${text}]:${port}` : `${text}:${port}`;
  };
  const kind = protocol ? `${PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`} ` : "";
  return `${kind}${end(source, sourcePort)} -> ${end(destination, destinationPort)}`;
}

export function reportJson(report: PolicyReport): string {
  const { packet, route, answer, passedOver } = report;
  const object = {
    packet: { ...packet, source: formatAddress(packet.source), destination: formatAddress(packet.destination) },
    verdict: verdictOf(report),
    strength: reportStrength(report),
    why: answer?.why,
    route: route ? formatRoute(shown(route)) : null,
    device: route?.device ?? null,
    passes: answer?.passes ?? [],
    passedOver: passedOver?.passes.map(({ eroute }) => eroute) ?? [],
  };
  return `${JSON.stringify(object, undefined, 2)}\n`;
}
