/** What `swanctl --raw` prints: events of VICI, as `NAME {key=value list=[a b] section {...}}`. */

/** A section; lists are arrays. */
export interface Vici {
  readonly [name: string]: string | readonly string[] | Vici;
}

export interface ViciEvent {
  readonly name: string;
  readonly fields: Vici;
}

/** One event a line. @throws SyntaxError at what is none */
export function parseVici(text: string): ViciEvent[] {
  return text.split("\n").filter(Boolean).map((line) => {
    const brace = line.indexOf(" {");
    if (brace < 0) throw new SyntaxError(`no event of VICI: ${line}`);
    const reader = { text: line, at: brace + 2 };
    return { name: line.slice(0, brace), fields: section(reader) };
  });
}

interface Reader {
  readonly text: string;
  at: number;
}

/** From behind its opening brace to behind its closing one. Values may hold blanks, so the next name ends them. */
function section(r: Reader): Vici {
  const found: Record<string, string | readonly string[] | Vici> = {};
  for (;;) {
    while (r.text[r.at] === " ") r.at++;
    if (r.text[r.at] === "}") return r.at++, found;
    const name = /[^\s={}]+/y;
    name.lastIndex = r.at;
    const match = name.exec(r.text);
    if (!match) throw new SyntaxError(`a name was expected at ${r.at} of: ${r.text}`);
    r.at = name.lastIndex;
    if (r.text.startsWith(" {", r.at)) {
      r.at += 2;
      found[match[0]] = section(r);
    } else if (r.text.startsWith("=[", r.at)) {
      const end = r.text.indexOf("]", r.at);
      found[match[0]] = r.text.slice(r.at + 2, end).split(" ").filter(Boolean);
      r.at = end + 1;
    } else if (r.text[r.at] === "=") {
      const value = /[^{}]*?(?= [^\s={}]+(?:=| \{)|\})/y;
      value.lastIndex = r.at + 1;
      found[match[0]] = value.exec(r.text)?.[0] ?? "";
      r.at = value.lastIndex;
    } else throw new SyntaxError(`a value was expected at ${r.at} of: ${r.text}`);
  }
}
