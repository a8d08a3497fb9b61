/** FACILITY.PRIORITY of syslog(3), as in `daemon.error`: the numbers of RFC 5424 §6.2.1 under the names of logger(1). */
import { ok, refuse, type Result } from "./result.ts";

const FACILITIES: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  security: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`local${i}`, 16 + i])),
};

const SEVERITIES: Readonly<Record<string, number>> = {
  emerg: 0,
  panic: 0,
  alert: 1,
  crit: 2,
  err: 3,
  error: 3,
  warning: 4,
  warn: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

/** @returns the number before a message: eight times the facility, plus the severity */
export function parseSyslogPriority(text: string): Result<number> {
  const [facility, severity, ...more] = text.toLowerCase().split(".");
  if (severity === undefined || more.length) return refuse("is not FACILITY.PRIORITY");
  if (!Object.hasOwn(FACILITIES, facility)) return refuse(`has no facility of syslog before its dot: ${facility}`);
  if (!Object.hasOwn(SEVERITIES, severity)) return refuse(`has no priority of syslog after its dot: ${severity}`);
  return ok(FACILITIES[facility] * 8 + SEVERITIES[severity]);
}
