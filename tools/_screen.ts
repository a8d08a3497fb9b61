/** What the demonstration prints: on a terminal with weights and a line that says what is waited for, in a pipe plain lines. */

/** Commands longer than this are broken before an option, as one would in a script. */
const LINE_WIDTH = 92;

export class Screen {
  readonly #terminal = Deno.stdout.isTerminal();
  readonly #styled = this.#terminal && !Deno.noColor;
  #waiting = false;
  #silent = false;

  #print(text: string): void {
    this.ready();
    this.#write(`${text}\n`);
  }

  /** Throws once where nobody reads any more, so that the play ends; what is said while it is cleaned up is lost. */
  #write(text: string): void {
    if (this.#silent) return;
    try {
      for (let rest = new TextEncoder().encode(text); rest.length;) rest = rest.subarray(Deno.stdout.writeSync(rest));
    } catch (error) {
      this.#silent = true;
      throw error;
    }
  }

  #style(code: number, text: string): string {
    return this.#styled ? `\x1b[${code}m${text}\x1b[0m` : text;
  }

  chapter(number: number, title: string): void {
    this.#print(`\n${this.#style(1, `${number}. ${title}`)}`);
  }

  say(text: string): void {
    for (const line of text.split("\n")) this.#print(`   ${line}`.trimEnd());
  }

  /** Says the last thing: what still runs prints no more. */
  end(text: string): void {
    this.say(text);
    this.#silent = true;
  }

  /** Shown until the next line comes, and on a terminal only. */
  wait(text: string): void {
    if (!this.#terminal) return;
    this.ready();
    this.#write(`   ${text} ...`);
    this.#waiting = true;
  }

  /** Takes away what {@linkcode wait} shows. */
  ready(): void {
    if (this.#waiting) this.#write("\r\x1b[K");
    this.#waiting = false;
  }

  /** A command as its user types it. */
  command(host: string, command: string): void {
    const lines = [""];
    for (const part of command.split(/ (?=--)/)) {
      const last = lines.at(-1)!;
      if (last === "" || last.length + part.length < LINE_WIDTH) {
        lines[lines.length - 1] = last ? `${last} ${part}` : part;
      } else lines.push(part);
    }
    this.#print(`   ${host}# ${this.#style(1, lines.join(" \\\n        "))}`);
  }

  /** What a command answered. */
  output(text: string): void {
    for (const line of text.trimEnd().split("\n")) this.#print(`   ${this.#style(2, `| ${line}`.trimEnd())}`);
  }
}
