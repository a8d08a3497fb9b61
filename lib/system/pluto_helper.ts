/**
 * The process beside pluto that does for it what pluto has given up the right to: updown commands, syslog, logs of peers,
 * ICMP errors. It is asked over its standard input, and ends with it; then it removes pluto's files, however pluto came to
 * its end.
 */
import type { UdpRefusal } from "../packet/icmp_refusal.ts";
import { formatAddress } from "../text/address.ts";
import { IkeRefusals } from "./ike_refusals.ts";
import { readLines } from "./json_lines.ts";
import { PeerLogs } from "./peer_logs.ts";
import { type PlutoSeverity, PlutoSyslog } from "./pluto_syslog.ts";
import { runUpdown, type UpdownOutcome } from "./updown.ts";
import { PermitServer, UpdownPermits, updownSocketPath } from "./updown_permits.ts";

export type HelperRequest =
  | { readonly do: "syslog"; readonly severity: PlutoSeverity; readonly text: string }
  | { readonly do: "peer log"; readonly peer: string; readonly text: string }
  | { readonly do: "close peer logs" }
  /** A message of IKE has gone: who refuses it is worth to be heard. */
  | { readonly do: "hear refusals" }
  | {
    readonly do: "updown";
    readonly id: number;
    readonly command: string;
    readonly variables: Readonly<Record<string, string>>;
  };

export interface HelperAnswer {
  readonly id: number;
  readonly outcome: UpdownOutcome;
}

/** Said without having been asked for this one; addresses as text. */
export interface HelperNews {
  readonly refusal: Readonly<Record<keyof UdpRefusal, string | number>>;
}

/** What it says first, when whack can tell it which commands are allowed. */
export const READY = "ready";

export interface HelperOptions {
  readonly ctlBase: string;
  /** Process id of the pluto that it belongs to. */
  readonly pid: number;
  readonly peerLogBase: string;
  /** Takes pluto's lines where there is no syslog daemon. */
  readonly logWithoutSyslog?: (line: string) => void;
}

const LONGEST_REQUEST = 1 << 20;
const VARIABLE = /^PLUTO_[A-Z_]+$/;

/**
 * Serves until pluto has gone.
 *
 * @param say takes {@linkcode READY}, answers and news, for pluto; must not throw where pluto has gone
 */
export async function servePluto(
  options: HelperOptions,
  input: AsyncIterable<Uint8Array>,
  say: (value: typeof READY | HelperAnswer | HelperNews) => void,
): Promise<void> {
  const syslog = new PlutoSyslog(options.pid, { otherwise: options.logWithoutSyslog });
  const peerLogs = new PeerLogs(options.peerLogBase, {
    now: () => new Date(),
    warn: (text) => syslog.write("err", text),
  });
  const permits = new UpdownPermits();
  const server = new PermitServer(updownSocketPath(options.ctlBase), permits);
  const refusals = IkeRefusals.open((refusal) => say(newsOf(refusal)));
  say(READY);
  /** By connection: the last one that it has. */
  const running = new Map<unknown, Promise<void>>();
  try {
    for await (const value of readLines(input, LONGEST_REQUEST)) {
      const request = value as HelperRequest;
      switch (request.do) {
        case "syslog":
          syslog.write(request.severity, request.text);
          break;
        case "peer log":
          peerLogs.write(request.peer, request.text);
          break;
        case "close peer logs":
          peerLogs.close();
          break;
        case "hear refusals":
          refusals?.sent();
          break;
        case "updown": {
          const of = request.variables?.PLUTO_CONNECTION;
          const done = (running.get(of) ?? Promise.resolve())
            .then(() => updown(request, permits))
            .then((outcome) => say({ id: request.id, outcome }));
          running.set(of, done);
          void done.finally(() => {
            if (running.get(of) === done) running.delete(of);
          });
        }
      }
    }
    await Promise.all(running.values()); // the last ones undo routes
  } finally {
    server.close();
    refusals?.close();
    peerLogs.close();
    await syslog.flush();
    removeFiles(options);
  }
}

function newsOf({ complainant, code, from, fromPort, to, toPort }: UdpRefusal): HelperNews {
  const [by, source, target] = [complainant, from, to].map((address) => formatAddress(address));
  return { refusal: { complainant: by, code, from: source, fromPort, to: target, toPort } };
}

async function updown(
  { command, variables }: Extract<HelperRequest, { do: "updown" }>,
  permits: UpdownPermits,
): Promise<UpdownOutcome> {
  const refuse = (why: string) => ({ ok: false, lines: [], complaint: `updown command not run: ${why}` });
  if (typeof command !== "string" || !permits.allows(command)) {
    return refuse("nobody has said that a connection has it");
  }
  const wrong = Object.entries(variables ?? {}).find(([name, value]) =>
    !VARIABLE.test(name) || typeof value !== "string" || /\p{Cc}/u.test(value)
  );
  if (wrong) return refuse(`${wrong[0]} has a value that none can have`);
  try {
    return await runUpdown(command, variables);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** Those of another pluto, which has begun meanwhile, stay. */
function removeFiles({ ctlBase, pid }: HelperOptions): void {
  try {
    if (Number(Deno.readTextFileSync(`${ctlBase}.pid`)) !== pid) return;
  } catch {
    return;
  }
  for (const path of [`${ctlBase}.ctl`, updownSocketPath(ctlBase), `${ctlBase}.pid`]) {
    try {
      Deno.removeSync(path);
    } catch {
      // somebody has removed it already
    }
  }
}
