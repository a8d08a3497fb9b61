/** `ipsec eroute`: the extended routing table, which says what traffic goes through which SA (klips.md §2). */
import { SA_FLAG } from "../lib/pfkey/constants.ts";
import { addFlow, clearFlows, deleteFlow, type Flow } from "../lib/pfkey/requests.ts";
import { readNumber } from "../lib/text/c_number.ts";
import type { SaId } from "../lib/text/sa_id.ts";
import type { Family } from "../lib/text/address.ts";
import type { Subnet } from "../lib/text/subnet.ts";
import type { Command } from "./_command.ts";
import { EROUTE_MANUAL } from "./_eroute_manual.ts";
import { readSubnet } from "./_forms.ts";
import { type Meanings, refusalReason } from "./_klips_errors.ts";
import { Exit, type KlipsTool, type OptionRow, runTool } from "./_klips_tool.ts";
import { LOWEST_SPI, SaOptions } from "./_sa_options.ts";
import { protocolNumber, servicePort } from "./_netdb.ts";
import { toolVersion } from "./_tool_version.ts";

type Action = "add" | "addin" | "replace" | "del" | "clear";

/** `code`: what `--debug` calls the action; `needs`: what is asked for in `Error -- NEEDS option '--src' is required.` */
const ACTIONS: Record<Action, { code: number; flags: number; needs: string; meanings: Meanings }> = {
  add: { code: 5, flags: 0, needs: "add", meanings: { ENXIO: "Invalid mask.", EFAULT: "Invalid address." } },
  addin: {
    code: 14,
    flags: SA_FLAG.INFLOW,
    needs: "del",
    meanings: { ENXIO: "Invalid mask.", EFAULT: "Invalid address.", ENOENT: "non-existant IPIP SA." },
  },
  replace: {
    code: 12,
    flags: SA_FLAG.REPLACEFLOW,
    needs: "del",
    meanings: { ENXIO: "Invalid mask.", EFAULT: "Invalid address." },
  },
  del: { code: 6, flags: 0, needs: "del", meanings: { ENXIO: "Mask not found.", EFAULT: "Address not found." } },
  clear: { code: 10, flags: 0, needs: "", meanings: {} },
};
const MEANINGS: Meanings = {
  EEXIST: "eroute already in use.  Delete old one first.",
  ENOENT: "eroute doesn't exist.  Can't delete.",
};

const ONE_ACTION = "Only one of '--add', '--addin', '--replace', '--clear', or '--del' options permitted.";
const TCP = 6, UDP = 17;

function usage(prog: string): string {
  const ports = "[ --transport-proto <protocol> ] [ --src-port <source-port> ] [ --dst-port <dest-port> ]";
  const subnets = "--src <src>/<srcmaskbits>|<srcmask> --dst <dst>/<dstmaskbits>|<dstmask>";
  return `usage: ${prog} --{add,addin,replace} --eraf <inet | inet6> ${subnets} ${ports} <SA>
            where <SA> is '--af <inet | inet6> --edst <edst> --spi <spi> --proto <proto>'
                       OR '--said <said>'
                       OR '--said <%drop | %reject | %trap | %trapsubnet | %hold | %pass>'.
       ${prog} --del --eraf <inet | inet6> ${subnets} ${ports}
       ${prog} --clear
       ${prog} --help
       ${prog} --version
       ${prog} [ --json ]
        [ --debug ] is optional to any ${prog} command.
        [ --label <label> ] is optional to any ${prog} command.
        [ --optionsfrom <file> ] puts the options in <file> in its place.
`;
}

interface Given<T> {
  readonly value: T;
  readonly text: string;
}

/** The command line, read from left to right. */
class Request {
  action: Action | undefined;
  family: Given<Family> | undefined;
  source: Given<Subnet> | undefined;
  destination: Given<Subnet> | undefined;
  protocol: Given<number> | undefined;
  sourcePort: Given<number> | undefined;
  destinationPort: Given<number> | undefined;
  readonly sa: SaOptions;

  constructor(readonly tool: KlipsTool) {
    this.sa = new SaOptions(tool, {
      familyWhat: "address family of SAID",
      familyBeforeSaid: "address family",
      badFamily: (value) => `Invalid address family parameter for SAID: ${value}`,
      checkSaid,
    });
  }

  rows(): Record<string, OptionRow> {
    const { tool } = this;
    const action = (name: Action): OptionRow => ({ argument: false, take: () => this.#takeAction(name) });
    return {
      add: action("add"),
      addin: action("addin"),
      replace: action("replace"),
      del: action("del"),
      clear: action("clear"),
      eraf: { argument: true, take: (value) => this.#takeFamily(value) },
      src: {
        argument: true,
        take: async (value) => void (this.source = await this.#subnet("--src", value, this.source)),
      },
      dst: {
        argument: true,
        take: async (value) => void (this.destination = await this.#subnet("--dst", value, this.destination)),
      },
      "transport-proto": { argument: true, take: (value) => this.#takeProtocol(value) },
      "src-port": {
        argument: true,
        take: (value) => void (this.sourcePort = this.#port("--src-port", value, this.sourcePort)),
      },
      "dst-port": {
        argument: true,
        take: (value) => void (this.destinationPort = this.#port("--dst-port", value, this.destinationPort)),
      },
      ...this.sa.rows(),
      help: { argument: false, take: () => tool.quit(usage(tool.prog), 1) },
      version: { argument: false, take: () => tool.quit(toolVersion("eroute"), 1) },
    };
  }

  #takeAction(name: Action): void {
    if (this.action) this.tool.fail(ONE_ACTION);
    this.action = name;
  }

  #takeFamily(text: string): void {
    const { tool, family } = this;
    if (family) tool.fail(`Error, address family of eroute redefined:${text}, already defined as:${family.text}`);
    if (text !== "inet" && text !== "inet6") return tool.fail(`Invalid address family parameter for eroute: ${text}`);
    this.family = { value: text, text };
  }

  async #subnet(option: string, text: string, old: Given<Subnet> | undefined): Promise<Given<Subnet>> {
    if (old) this.#repeated(`${option} parameter`, text, old);
    const subnet = await readSubnet(text, this.family?.value);
    if (!subnet.ok) return this.tool.fail(`Error, ${subnet.error} converting ${option} argument: ${text}`);
    return { value: subnet.value, text };
  }

  #takeProtocol(text: string): void {
    if (this.protocol) this.#repeated("--transport-proto paramter", text, this.protocol);
    const value = protocolNumber(text) ?? readNumber(text);
    if (value === undefined) return this.tool.fail(`Invalid character in --transport-proto parameter: ${text}`);
    if (value < 0 || value > 255) {
      this.tool.fail(`--transport-proto parameter: ${text} must be in the range 0 to 255 inclusive`);
    }
    this.protocol = { value, text };
  }

  #port(option: string, text: string, old: Given<number> | undefined): Given<number> {
    if (old) this.#repeated(`${option} parameter`, text, old);
    const value = servicePort(text) ?? readNumber(text);
    if (value === undefined) return this.tool.fail(`Invalid character in ${option} parameter: ${text}`);
    if (value < 0 || value > 65535) {
      this.tool.fail(`${option} parameter: ${text} must be in the range 0 to 65535 inclusive`);
    }
    return { value, text };
  }

  #repeated(what: string, text: string, old: Given<unknown>): never {
    return this.tool.fail(`Error, ${what} redefined:${text}, already defined as:${old.text}`);
  }

  /** The selector, once all of it has been checked. */
  flow(action: Action): Flow {
    const { tool, source, destination } = this;
    const { needs } = ACTIONS[action];
    if (!source) return tool.fail(`Error -- ${needs} option '--src' is required.`);
    if (!destination) return tool.fail(`Error -- ${needs} option '--dst' is required.`);
    const protocol = this.protocol?.value ?? 0;
    const sourcePort = this.sourcePort?.value ?? 0;
    const destinationPort = this.destinationPort?.value ?? 0;
    if ((sourcePort || destinationPort) && protocol !== TCP && protocol !== UDP) {
      tool.fail("--transport-proto with either UDP or TCP must be specified if --src-port or --dst-port is used");
    }
    return {
      source: { ...source.value, port: sourcePort },
      destination: { ...destination.value, port: destinationPort },
      protocol,
    };
  }
}

function checkSaid(tool: KlipsTool, { spi }: SaId, text: string): void {
  if (spi >= LOWEST_SPI) return;
  tool.complain(`Illegal reserved spi: ${text} => 0x${spi.toString(16)} Must be larger than or equal to 0x100.`);
  if (text.startsWith("%passthrough")) {
    tool.complain(`${text} has SPI 0, which names no SA: use %pass to let traffic through.`);
  }
  throw new Exit(1);
}

async function run(tool: KlipsTool, args: readonly string[]): Promise<number> {
  const request = new Request(tool);
  const badOption = () => tool.quit(usage(tool.prog), 1);
  if (await tool.scan(args, request.rows(), { badOption })) return await tool.list("eroute/all");

  const { action } = request;
  tool.trace(`DEBUG: argc=${args.length + 1}`);
  if (!action) {
    tool.fail(
      "exactly one of '--add', '--addin', '--replace', '--del' or '--clear' options must be specified.\n" +
        `Try ${tool.prog} --help' for usage information.`,
    );
  }
  tool.trace(`DEBUG: action_type=${ACTIONS[action].code}`);
  const message = build(tool, request, action);
  const refused = (errno: number) =>
    tool.fail(
      `pfkey write failed, returning -1 with errno=${errno}.\n` +
        refusalReason(errno, { ...MEANINGS, ...ACTIONS[action].meanings }),
    );
  await tool.ask((client) => client.request(message), refused);
  tool.trace("DEBUG: pfkey write successful.");
  tool.trace("DEBUG: write ok");
  return 0;
}

function build(tool: KlipsTool, request: Request, action: Action) {
  if (action === "clear") return clearFlows();
  if (action === "del") return deleteFlow(request.flow(action));
  const said = request.sa.complete;
  if (!said) return tool.fail("add and addin options must have SA specified.");
  return addFlow(said, request.flow(action), ACTIONS[action].flags);
}

export const eroute: Command = {
  name: "eroute",
  summary: "manipulate IPSEC extended routing tables",
  usage: () => usage("ipsec eroute"),
  manual: EROUTE_MANUAL,
  run: (args, io) => runTool("eroute", io, (tool) => run(tool, args)),
};
