/** The page of `ipsec look`, made from the daemon's listings and the kernel's route tables. */
import { parseAddress } from "../lib/text/address.ts";
import { IPV4_HEADER, IPV6_HEADER, type Route } from "./_routes.ts";

export interface LookSources {
  readonly hostname: string;
  readonly now: Date;
  readonly eroutes: string;
  readonly groups: string;
  readonly attachments: string;
  readonly sas: string;
  readonly ipv4Routes: readonly Route[];
  readonly ipv6Routes: readonly Route[];
}

export function lookPage(sources: LookSources): string {
  const attachments = attachedLines(sources.attachments);
  const devices = devicesOf(attachments);
  const page = [
    `${sources.hostname} ${dateText(sources.now)}`,
    ...eroutesWithChains(sources.eroutes, sources.groups),
    ...attachments.map((line) => line.replaceAll(" -> ", "->")),
    ...lines(sources.sas).sort(),
    IPV4_HEADER,
    ...routeLines(sources.ipv4Routes, devices),
  ];
  const ipv6 = routeLines(sources.ipv6Routes, devices);
  if (ipv6.length > 0) page.push(IPV6_HEADER, ...ipv6);
  return page.map((line) => `${line}\n`).join("");
}

/** Lines of the tncfg listing without the devices that were never attached. */
export function attachedLines(listing: string): string[] {
  return lines(listing).filter((line) => !(/NULL/.test(line) && /mtu=0\(0\)/.test(line) && /-> 0$/.test(line)));
}

/** Virtual and physical devices that the lines name. */
export function devicesOf(attachments: readonly string[]): Set<string> {
  return new Set(
    attachments.flatMap((line) => line.split(" -> ", 2).map((part) => part.split(" ")[0])).filter((name) =>
      name !== "NULL"
    ),
  );
}

/** Eroutes, each with the whole chain in place of its SA, in the order of their addresses. */
export function eroutesWithChains(eroutes: string, groups: string): string[] {
  const chains = new Map(lines(groups).map((chain) => [chain.split(" ")[0], chain]));
  return lines(eroutes).flatMap((line) => {
    const [count, source, , destination, , said] = line.trim().split(/\s+/);
    if (said === undefined) return [];
    const target = chains.get(said) ?? said;
    const text = `${source.padEnd(18)} -> ${destination.padEnd(18)} => ${target} (${count})`;
    return [{ key: `${sortKey(source)} ${sortKey(destination)}`, text }];
  }).sort((a, b) => compare(a.key, b.key) || compare(a.text, b.text)).map(({ text }) => text);
}

/** IPv4 before IPv6, then by the bytes of the address, then by the rest of the text. */
function sortKey(subnet: string): string {
  const [addressText] = subnet.split("/");
  const address = parseAddress(addressText, 0);
  if (!address.ok) return subnet;
  const { bytes } = address.value;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${bytes.length.toString().padStart(2, "0")}${hex}${subnet.slice(addressText.length)}`;
}

function routeLines(routes: readonly Route[], devices: ReadonlySet<string>): string[] {
  return routes.filter(({ device }) => devices.has(device)).map(({ line }) => line).sort();
}

function lines(listing: string): string[] {
  return listing.split("\n").filter((line) => line !== "");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** As date(1) prints it in the C locale. */
export function dateText(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const zone = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date)
    .find(({ type }) => type === "timeZoneName")?.value ?? "UTC";
  const day = String(date.getDate()).padStart(2);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${time} ${zone} ${date.getFullYear()}`;
}
