/** A command's manual page, in Markdown and for man(1), both from the command's own value. */
import type { Command } from "./_command.ts";

export function manualPage(command: Command): string {
  const synopsis = command.usage().trimEnd().split("\n").map((line) => `    ${line}`.trimEnd()).join("\n");
  return `# ipsec ${command.name}

## NAME

ipsec ${command.name} - ${command.summary}

## SYNOPSIS

${synopsis}

${command.manual.trim()}
`;
}

function inline(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replace(
      /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*/g,
      (_, code, bold, italic) => italic ? `\\fI${italic}\\fR` : `\\fB${code ?? bold}\\fR`,
    )
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/^([.'])/, "\\&$1");
}

/** Lines as they are: indented or fenced code, and tables, whose columns line up as they are. */
function verbatim(line: string): string {
  return line.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/, "\\&$1");
}

/** @returns the page as roff with the macros of man(7), named as FreeS/WAN named its pages: ipsec_NAME(8) */
export function roffPage(command: Command): string {
  const out = [`.TH IPSEC_${command.name.toUpperCase()} 8 "" "oneswan" "IPsec"`];
  const lines = manualPage(command).trimEnd().split("\n").slice(1);
  let fenced = false;
  let asIs = false;
  const setAsIs = (wanted: boolean) => {
    if (wanted !== asIs) out.push(wanted ? ".nf" : ".fi");
    asIs = wanted;
  };
  for (const [i, line] of lines.entries()) {
    if (line.startsWith("```")) {
      fenced = !fenced;
      continue;
    }
    const code = fenced || /^ {4}/.test(line) || line.startsWith("|") ||
      (line === "" && asIs && /^ {4}/.test(lines[i + 1] ?? ""));
    setAsIs(code);
    const heading = /^(#+) (.*)/.exec(line);
    if (code) out.push(verbatim(fenced ? line : line.replace(/^ {4}/, "")));
    else if (heading) out.push(`${heading[1].length > 2 ? ".SS" : ".SH"} ${inline(heading[2])}`);
    else if (line === "") out.push(".PP");
    else if (line.startsWith(": ")) out.push(inline(line.slice(2)));
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
