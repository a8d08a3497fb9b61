/**
 * Messages of nf_tables, the kernel's packet filter (linux/netfilter/nf_tables.h): as much as it takes to find chains
 * and to add and remove rules that accept. Numbers in attributes are in network order. Rules are written in the
 * expressions that nft(8) and iptables-nft(8) use themselves, so that both show them as their own.
 */
import type { Family } from "../text/address.ts";
import { maskBytes } from "../text/mask.ts";
import type { Subnet } from "../text/subnet.ts";
import { decodeAttributes, decodeList, headOf, type NetlinkMessage, NetlinkWriter, textOf, u32Of } from "./netlink.ts";

const SUBSYSTEM = 10;
const message = (number: number) => SUBSYSTEM << 8 | number;

export const NFT = {
  BATCH_BEGIN: 16,
  BATCH_END: 17,
  NEWTABLE: message(0),
  GETTABLE: message(1),
  NEWCHAIN: message(3),
  GETCHAIN: message(4),
  NEWRULE: message(6),
  GETRULE: message(7),
  DELRULE: message(8),
  GETGEN: message(16),
} as const;

/** Families of tables; `inet` holds both IPv4 and IPv6. */
const FAMILY_NUMBERS = { inet: 1, ip: 2, ip6: 10 } as const;
export type TableFamily = keyof typeof FAMILY_NUMBERS;

const HOOK_NAMES = ["prerouting", "input", "forward", "output", "postrouting"] as const;
export type Hook = typeof HOOK_NAMES[number];

export interface TableMessage {
  readonly family: TableFamily;
  readonly name: string;
  /** Netlink port of the process that alone may change it. */
  readonly owner?: number;
}

/** A chain that packets enter at a hook. */
export interface BaseChain {
  readonly family: TableFamily;
  readonly table: string;
  readonly name: string;
  /** "filter", "nat", "route". */
  readonly type: string;
  readonly hook: Hook;
  readonly drops: boolean;
}

export interface RuleEntry {
  readonly family: TableFamily;
  readonly table: string;
  readonly chain: string;
  /** Names it within its table. */
  readonly handle: Uint8Array;
  /** "" where there is none. */
  readonly comment: string;
  /** Names of its expressions in their order: "meta", "cmp", "masq". */
  readonly expressions: readonly string[];
}

/** struct nfgenmsg. */
const HEAD_BYTES = 4;

function headed(family: TableFamily | undefined, resource = 0): NetlinkWriter {
  return new NetlinkWriter().fixed(family ? FAMILY_NUMBERS[family] : 0, 0, resource >> 8, resource & 0xff);
}

/** For questions about all there is. */
export function encodeQuestion(): Uint8Array<ArrayBuffer> {
  return headed(undefined).done();
}

/** Begins what happens as a whole or, where the rules are not those of `generation` any more, not at all. */
export function encodeBatchBegin(generation: number): Uint8Array<ArrayBuffer> {
  const GENERATION = 1;
  return headed(undefined, SUBSYSTEM).n32(GENERATION, generation).done();
}

export function encodeBatchEnd(): Uint8Array<ArrayBuffer> {
  return headed(undefined, SUBSYSTEM).done();
}

/** @returns the number of the rules' present version */
export function decodeGeneration({ body }: NetlinkMessage): number {
  const ID = 1;
  return u32Of(decodeAttributes(body, HEAD_BYTES).get(ID), false);
}

/** @returns undefined for a table of bridges, ARP or the like */
export function decodeTable({ body }: NetlinkMessage): TableMessage | undefined {
  const NAME = 1, OWNER = 7;
  const family = familyOf(body);
  const attributes = decodeAttributes(body, HEAD_BYTES);
  const name = attributes.get(NAME), owner = attributes.get(OWNER);
  if (!family || !name) return undefined;
  return { family, name: textOf(name), ...(owner && { owner: u32Of(owner, false) }) };
}

/** @returns undefined for a chain at no hook of IP */
export function decodeBaseChain({ body }: NetlinkMessage): BaseChain | undefined {
  const TABLE = 1, NAME = 3, HOOK = 4, POLICY = 5, TYPE = 7;
  const HOOK_NUMBER = 1, ACCEPT = 1;
  const family = familyOf(body);
  const attributes = decodeAttributes(body, HEAD_BYTES);
  const [table, name, hook, type] = [TABLE, NAME, HOOK, TYPE].map((number) => attributes.get(number));
  if (!family || !table || !name || !hook || !type) return undefined;
  const hookName = HOOK_NAMES[u32Of(decodeAttributes(hook).get(HOOK_NUMBER), false)];
  if (!hookName) return undefined;
  const policy = attributes.get(POLICY);
  const drops = policy !== undefined && u32Of(policy, false) !== ACCEPT;
  return { family, table: textOf(table), name: textOf(name), type: textOf(type), hook: hookName, drops };
}

const RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3, EXPRESSIONS: 4, USERDATA: 7 };

export function decodeRuleEntry({ body }: NetlinkMessage): RuleEntry | undefined {
  const family = familyOf(body);
  const attributes = decodeAttributes(body, HEAD_BYTES);
  const [table, chain, handle] = [RULE.TABLE, RULE.CHAIN, RULE.HANDLE].map((number) => attributes.get(number));
  if (!family || !table || !chain || !handle) return undefined;
  const comment = commentOf(attributes.get(RULE.USERDATA));
  const expressions = expressionNames(attributes.get(RULE.EXPRESSIONS));
  return { family, table: textOf(table), chain: textOf(chain), handle: handle.slice(), comment, expressions };
}

/** A list of elements, each with its name and data. */
function expressionNames(list: Uint8Array | undefined): string[] {
  const NAME = 1;
  if (!list) return [];
  return decodeList(list).map(([, element]) => {
    const name = decodeAttributes(element).get(NAME);
    return name ? textOf(name) : "";
  });
}

/** Longest comment that nft(8) shows. */
export const COMMENT_BYTES = 127;
const COMMENT = 0;

/** Type, length and value, as libnftnl keeps a comment in what the kernel does not look at. */
function commentOf(userdata: Uint8Array | undefined): string {
  for (let at = 0; userdata && at + 2 <= userdata.length; at += 2 + userdata[at + 1]) {
    if (userdata[at] === COMMENT) return textOf(userdata.subarray(at + 2, at + 2 + userdata[at + 1]));
  }
  return "";
}

export function encodeRuleRemoval({ family, table, chain, handle }: RuleEntry): Uint8Array<ArrayBuffer> {
  return headed(family).text(RULE.TABLE, table).text(RULE.CHAIN, chain).bytes(RULE.HANDLE, handle).done();
}

/** Packets that a rule accepts. */
export interface Match {
  /** Device, and whether they come in or go out by it. */
  readonly device: string;
  readonly way: "in" | "out";
  readonly source: Subnet;
  readonly destination: Subnet;
  /** 0 is any. */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export function encodeAcceptRule(
  { family, table, name }: BaseChain,
  match: Match,
  comment: string,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(`${comment}\0`);
  return headed(family)
    .text(RULE.TABLE, table)
    .text(RULE.CHAIN, name)
    .nested(RULE.EXPRESSIONS, (list) => writeMatch(list, match, family))
    .bytes(RULE.USERDATA, Uint8Array.of(COMMENT, text.length, ...text))
    .done();
}

const META = { IIFNAME: 6, OIFNAME: 7, NFPROTO: 15, L4PROTO: 16 } as const;
const NETWORK_HEADER = 1, TRANSPORT_HEADER = 2;
const NFPROTO: Record<Family, number> = { inet: 2, inet6: 10 };
/** Where source and destination address begin, in bytes. */
const ADDRESS_AT: Record<Family, readonly [number, number]> = { inet: [12, 16], inet6: [8, 24] };
const NAME_BYTES = 16;

function writeMatch(list: NetlinkWriter, match: Match, family: TableFamily): void {
  const { source, destination, protocol, sourcePort, destinationPort } = match;
  const name = new Uint8Array(NAME_BYTES);
  new TextEncoder().encodeInto(match.device, name);
  writeMeta(list, match.way === "in" ? META.IIFNAME : META.OIFNAME, name);
  const version = source.address.family;
  if (family === "inet") writeMeta(list, META.NFPROTO, Uint8Array.of(NFPROTO[version]));
  writeSubnet(list, source, ADDRESS_AT[version][0]);
  writeSubnet(list, destination, ADDRESS_AT[version][1]);
  if (protocol) writeMeta(list, META.L4PROTO, Uint8Array.of(protocol));
  writePort(list, sourcePort, 0);
  writePort(list, destinationPort, 2);
  writeExpression(list, "counter", () => {});
  writeExpression(list, "immediate", (data) => {
    const REGISTER = 1, DATA = 2, VERDICT = 2, CODE = 1, VERDICT_REGISTER = 0, ACCEPT = 1;
    data.n32(REGISTER, VERDICT_REGISTER)
      .nested(DATA, (value) => value.nested(VERDICT, (verdict) => verdict.n32(CODE, ACCEPT)));
  });
}

/** All expressions work on this one. */
const REGISTER_1 = 1;

function writeMeta(list: NetlinkWriter, key: number, value: Uint8Array): void {
  const REGISTER = 1, KEY = 2;
  writeExpression(list, "meta", (data) => data.n32(REGISTER, REGISTER_1).n32(KEY, key));
  writeEquals(list, value);
}

function writeSubnet(list: NetlinkWriter, { address, bits }: Subnet, offset: number): void {
  if (bits === 0) return;
  const length = address.bytes.length;
  writePayload(list, NETWORK_HEADER, offset, length);
  if (bits < length * 8) {
    const SOURCE = 1, TARGET = 2, LENGTH = 3, MASK = 4, XOR = 5;
    writeExpression(list, "bitwise", (data) =>
      data.n32(SOURCE, REGISTER_1).n32(TARGET, REGISTER_1).n32(LENGTH, length)
        .nested(MASK, valued(maskBytes(bits, length)))
        .nested(XOR, valued(new Uint8Array(length))));
  }
  writeEquals(list, address.bytes);
}

function writePort(list: NetlinkWriter, port: number, offset: number): void {
  if (port === 0) return;
  writePayload(list, TRANSPORT_HEADER, offset, 2);
  writeEquals(list, Uint8Array.of(port >> 8, port & 0xff));
}

function writePayload(list: NetlinkWriter, header: number, offset: number, length: number): void {
  const REGISTER = 1, BASE = 2, OFFSET = 3, LENGTH = 4;
  writeExpression(
    list,
    "payload",
    (data) => data.n32(REGISTER, REGISTER_1).n32(BASE, header).n32(OFFSET, offset).n32(LENGTH, length),
  );
}

function writeEquals(list: NetlinkWriter, value: Uint8Array): void {
  const REGISTER = 1, OPERATION = 2, DATA = 3, EQUAL = 0;
  writeExpression(
    list,
    "cmp",
    (data) => data.n32(REGISTER, REGISTER_1).n32(OPERATION, EQUAL).nested(DATA, valued(value)),
  );
}

function valued(value: Uint8Array): (data: NetlinkWriter) => void {
  const VALUE = 1;
  return (data) => void data.bytes(VALUE, value);
}

function writeExpression(list: NetlinkWriter, name: string, write: (data: NetlinkWriter) => void): void {
  const ELEMENT = 1, NAME = 1, DATA = 2;
  list.nested(ELEMENT, (element) => element.text(NAME, name).nested(DATA, write));
}

function familyOf(body: Uint8Array): TableFamily | undefined {
  const number = headOf(body, HEAD_BYTES).getUint8(0);
  return (Object.keys(FAMILY_NUMBERS) as TableFamily[]).find((name) => FAMILY_NUMBERS[name] === number);
}
