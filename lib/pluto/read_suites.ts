/** What a connection offers and accepts, from `ike=`, `esp=`, `ah=` and `pfsgroup=`, or what holds without them. */
import {
  DEFAULT_AH_SUITES,
  DEFAULT_ESP_SUITES,
  DEFAULT_IKE_SUITES,
  type IpsecSuites,
  parseAhSuites,
  parseEspSuites,
  parseGroup,
  parseIkeSuites,
} from "../ike/suite_text.ts";
import type { GroupName } from "../crypto/dh_groups.ts";
import { ok, refuse, type Result } from "../text/result.ts";
import type { Suites } from "./define.ts";
import type { ConnectionDescription } from "./description.ts";

type Algorithms = Pick<
  ConnectionDescription,
  "ike" | "esp" | "ah" | "pfsGroup" | "legacy" | "encrypt" | "authenticate"
>;

export function readSuites(
  { ike, esp, ah, pfsGroup, legacy = false, encrypt, authenticate }: Algorithms,
): Result<Suites> {
  const phase1 = ike === undefined ? ok(DEFAULT_IKE_SUITES(legacy)) : within("ike", parseIkeSuites(ike, legacy));
  if (!phase1.ok) return phase1;
  const lists: Result<IpsecSuites>[] = [
    ...(encrypt
      ? [esp === undefined ? ok({ suites: DEFAULT_ESP_SUITES(legacy) }) : within("esp", parseEspSuites(esp, legacy))]
      : []),
    ...(authenticate
      ? [ah === undefined ? ok({ suites: DEFAULT_AH_SUITES(legacy) }) : within("ah", parseAhSuites(ah))]
      : []),
  ];
  const ipsec = [];
  let group: GroupName | undefined;
  for (const list of lists) {
    if (!list.ok) return list;
    ipsec.push(...list.value.suites);
    group ??= list.value.pfsGroup;
  }
  if (pfsGroup !== undefined) {
    const named = within("pfsgroup", parseGroup(pfsGroup));
    if (!named.ok) return named;
    group = named.value;
  }
  return ok({ ike: phase1.value, ipsec, ...(group && { pfsGroup: group }) });
}

/** With the name of the option that is wrong. */
function within<T>(option: string, parsed: Result<T>): Result<T> {
  return parsed.ok ? parsed : refuse(`${option}: ${parsed.error}`);
}
