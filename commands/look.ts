/** `ipsec look`: eroutes with their chains, attachments, SAs and routes on one page (klips.md §8). */
import { hostname } from "node:os";
import type { Command } from "./_command.ts";
import { type KlipsTool, runTool } from "./_klips_tool.ts";
import { LOOK_MANUAL } from "./_look_manual.ts";
import { attachedLines, devicesOf, lookPage } from "./_look_page.ts";
import { parseIpv4Routes, parseIpv6Routes, type Route } from "./_routes.ts";
import { versionCode } from "../lib/system/version.ts";

const USAGE = "Usage: ipsec look [ --verbose ] [ --json ]\n";

/** Listings that the page is made of. */
const LISTINGS = {
  eroutes: "eroute/all",
  groups: "spigrp/all",
  attachments: "tncfg",
  sas: "spi/all",
  version: "version",
} as const;

/** A file under /proc; a host without IPv6 lacks one of them. */
function readTable(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function run(tool: KlipsTool, args: readonly string[]): Promise<number> {
  if (args.includes("--help")) tool.quit(USAGE, 0);
  if (args.includes("--version")) tool.quit(`ipsec look ${versionCode()}\n`, 0);
  const json = args.includes("--json");
  const paths = Object.entries(LISTINGS).map((
    [name, path],
  ) => [name, json && name !== "version" ? `${path}.json` : path]);
  const refused = (errno: number) => tool.fail(`Cannot read the listings of KLIPS: error ${errno}`);
  const attachedText = { text: "" };
  const texts = await tool.ask(async (client) => {
    const read: Record<string, string> = {};
    for (const [name, path] of paths) read[name] = await client.readProc(path);
    attachedText.text = await client.readProc(LISTINGS.attachments);
    return read;
  }, refused);
  const ipv4Routes = parseIpv4Routes(readTable("/proc/net/route"));
  const ipv6Routes = parseIpv6Routes(readTable("/proc/net/ipv6_route"));
  if (json) {
    const devices = devicesOf(attachedLines(attachedText.text));
    tool.io.stdout(jsonPage(texts, [...ipv4Routes, ...ipv6Routes].filter(({ device }) => devices.has(device))));
    return 0;
  }
  tool.io.stdout(lookPage({
    hostname: hostname(),
    now: new Date(),
    eroutes: texts.eroutes,
    groups: texts.groups,
    attachments: texts.attachments,
    sas: texts.sas,
    ipv4Routes,
    ipv6Routes,
  }));
  if (args.includes("--verbose")) tool.io.stdout(`${texts.version.trimEnd()}\n`);
  return 0;
}

function jsonPage(texts: Record<string, string>, routes: readonly Route[]): string {
  const page = {
    hostname: hostname(),
    date: new Date().toISOString(),
    version: texts.version.trim(),
    eroutes: JSON.parse(texts.eroutes),
    groups: JSON.parse(texts.groups),
    interfaces: JSON.parse(texts.attachments),
    sas: JSON.parse(texts.sas),
    routes: routes.map(({ line: _, ...route }) => route),
  };
  return `${JSON.stringify(page, undefined, 2)}\n`;
}

export const look: Command = {
  name: "look",
  summary: "show minimal debugging information",
  usage: () => USAGE,
  manual: LOOK_MANUAL,
  run: (args, io) => runTool("look", io, (tool) => run(tool, args)),
};
