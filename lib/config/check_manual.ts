/** Connections keyed by hand, looked at as `ipsec manual --up` does, without being the host of either end. */
import { type Address, parseNumericAddress } from "../text/address.ts";
import type { Complaint } from "./complaint.ts";
import type { Configuration } from "./load.ts";
import { type ManualHost, readManualConn } from "./manual_conn.ts";
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
  return byHand.filter(({ parts }) => ![...parts].some((part) => wrong.has(part))).flatMap(checkOne);
}

function checkOne(conn: Conn): Complaint[] {
  const { name, settings, at = { file: "", line: 0 } } = conn;
  const say = (severity: Complaint["severity"]) => (one: ManualComplaint): Complaint => ({
    at: one.at ?? at,
    severity,
    message: `conn ${name}: ${one.text}`,
    section: name,
  });
  try {
    return readManualConn(name, parametersOf(settings), hostFor(conn)).warnings.map(say("warning"));
  } catch (error) {
    if (!(error instanceof ManualRefusal)) throw error;
    return error.complaints.map(say("error"));
  }
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
