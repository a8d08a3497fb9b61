/** `ipsec spi`: makes, deletes, lists and flushes Security Associations (klips.md §3). */
import { keysOf, whyWeak } from "../lib/crypto/algorithm_names.ts";
import { deleteSa, flushSas } from "../lib/pfkey/requests.ts";
import { anyAddress, isAnyAddress } from "../lib/text/address.ts";
import { SA_PROTOCOLS, type SaId } from "../lib/text/sa_id.ts";
import type { Command } from "./_command.ts";
import { type Meanings, refusalReason } from "./_klips_errors.ts";
import { addNamedSa } from "./_klips_messages.ts";
import { Exit, type KlipsTool, runTool } from "./_klips_tool.ts";
import { LOWEST_SPI } from "./_sa_options.ts";
import { SPI_MANUAL } from "./_spi_manual.ts";
import { type SpiAction, SpiRequest } from "./_spi_request.ts";
import { usage, USAGE_STATUS } from "./_spi_usage.ts";

/** Protocol of the SA that an action makes. */
const MAKES: Record<Exclude<SpiAction, "del" | "clear">, keyof typeof SA_PROTOCOLS> = {
  ah: "ah",
  esp: "esp",
  comp: "comp",
  ip4: "tun",
  ip6: "tun",
};
const MEANINGS: Meanings = {
  ESRCH: "SA does not exist.  Cannot delete.",
  ENOENT: "SA does not exist.",
};
/** RFC 3948 §2.1. */
const ENCAPSULATION_PORT = 4500;

/** The SA that is meant, once it is complete. */
function checkedSa(tool: KlipsTool, { sa, family, source }: SpiRequest): SaId {
  const destination = sa.destination;
  if (!destination || isAnyAddress(destination)) return tool.fail("SA destination not specified.");
  const spi = sa.said?.value.spi ?? sa.spi?.value;
  if (!spi) return tool.fail("SA SPI not specified.");
  const protocol = sa.said?.value.protocol ?? sa.protocol?.value;
  if (!protocol) return tool.fail("SA PROTO not specified.");
  if (
    (family ?? destination.family) !== destination.family ||
    (source?.value ?? destination).family !== destination.family
  ) {
    tool.fail("Defined address family and address family of SA missmatch.");
  }
  return { protocol, spi, destination };
}

/** FreeS/WAN's complaint, which names only a step, and then what is wrong. */
function unbuildable(tool: KlipsTool, step: string, why: string): never {
  tool.complain(`Trouble building ${step}, error=-22.`);
  return tool.fail(why);
}

function checkKeys(tool: KlipsTool, action: SpiAction, { algorithms, algorithmName, keys }: SpiRequest): void {
  const needs = keysOf(algorithms);
  for (const { option, bits } of needs) {
    const key = keys[option];
    if (!key) {
      const step = option === "--authkey" ? "key_a extension" : "key_e extension";
      return unbuildable(tool, step, `--${action} ${algorithmName} needs ${option} with a key of ${bits} bits.`);
    }
    if (key.length * 8 === bits) continue;
    tool.fail(
      `Wrong key length: --${action} ${algorithmName} needs ${option} of ${bits} bits, ${key.length * 8} were given.`,
    );
  }
  const weak = keys["--enckey"] && whyWeak(algorithms, keys["--enckey"]);
  if (weak) tool.fail(`Weak key: --enckey is refused: ${weak}.`);
  for (const option of ["--authkey", "--enckey"] as const) {
    if (!keys[option] || needs.some((need) => need.option === option)) continue;
    tool.fail(`${option} has no use with --${action}${algorithmName && ` ${algorithmName}`}.`);
  }
}

function build(tool: KlipsTool, request: SpiRequest) {
  const { action } = request;
  if (!action) return tool.fail(`No action chosen.  See '${tool.prog} --help' for usage.`);
  if (action === "clear") return flushSas();
  const id = checkedSa(tool, request);
  const source = request.source?.value ?? anyAddress(id.destination.family);
  if (action === "del") return deleteSa(id, source);

  const needed = MAKES[action];
  if (id.protocol !== SA_PROTOCOLS[needed]) {
    return unbuildable(
      tool,
      "pfkey message",
      `--${action} makes an SA of protocol ${needed}: the SA named is of another one.`,
    );
  }
  if (id.spi < LOWEST_SPI) {
    unbuildable(tool, "pfkey message", `SPIs below 0x100 are reserved: 0x${id.spi.toString(16)}.`);
  }
  checkKeys(tool, action, request);
  if (request.esn && action !== "ah" && action !== "esp") tool.fail("--esn goes with --ah or --esp.");
  const encapsulated = request.natt === "espinudp";
  if (encapsulated && action !== "esp") tool.fail("--natt espinudp goes with --esp.");
  if (!encapsulated && (request.sport ?? request.dport ?? request.natoa) !== undefined) {
    tool.fail("--sport, --dport and --natoa go with --natt espinudp.");
  }
  return addNamedSa({
    id,
    source,
    algorithms: request.algorithms,
    deflate: action === "comp",
    authKey: request.keys["--authkey"],
    encryptionKey: request.keys["--enckey"],
    replayWindow: request.replayWindow,
    esn: request.esn,
    soft: request.lifetimes.limits.soft,
    hard: request.lifetimes.limits.hard,
    udp: encapsulated
      ? {
        sport: request.sport ?? ENCAPSULATION_PORT,
        dport: request.dport ?? ENCAPSULATION_PORT,
        originalAddress: request.natoa,
      }
      : undefined,
  });
}

async function run(tool: KlipsTool, args: readonly string[]): Promise<number> {
  const request = new SpiRequest(tool);
  const badOption = (): never => {
    tool.io.stderr(usage(tool.prog));
    throw new Exit(USAGE_STATUS);
  };
  if (await tool.scan(args, request.rows(), { badOption })) return await tool.list("spi/all");

  const message = build(tool, request);
  const refused = (errno: number) =>
    tool.fail(`pfkey write failed (errno=${errno}): ${refusalReason(errno, MEANINGS)}`);
  const reply = await tool.ask((client) => client.request(message), refused);
  if (request.saref) tool.say(`saref=${reply.extensions.sa?.ref}`);
  if (request.listenReply || tool.debug) tool.say("exited normally");
  return 0;
}

export const spi: Command = {
  name: "spi",
  summary: "manage IPSEC Security Associations",
  usage: () => usage("ipsec spi"),
  manual: SPI_MANUAL,
  run: (args, io) => runTool("spi", io, (tool) => run(tool, args)),
};
