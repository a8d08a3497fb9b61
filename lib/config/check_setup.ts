/** Looks at the settings of `config setup` together, and at what they name. */
import { type Complaints, formatPosition } from "./complaint.ts";
import type { Proposals } from "./proposals.ts";
import { type Conn, isStarting, type Settings } from "./settings.ts";

export function checkSetup(
  setup: Settings,
  conns: ReadonlyMap<string, Conn>,
  complaints: Complaints,
  proposals: Proposals,
): void {
  checkInterfaces(setup, complaints);
  checkManualStart(setup, conns, complaints, proposals);
}

/** A virtual interface has one physical one; `%defaultroute` stands for `ipsec0=...` (config.md §11). */
function checkInterfaces(setup: Settings, complaints: Complaints): void {
  const { words, at } = wordsOf(setup, "interfaces");
  if (!at) return;
  const virtual = words.map((word) => word === "%defaultroute" ? "ipsec0" : word.split("=")[0]);
  for (const twice of new Set(virtual.filter((name, i) => virtual.indexOf(name) !== i))) {
    const items = words.filter((_, i) => virtual[i] === twice).join(" and ");
    complaints.error(at, `config setup: interfaces: ${items} are both for ${twice}`, "setup");
  }
}

/** The other connections start nevertheless, so this is no error. */
function checkManualStart(
  setup: Settings,
  conns: ReadonlyMap<string, Conn>,
  complaints: Complaints,
  proposals: Proposals,
): void {
  const { words, at } = wordsOf(setup, "manualstart");
  if (!at) return;
  const names = [...conns.keys()];
  for (const name of words.filter((word) => !conns.has(word))) {
    const proposal = proposals.propose("conn", name, names);
    complaints.warn(at, `config setup: manualstart: there is no conn ${name}${proposal}`, "setup");
  }
  for (const name of new Set(words)) {
    const auto = conns.get(name)?.settings.get("auto");
    if (!auto || !isStarting(auto.value) || !("at" in auto.origin)) continue;
    const where = formatPosition(auto.origin.at);
    complaints.warn(at, `config setup: manualstart: conn ${name} has auto=${auto.value} at ${where} as well`, "setup");
  }
}

function wordsOf(setup: Settings, name: string) {
  const setting = setup.get(name);
  if (!setting || !("at" in setting.origin)) return { words: [], at: undefined };
  return { words: setting.value.split(" ").filter(Boolean), at: setting.origin.at };
}
