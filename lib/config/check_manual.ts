/** Connections keyed by hand, looked at as `ipsec manual --up` does, without being the host of either end. */
import { type Address, parseNumericAddress } from "../text/address.ts";
import { formatSaId } from "../text/sa_id.ts";
import type { Complaint } from "./complaint.ts";
import type { Configuration } from "./load.ts";
import { type ManualConn, type ManualHost, readManualConn } from "./manual_conn.ts";
import { type ManualComplaint, ManualRefusal } from "./manual_reader.ts";
import { parametersOf } from "./manual_union.ts";
import { type Conn, settingOf } from "./settings.ts";

/** What %defaultroute may turn out to be: addresses that no file has (RFC 1112 §4). */
const DEFAULT_ROUTE = { address: numeric("240.0.0.1")!, nextHop: numeric("240.0.0.2")! };

/** About each connection that start brings up by hand, unless something is wrong with it already. */
export function checkManual({ setup, conns, complaints }: Configuration): Complaint[] {
  const wrong = new Set(complaints.filter(({ severity }) => severity === "error").map(({ section }) => section));
  const started = new Set(settingOf(setup, "setup", "manualstart")?.value.split(" "));
  const byHand = [...conns.values()].filter(({ name, settings }) =>
    settings.get("auto")?.value === "manual" || started.has(name)
  );
  const found: Complaint[] = [];
  const makers = new Map<string, string>();
  for (const conn of byHand.filter(({ parts }) => ![...parts].some((part) => wrong.has(part)))) {
    const read = readOne(conn);
    found.push(...read.complaints);
    if (read.conn) found.push(...checkSpis(conn, read.conn, makers));
  }
  return found;
}

function readOne(conn: Conn): { readonly conn?: ManualConn; readonly complaints: readonly Complaint[] } {
  const { name, settings } = conn;
  const say = (severity: Complaint["severity"]) => ({ text, at }: ManualComplaint) => about(conn, severity, text, at);
  try {
    const read = readManualConn(name, parametersOf(settings), hostFor(conn));
    return { conn: read.conn, complaints: read.warnings.map(say("warning")) };
  } catch (error) {
    if (!(error instanceof ManualRefusal)) throw error;
    return { complaints: error.complaints.map(say("error")) };
  }
}

function about(
  { name, at: whole = { file: "", line: 0 } }: Conn,
  severity: Complaint["severity"],
  text: string,
  at = whole,
): Complaint {
  return { at, severity, message: `conn ${name}: ${text}`, section: name };
}

/** The one that comes up later is refused. @param makers by SA, of the connections before; gains those of this one */
function checkSpis(conn: Conn, { outbound, inbound }: ManualConn, makers: Map<string, string>): Complaint[] {
  const ids = [...outbound, ...inbound].map(({ id }) => formatSaId(id, "x"));
  const taken = ids.find((id) => makers.has(id));
  for (const id of ids) if (!makers.has(id)) makers.set(id, conn.name);
  if (taken === undefined) return [];
  const origin = (conn.settings.get("spi") ?? conn.settings.get("spibase"))?.origin;
  const at = origin && "at" in origin ? origin.at : undefined;
  const text = `${taken} is an SA of conn ${makers.get(taken)}, too: both cannot be up; give each an SPI of its own`;
  return [about(conn, "warning", text, at)];
}

/** The host at the left end. */
function hostFor({ settings }: Conn): ManualHost {
  const address = numeric(settings.get("left")?.value ?? "") ?? DEFAULT_ROUTE.address;
  return { interfaces: [{ device: "ipsec0", address }], defaultRoute: DEFAULT_ROUTE };
}

function numeric(text: string): Address | undefined {
  const parsed = parseNumericAddress(text, text.includes(":") ? "inet6" : "inet");
  return parsed.ok ? parsed.value : undefined;
}
