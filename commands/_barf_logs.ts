/** The logs that `ipsec barf` shows: where what KLIPS and pluto have said is kept, from their last start on. */

export interface LogFile {
  readonly path: string;
  readonly text: string;
}

/** One log: the words that mark its start, and where people keep it. */
export interface LogKind {
  readonly title: "KLIPS" | "Pluto";
  /** Of its start, best first. */
  readonly marks: readonly RegExp[];
  /** Our own, in the run-time directory. */
  readonly own: readonly string[];
  /** syslog's. */
  readonly names: readonly string[];
}

export const LOG_KINDS: Readonly<Record<"klog" | "plog", LogKind>> = {
  klog: {
    title: "KLIPS",
    marks: [/Starting FreeS.WAN/, /KLIPS startup/, /klips/i],
    own: ["setup.log", "klips.log"],
    names: ["messages", "syslog"],
  },
  plog: {
    title: "Pluto",
    marks: [/Starting Pluto/, /Pluto/i],
    own: ["pluto.log"],
    names: ["secure", "auth.log", "debug"],
  },
};

const ABOUT_IPSEC = /ipsec|klips|pluto/i;
const SHORT_LINES = 500;

/** @returns the last start and what follows; undefined where nothing marks one */
function sinceStart(text: string, marks: readonly RegExp[]): string[] | undefined {
  const lines = text.split("\n");
  for (const mark of marks) {
    const at = lines.findLastIndex((line) => mark.test(line));
    if (at >= 0) return lines.slice(at);
  }
  return undefined;
}

/** @param isOwn a file that is about nothing else; of others only the lines about IPsec are shown */
export function excerpt({ text }: LogFile, { marks }: LogKind, isOwn: boolean, isShort: boolean): string[] {
  const lines = (sinceStart(text, marks) ?? []).filter((line) => isOwn ? line !== "" : ABOUT_IPSEC.test(line));
  return isShort ? lines.slice(-SHORT_LINES) : lines;
}

/** As FreeS/WAN said it. */
export function unableToFind({ title }: LogKind): string {
  const place = title === "KLIPS" ? "/var/log/messages" : "/var/log/secure";
  return `Unable to find ${title} messages, typically found in ${place} or equivalent. You may need to run FreeS/WAN for ` +
    "the first time; alternatively, your log files have been emptied (ie, logwatch) or we do not understand your logging " +
    "configuration.";
}
