/** `ipsec tncfg`: attaches virtual interfaces to physical ones (klips.md §5). */
import type { Command } from "./_command.ts";
import { describeErrno, meaningOf, type Meanings } from "./_klips_errors.ts";
import { type KlipsTool, type OptionRow, runTool } from "./_klips_tool.ts";
import { TNCFG_MANUAL } from "./_tncfg_manual.ts";
import { toolVersion } from "./_tool_version.ts";

type Action = "attach" | "detach" | "clear";

const ONE_ACTION = "exactly one of '--attach', '--detach' or '--clear' options must be specified.";
const SOCKET_LEAD = "Socket creation failed -- ";
const NO_VIRTUAL = "No such device.  Is the virtual device valid?";
/** Bytes of an interface name, without its end (IFNAMSIZ). */
const LONGEST_NAME = 15;

function meanings(action: Action, virtual: string): Meanings {
  const EINVAL = "Invalid argument, check kernel log messages for specifics.";
  if (action === "attach") {
    return {
      EINVAL,
      ENODEV: `${NO_VIRTUAL}  Is the ipsec module linked into the kernel or loaded as a module?`,
      ENXIO: "No such device.  Is the physical device valid?",
      EBUSY: `Device busy.  Virtual device ${virtual} is already attached to a physical device -- Use detach first.`,
    };
  }
  if (action === "detach") {
    return {
      EINVAL,
      ENODEV: `${NO_VIRTUAL}  Is it attached?`,
      ENXIO: "Device requested is not linked to any physical device.",
    };
  }
  return { EINVAL, ENODEV: "Failed.  Is the ipsec module linked into the kernel or loaded as a module?." };
}

function usage(prog: string): string {
  return `${prog} --attach --virtual <virtual-device> --physical <physical-device>
${prog} --detach --virtual <virtual-device>
${prog} --clear
${prog} --help
${prog} --version
${prog} [ --json ]
        [ --debug ] is optional to any ${prog} command.
        [ --label <label> ] is optional to any ${prog} command.
        [ --optionsfrom <file> ] puts the options in <file> in its place.
`;
}

async function run(tool: KlipsTool, args: readonly string[]): Promise<number> {
  let action: Action | undefined;
  let virtual: string | undefined;
  let physical: string | undefined;
  const choose = (name: Action): OptionRow => ({
    argument: false,
    take: () => {
      if (action) tool.fail(ONE_ACTION);
      action = name;
    },
  });
  const rows: Record<string, OptionRow> = {
    attach: choose("attach"),
    detach: choose("detach"),
    clear: choose("clear"),
    virtual: { argument: true, take: (value) => void (virtual = value) },
    physical: { argument: true, take: (value) => void (physical = value.split(":")[0]) },
    help: { argument: false, take: () => tool.quit(usage(tool.prog), 1) },
    version: { argument: false, take: () => tool.quit(toolVersion("tncfg"), 1) },
  };
  const badOption = () => tool.quit(usage(tool.prog), 1);
  if (await tool.scan(args, rows, { badOption, longOnly: true })) return await tool.list("tncfg", SOCKET_LEAD);
  return await change(tool, action, virtual, physical);
}

async function change(
  tool: KlipsTool,
  action: Action | undefined,
  virtual: string | undefined,
  physical: string | undefined,
): Promise<number> {
  if (!action) return tool.fail(`${ONE_ACTION}\nTry ${tool.prog} --help' for usage information.`);
  if (action !== "clear" && !virtual) tool.fail("virtual I/F parameter missing.");
  if (action === "attach" && !physical) tool.fail("physical I/F parameter missing.");
  for (const name of [virtual, physical]) {
    if (name && new TextEncoder().encode(name).length > LONGEST_NAME) {
      tool.fail(`Interface name too long: ${name}: at most ${LONGEST_NAME} bytes.`);
    }
  }
  const names: [string, string] = action === "clear" ? ["ipsec0", ""] : [virtual ?? "", physical ?? ""];
  const refused = (errno: number) => {
    const reason = meaningOf(errno, meanings(action, names[0])) ??
      `Unknown socket error ${errno} (${describeErrno(errno)}).`;
    return tool.fail(`Socket ioctl failed on ${action} -- ${reason}`);
  };
  await tool.ask((client) => client.tunnel(action, ...names), refused, SOCKET_LEAD);
  return 0;
}

export const tncfg: Command = {
  name: "tncfg",
  summary: "associate IPSEC virtual interface with physical interface",
  usage: () => usage("ipsec tncfg"),
  manual: TNCFG_MANUAL,
  run: (args, io) => runTool("tncfg", io, (tool) => run(tool, args)),
};
