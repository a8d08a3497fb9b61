/** ipsec.conf as lines with their positions, files that it includes in place (config.md §3, §6). */
import type { Position } from "./complaint.ts";
import { besides, type FileSystem } from "./file_system.ts";
import { glob, isPattern } from "./glob.ts";

/** What is wrong with a line or a file as such. */
export interface Fault {
  readonly kind: "fault";
  readonly at: Position;
  /** For the administrator. */
  readonly message: string;
  /** As `_confread` of FreeS/WAN has it, which scripts match. */
  readonly classic: string;
}

/** Where a file that is not empty begins, or one goes on after an include: no section reaches across. */
export interface Boundary {
  readonly kind: "boundary";
  readonly begins: boolean;
  /** The next line. */
  readonly at: Position;
}

export type Line = { readonly kind: "text"; readonly at: Position; readonly text: string } | Fault | Boundary;

export interface Lines {
  readonly lines: readonly Line[];
  /** Every file read, in the order of reading. */
  readonly files: readonly string[];
}

export interface ReadOptions {
  /** Whether `include` lines are followed; otherwise they are left as lines. */
  readonly include?: boolean;
}

/** Files that include each other many times over under other names end here. */
const MOST_FILES = 10_000;
const DEEPEST = 100;
const INCLUDE = /^include[ \t]/;

/** Never throws: what cannot be read is a {@linkcode Fault} at the line that asked for it. */
export function readLines(file: string, files: FileSystem, { include = true }: ReadOptions = {}): Lines {
  const reading = new Reading(files, include);
  reading.file(file, { file, line: 0 });
  return { lines: reading.lines, files: [...reading.read] };
}

class Reading {
  readonly lines: Line[] = [];
  readonly read = new Set<string>();
  /** Identities of the files that are being read, outermost first. */
  readonly #open: string[] = [];
  #count = 0;

  constructor(readonly files: FileSystem, readonly include: boolean) {}

  file(path: string, asked: Position): void {
    const content = this.files.read(path);
    if (typeof content === "string") {
      this.#fault(asked, `cannot open ${path}: ${content}`, `cannot open configuration file \\'${path}\\'`);
      return;
    }
    if (this.#open.includes(content.identity)) {
      this.#fault(asked, `${path} includes itself, so this line is left out`, `include loop in "${path}"`);
      return;
    }
    if (this.#open.length >= DEEPEST || ++this.#count > MOST_FILES) {
      this.#fault(asked, `${path} is left out: too many included files`, `too many included files at "${path}"`);
      return;
    }
    this.read.add(path);
    this.#open.push(content.identity);
    const texts = content.text.replace(/^\ufeff/, "").split("\n");
    if (texts.at(-1) === "") texts.pop();
    if (texts.length) this.lines.push({ kind: "boundary", begins: true, at: { file: path, line: 1 } });
    texts.forEach((text, i) => this.#line(text.replace(/\r$/, ""), { file: path, line: i + 1 }));
    this.#open.pop();
  }

  #line(text: string, at: Position): void {
    if (!this.include || !INCLUDE.test(text)) {
      this.lines.push({ kind: "text", at, text });
      return;
    }
    const words = stripComment(text).trim().split(/[ \t]+/).slice(1);
    if (words.length !== 1 || words[0] === "") {
      this.#fault(
        at,
        `include needs one file name, and has ${words[0] === "" ? 0 : words.length}`,
        `(${at.file}, line ${at.line}) include syntax error in "${text}"`,
      );
    } else {
      const name = besides(at.file, words[0].replace(/^"(.*)"$|^'(.*)'$/, "$1$2"));
      // No match is no error: a directory of connections may be empty.
      for (const path of isPattern(name) ? glob(name, this.files) : [name]) this.file(path, at);
    }
    this.lines.push({ kind: "boundary", begins: false, at: { file: at.file, line: at.line + 1 } });
  }

  #fault(at: Position, message: string, classic: string): void {
    this.lines.push({ kind: "fault", at, message, classic });
  }
}

/** Cuts off a comment: `#` at the start of a word outside double quotes. */
export function stripComment(text: string): string {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (text[i] === "#" && !quoted && (i === 0 || text[i - 1] === " " || text[i - 1] === "\t")) {
      return text.slice(0, i);
    }
  }
  return text;
}
