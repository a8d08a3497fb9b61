/** `ipsec showpolicy`: what would happen to a packet between two addresses, or to those of a socket (commands.md §19). */
import { parseArgs } from "node:util";
import { Rtnetlink } from "../lib/ffi/rtnetlink.ts";
import {
  type PolicyAnswer,
  type PolicyListings,
  type PolicyPacket,
  queryPolicy,
  STRENGTH,
} from "../lib/klips/policy_query.ts";
import { PfkeyClient, PfkeyError } from "../lib/pfkey/client.ts";
import { pfkeySocketPath } from "../lib/system/paths.ts";
import { versionCode } from "../lib/system/version.ts";
import { type Address, parseNumericAddress, sameAddress } from "../lib/text/address.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { openReason } from "./_klips_errors.ts";
import { protocolNumber, servicePort } from "./_netdb.ts";
import { SHOWPOLICY_MANUAL } from "./_showpolicy_manual.ts";
import { type PolicyReport, reportJson, reportStrength, reportText } from "./_showpolicy_text.ts";
import { standardInputEnds } from "./_socket_ends.ts";

const PROG = "ipsec showpolicy";
const STATUS = { usage: 1, noKlips: 2, failed: 3 } as const;
const USAGE = `Usage: ipsec showpolicy [--socket | --cgi] [--textual] [--plaintext X] [--vpntext X] [--json]
       ipsec showpolicy --src A --dst B [--proto P] [--sport N] [--dport N] [--json]
       ipsec showpolicy --help | --version
`;
/** Words of the short output. */
const WORDS = { plaintext: "clear", vpntext: "vpn" } as const;
const TCP = 6;
const MOST_PORT = 65535;

function parse(args: readonly string[]) {
  const flag = { type: "boolean" } as const, value = { type: "string" } as const;
  const options = {
    socket: flag,
    cgi: flag,
    textual: flag,
    json: flag,
    plaintext: value,
    vpntext: value,
    privacytext: value,
    dnssectext: value,
    src: value,
    dst: value,
    proto: value,
    sport: value,
    dport: value,
    help: flag,
    version: flag,
  } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw usageError((error as Error).message);
  }
}

type Options = ReturnType<typeof parse>;

function usageError(message: string): UserError {
  return new UserError(`${PROG}: ${message}\n${USAGE.trimEnd()}`, STATUS.usage);
}

/** The packet that is asked about. */
function packetOf(options: Options, io: Io): PolicyPacket {
  if (options.src !== undefined || options.dst !== undefined) return namedPacket(options);
  for (const name of ["proto", "sport", "dport"] as const) {
    if (options[name] !== undefined) throw usageError(`--${name} goes with --src and --dst`);
  }
  if (options.cgi) return cgiPacket(io);
  if (Deno.stdin.isTerminal()) {
    throw new UserError("please run this connected to a socket, or say --src and --dst", STATUS.usage);
  }
  const packet = standardInputEnds();
  if (packet) return packet;
  throw new UserError(
    `${PROG}: getpeername failed: standard input is no connected socket of TCP or UDP; --src and --dst name a packet`,
    STATUS.failed,
  );
}

function namedPacket({ src, dst, proto, sport, dport, socket, cgi }: Options): PolicyPacket {
  if (socket || cgi) throw usageError("--src and --dst go with neither --socket nor --cgi");
  if (src === undefined || dst === undefined) throw usageError("--src and --dst go together");
  const source = address("--src", src), destination = address("--dst", dst);
  if (source.family !== destination.family) throw usageError("--src and --dst must be of one family");
  const protocol = proto === undefined ? (sport ?? dport) === undefined ? 0 : TCP : protocolOf(proto);
  return { source, destination, protocol, sourcePort: port("--sport", sport), destinationPort: port("--dport", dport) };
}

function address(option: string, text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw usageError(`${option} ${text}: ${parsed.error}`);
  return parsed.value;
}

function protocolOf(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : protocolNumber(text);
  if (number === undefined || number > 255) throw usageError(`--proto ${text} is neither a number nor a known name`);
  return number;
}

function port(option: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : servicePort(text);
  if (number === undefined || number > MOST_PORT) {
    throw usageError(`${option} ${text} is neither a number nor a known name`);
  }
  return number;
}

function cgiPacket({ env }: Io): PolicyPacket {
  const [own, other] = ["SERVER_ADDR", "REMOTE_ADDR"].map((name) => parseNumericAddress(env(name) ?? "", 0));
  if (!own.ok || !other.ok || own.value.family !== other.value.family) {
    throw new UserError(`${PROG}: $SERVER_ADDR and $REMOTE_ADDR must be set, to addresses`, STATUS.failed);
  }
  const [sourcePort, destinationPort] = ["SERVER_PORT", "REMOTE_PORT"].map((name) => port(name, env(name)));
  return { source: own.value, destination: other.value, protocol: TCP, sourcePort, destinationPort };
}

async function readListings(io: Io): Promise<PolicyListings> {
  const path = pfkeySocketPath(io.env);
  let client: PfkeyClient | undefined;
  try {
    client = await PfkeyClient.connect(path);
    const [eroutes, groups, sas] = [
      JSON.parse(await client.readProc("eroute/all.json")),
      JSON.parse(await client.readProc("spigrp/all.json")),
      JSON.parse(await client.readProc("spi/all.json")),
    ];
    return { eroutes, groups, sas };
  } catch (error) {
    if (!(error instanceof PfkeyError)) throw error;
    if (!client) throw new UserError(`${PROG}: ${openReason(error.errno, path)}`, STATUS.noKlips);
    throw new UserError(`${PROG}: read failed: ${error.message}`, STATUS.failed);
  } finally {
    client?.close();
  }
}

function report(packet: PolicyPacket, listings: PolicyListings): PolicyReport {
  const own = Deno.networkInterfaces().flatMap(({ address }) => {
    const parsed = parseNumericAddress(address.split("%")[0], 0);
    return parsed.ok ? [parsed.value] : [];
  });
  const isLocal = (address: Address) => own.some((one) => sameAddress(one, address));
  using routes = new Rtnetlink();
  // a source that is not this host's is that of a packet to be forwarded, for which the kernel wants an interface too
  const from = isLocal(packet.source) ? { source: packet.source } : {};
  const route = routes.routeTo(packet.destination, from);
  const answer: PolicyAnswer = queryPolicy(packet, listings, isLocal);
  const comes = route?.device !== undefined && /^ipsec\d+$/.test(route.device);
  return { packet, route, answer: comes ? answer : undefined, passedOver: comes ? undefined : answer };
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const options = parse(args);
  if (options.help || options.version) {
    io.stderr(options.help ? USAGE : `${PROG} ${versionCode()}\n`);
    return 0;
  }
  const found = report(packetOf(options, io), await readListings(io));
  if (options.json) io.stdout(reportJson(found));
  else if (options.textual || options.src !== undefined) io.stdout(reportText(found));
  else {
    const word = reportStrength(found) < STRENGTH.private ? "plaintext" : "vpntext";
    io.stdout(`${options[word] ?? WORDS[word]}\n`);
  }
  return 0;
}

export const showpolicy: Command = {
  name: "showpolicy",
  summary: "show what IPsec does with the packets of a socket or between two addresses",
  usage: () => USAGE,
  manual: SHOWPOLICY_MANUAL,
  run,
};
