/** Lines put together to sections (config.md §3 to §5). Names and values of parameters are not looked at here. */
import type { Position } from "./complaint.ts";
import { type Fault, type Line, stripComment } from "./lines.ts";
import { suggest } from "../text/suggest.ts";

export interface Entry {
  readonly kind: "entry";
  readonly at: Position;
  readonly name: string;
  readonly value: string;
}

export interface Section {
  readonly kind: "section";
  readonly at: Position;
  readonly type: "config" | "conn";
  readonly name: string;
  readonly lines: readonly (Entry | Fault)[];
}

export const DEFAULT_SECTION = "%default";
const NAME = /^[a-zA-Z][a-zA-Z0-9._-]*$/;
const PARAMETER = /^([a-zA-Z_][a-zA-Z0-9_-]*)[ \t]*=[ \t]*(.*)$/;
const SECTION_TYPES = ["config", "conn"];
/** Characters 1 to 31 and 127 to 159, and what stands for bytes that are no UTF-8. */
const UNPRINTABLE = /[\p{Cc}\ufffd]/u;

export function isSectionName(name: string): boolean {
  return NAME.test(name);
}

/** Parameters for other programs: `x-...` is accepted anywhere and never looked at. */
export function isPrivate(name: string): boolean {
  return /^[xX][-_]/.test(name);
}

/** In the order of the file; a fault outside sections stands where it was found. Never throws. */
export function parseSections(lines: readonly Line[]): (Section | Fault)[] {
  const items: (Section | Fault)[] = [];
  let section: { lines: (Entry | Fault)[] } | undefined;
  let versioned = false;
  const requireVersion = (at: Position) => {
    if (versioned) return;
    versioned = true; // said once
    items.push(fault(
      at,
      'the first line must be "version 2": without it this is a file of FreeS/WAN 1, whose defaults were others',
      "we only support version 2 ipsec.conf files",
    ));
  };
  for (const line of lines) {
    if (line.kind === "boundary") section = undefined;
    if (line.kind === "fault") items.push(line);
    if (line.kind !== "text") continue;
    const text = trimBlanks(stripComment(line.text));
    if (text === "") continue;
    if (/^[ \t]/.test(line.text)) {
      requireVersion(line.at);
      const parsed = parseParameter(text, line.at);
      if (section) section.lines.push(parsed);
      else items.push(outside(line.at, text));
      continue;
    }
    section = undefined;
    const words = text.split(/[ \t]+/);
    if (words[0] === "version" && words.length === 2) {
      versioned = true;
      const wrong = checkVersion(words[1], line.at);
      if (wrong) items.push(wrong);
      continue;
    }
    requireVersion(line.at);
    const header = parseHeader(words, text, line.at);
    items.push(header);
    if (header.kind === "section") section = header as Section & { lines: (Entry | Fault)[] };
    // What follows a header that cannot be read is part of what cannot be read.
    else section = { lines: [] };
  }
  return items;
}

function fault(at: Position, message: string, classic: string): Fault {
  return { kind: "fault", at, message, classic };
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function outside(at: Position, text: string): Fault {
  const isHeader = /^(conn|config|version|include)[ \t]/.test(text);
  return fault(
    at,
    isHeader
      ? `"${text}" must begin in the first column`
      : `"${shorten(text)}" belongs to no section: a "conn NAME" or "config setup" line must come before it`,
    "parameter is not within a section",
  );
}

function checkVersion(word: string, at: Position): Fault | undefined {
  const value = Number.parseFloat(word) || 0;
  if (value === 2) return undefined;
  return fault(
    at,
    `version ${word} is not supported: only version 2 is`,
    `we only support version 2.0 ipsec.conf files, not "${value}"`,
  );
}

function parseHeader(words: readonly string[], text: string, at: Position): Section | Fault {
  const [type, name] = words;
  if (words.length !== 2) {
    const indented = /=/.test(text) ? "; a parameter must be indented" : "";
    return fault(
      at,
      `"${shorten(text)}" is no section header: it needs two words, a type and a name${indented}`,
      `section header "${text}" has wrong number of fields (${words.length})`,
    );
  }
  if (type !== "config" && type !== "conn") {
    const near = suggest(type, SECTION_TYPES);
    const hint = near ? `; did you mean "${near}"?` : ": sections are config and conn";
    return fault(at, `unknown section type "${type}"${hint}`, `section type "${type}" not recognized`);
  }
  return { kind: "section", at, type, name, lines: [] };
}

function parseParameter(text: string, at: Position): Entry | Fault {
  const match = PARAMETER.exec(text);
  const quotes = text.split('"').length - 1;
  if (!match) {
    if (quotes) {
      return fault(at, "double quotes must stand around a whole value", "mismatched quotes in parameter value");
    }
    const isHeader = /^(conn|config|version|include)[ \t]/.test(text);
    return fault(
      at,
      isHeader
        ? `"${shorten(text)}" must begin in the first column`
        : `"${shorten(text)}" is not of the form name=value`,
      "syntax error or illegal parameter name",
    );
  }
  const name = match[1];
  let value = match[2];
  if (quotes) {
    if (quotes !== 2 || !/^"[^"]*"$/.test(value)) {
      return fault(
        at,
        `${name}: double quotes must stand around the whole value, and none within`,
        "mismatched quotes in parameter value",
      );
    }
    value = value.slice(1, -1);
  } else if (/[ \t]/.test(value)) {
    return fault(
      at,
      `${name}: a value with blanks must stand in double quotes`,
      `white space within non-quoted parameter "${name}"`,
    );
  }
  if (UNPRINTABLE.test(value) && !isPrivate(name)) {
    return fault(
      at,
      `${name}: the value contains ${value.includes("\t") ? "a tab" : "an unprintable character"}`,
      `parameter value "${value}" contains unprintable character`,
    );
  }
  return { kind: "entry", at, name, value };
}

const LONGEST_QUOTED = 40;

/** A piece of the file in a message; what follows an equals sign may be a key, so it is not repeated. */
function shorten(text: string): string {
  const shown = text.replace(/\p{Cc}/gu, "?").replace(/=.*/s, "=...");
  return shown.length > LONGEST_QUOTED ? `${shown.slice(0, LONGEST_QUOTED)}...` : shown;
}
