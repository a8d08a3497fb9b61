import { equal, ok } from "node:assert/strict";
import type { Command } from "../../commands/_command.ts";
import { manualPage, roffPage } from "../../commands/_manual_page.ts";

function command(manual: string): Command {
  return { name: "east", summary: "go east", usage: () => "usage: ipsec east [ --far ]\n", manual, run: () => 0 };
}

/** The page after its heading. */
function body(manual: string): string {
  const page = roffPage(command(`## DESCRIPTION\n\n${manual}`));
  return page.slice(page.indexOf(".SH DESCRIPTION\n") + ".SH DESCRIPTION\n".length);
}

const ROFF: [what: string, markdown: string, roff: string][] = [
  ["code and strong words in bold", "`a` and **b**", "\\fBa\\fR and \\fBb\\fR\n"],
  ["emphasis in italics", "An *eroute* ties", "An \\fIeroute\\fR ties\n"],
  ["asterisks within code as they are", "`*a*`", "\\fB*a*\\fR\n"],
  ["lone asterisks as they are", "2 * 3 * 4", "2 * 3 * 4\n"],
  ["hyphens so that they can be copied", "`--src`", "\\fB\\-\\-src\\fR\n"],
  ["a backslash", "a\\b", "a\\eb\n"],
  ["links without their targets", "[RFC 4303](https://example.net)", "RFC 4303\n"],
  ["a leading dot, which would be a macro", ".PP", "\\&.PP\n"],
  ["lists", "- one\n- two", ".IP \\(bu 2\none\n.IP \\(bu 2\ntwo\n"],
  ["indented code, blank lines included", "    *a*\n\n    .b", ".nf\n*a*\n\n\\&.b\n.fi\n"],
  [
    "quotes of code so that they can be copied",
    "    a 'b' `c` ~d ^e",
    ".nf\na \\(aqb\\(aq \\(gac\\(ga \\(tid \\(hae\n.fi\n",
  ],
  [
    "tables of two columns as lists of terms",
    "| a | b |\n|---|---|\n| `--c` | *d* |\n\ne",
    ".TP\na\nb\n.TP\n\\fB\\-\\-c\\fR\n\\fId\\fR\n.PP\ne\n",
  ],
  ["wider tables lined up", "| a | bits | c |\n|---|---|---|\n| `aes` | 1 | |", ".nf\na    bits  c\naes  1\n.fi\n"],
  [
    "options as terms",
    "- `-a`, `--b`: see: this\n  and that",
    ".TP\n\\fB\\-a\\fR, \\fB\\-\\-b\\fR\nsee: this\nand that\n",
  ],
];
for (const [what, markdown, roff] of ROFF) {
  Deno.test(`roffPage() writes ${what}`, () => equal(body(markdown), roff));
}

Deno.test("manualPage() and roffPage() begin with name, summary and synopsis", () => {
  ok(
    manualPage(command("x")).startsWith(
      "# ipsec east\n\n## NAME\n\nipsec east - go east\n\n## SYNOPSIS\n\n    usage: ipsec east [ --far ]\n\nx\n",
    ),
  );
  ok(
    roffPage(command("x")).startsWith(
      '.TH IPSEC_EAST 8 "" "oneswan" "IPsec"\n.SH NAME\nipsec east \\- go east\n.SH SYNOPSIS\n.nf\n' +
        "usage: ipsec east [ \\-\\-far ]\n.fi\n",
    ),
  );
});
