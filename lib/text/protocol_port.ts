/** `PROTOCOL/PORT` (text-forms.md §10). */
import { readNumber } from "./c_number.ts";
import { ok, refuse, type Result } from "./result.ts";

/** 0 is any. */
export interface ProtocolPort {
  readonly protocol: number;
  readonly port: number;
}

/** The names that a host knows; undefined for a text that is none of them. */
export interface NameDatabase {
  protocolNumber(name: string): number | undefined;
  /** The port of a service, whatever its protocol. */
  servicePort(name: string): number | undefined;
}

/** In characters; what is longer overran a buffer of the original. */
const LONGEST_PROTOCOL = 15;

/** ttoprotoport: names or numbers as C has them; a part that is missing or empty is 0. */
export function parseProtocolPort(text: string, names: NameDatabase): Result<ProtocolPort> {
  const slash = text.indexOf("/");
  const [first, second] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
  const protocol = first.length > LONGEST_PROTOCOL ? undefined : names.protocolNumber(first) ?? readNumber(first);
  if (protocol === undefined) return refuse("<protocol> is neither a number nor a valid name");
  if (protocol < 0 || protocol > 255) return refuse("<protocol> must be between 0 and 255");
  const port = names.servicePort(second) ?? readNumber(second);
  if (port === undefined) return refuse("<port> is neither a number nor a valid name");
  if (port < 0 || port > 65535) return refuse("<port> must be between 0 and 65535");
  return ok({ protocol, port });
}

/** In numbers, for example `17/1701`. */
export function formatProtocolPort({ protocol, port }: ProtocolPort): string {
  return `${protocol}/${port}`;
}
