/** A command's manual page, in Markdown and for man(1), both from the command's own value. */
import type { Command } from "./_command.ts";

export function manualPage(command: Command): string {
  const name = command.name === "ipsec" ? "ipsec" : `ipsec ${command.name}`;
  const synopsis = command.usage().trimEnd().split("\n").map((line) => `    ${line}`.trimEnd()).join("\n");
  return `# ${name}

## NAME

${name} - ${command.summary}

## SYNOPSIS

${synopsis}

${command.manual.trim()}
`;
}

/** Characters that roff takes for something else, or that readers could not copy from the page as ASCII. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

function escaped(text: string): string {
  return text.replace(/[\\`^~-]/g, (character) => ESCAPES[character]);
}

/** A leading dot or quote would be a macro. */
function guarded(line: string): string {
  return line.replace(/^([.'])/, "\\&$1");
}

const code = (text: string) => escaped(text).replaceAll("'", "\\(aq");

function inline(text: string): string {
  const spans = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)]*\))/);
  return guarded(
    spans.map((span) => {
      const link = /^\[([^\]]+)\]\([^)]*\)$/.exec(span);
      if (link) return escaped(link[1]);
      if (/^`.+`$/.test(span)) return `\\fB${code(span.slice(1, -1))}\\fR`;
      if (/^\*\*.+\*\*$/.test(span)) return `\\fB${escaped(span.slice(2, -2))}\\fR`;
      if (/^\*[^*]+\*$/.test(span)) return `\\fI${escaped(span.slice(1, -1))}\\fR`;
      return escaped(span);
    }).join(""),
  );
}

/** Lines as they are: indented or fenced code. */
function verbatim(line: string): string {
  return guarded(code(line));
}

/** Two columns become a list of terms, whose texts may be long; more are lined up. */
function table(rows: readonly string[]): string[] {
  const cells = rows.filter((row) => !/^\|[-:| ]+\|$/.test(row))
    .map((row) => row.slice(1, -1).split("|").map((cell) => cell.trim()));
  if (cells[0].length === 2) return cells.flatMap(([term, text]) => [".TP", inline(term), inline(text)]);
  const bare = cells.map((row) => row.map((cell) => cell.replaceAll("`", "")));
  const widths = bare[0].map((_, column) => Math.max(...bare.map((row) => row[column].length)));
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd();
  return [".nf", ...bare.map((row) => verbatim(line(row))), ".fi"];
}

/** `- term: text` of a list of options. */
const OPTION_ITEM = /^- (`[^:]+): (.*)/;

/** @returns the page as roff with the macros of man(7), named as FreeS/WAN named its pages: ipsec_NAME(8) */
export function roffPage(command: Command): string {
  const title = command.name === "ipsec" ? "IPSEC" : `IPSEC_${command.name.toUpperCase()}`;
  return roffText(`${title} 8`, manualPage(command));
}

/**
 * @param title as in the head of the page: `IPSEC.CONF 5`
 * @param page Markdown; its first line is the name again
 */
export function roffText(title: string, page: string): string {
  const out = [`.TH ${title} "" "oneswan" "IPsec"`];
  const lines = page.trimEnd().split("\n").slice(1);
  let fenced = false;
  let asIs = false;
  const setAsIs = (wanted: boolean) => {
    if (wanted !== asIs) out.push(wanted ? ".nf" : ".fi");
    asIs = wanted;
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line.startsWith("```")) {
      fenced = !fenced;
      continue;
    }
    const isCode = fenced || /^ {4}/.test(line) || (line === "" && asIs && /^ {4}/.test(lines[i + 1] ?? ""));
    setAsIs(isCode);
    const heading = /^(#+) (.*)/.exec(line);
    const option = OPTION_ITEM.exec(line);
    if (isCode) out.push(verbatim(fenced ? line : line.replace(/^ {4}/, "")));
    else if (line.startsWith("|")) {
      const end = lines.findIndex((other, at) => at > i && !other.startsWith("|"));
      const rows = lines.slice(i, end < 0 ? undefined : end);
      out.push(...table(rows));
      i += rows.length - 1;
    } else if (heading) out.push(`${heading[1].length > 2 ? ".SS" : ".SH"} ${inline(heading[2])}`);
    else if (line === "") out.push(".PP");
    else if (line.startsWith(": ")) out.push(inline(line.slice(2)));
    else if (option) out.push(".TP", inline(option[1]), inline(option[2]));
    else if (/^[-*] /.test(line)) out.push(".IP \\(bu 2", inline(line.slice(2)));
    else if (lines[i + 1]?.startsWith(": ")) out.push(".TP", inline(line));
    else out.push(inline(line.trim()));
  }
  setAsIs(false);
  return `${
    out.join("\n").replace(/(\n\.S[HS] .*)(\n\.PP)+(?=\n)/g, "$1").replace(/\n(\.PP\n)+(?=\.(SH|SS|TP|PP|nf))/g, "\n")
      .trimEnd()
  }\n`;
}
