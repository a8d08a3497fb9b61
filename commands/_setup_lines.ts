/** Where the messages of `ipsec setup` go: the terminal, syslog, a log. Each line is tagged, as logger(1) did it. */
import type { Syslog } from "../lib/system/syslog.ts";

export const TAG = "ipsec_setup";

export interface Lines {
  /** For whoever started it, and for the log. */
  say(text: string): void;
  /** For the log alone. */
  note(text: string): void;
}

export function tagged(text: string): string {
  return `${TAG}: ${text}\n`;
}

/** @param print to the terminal, tagged already */
export function terminalAndSyslog(print: (text: string) => void, syslog: Pick<Syslog, "write">): Lines {
  return {
    say: (text) => {
      print(tagged(text));
      syslog.write(text);
    },
    note: (text) => syslog.write(text),
  };
}
