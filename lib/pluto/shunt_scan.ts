/** Every two minutes the kernel's eroutes are looked at (pluto.md §17): what is used, what is idle, what is lost. */
import { parseSaId } from "../text/sa_id.ts";
import type { IkeState } from "../ike/state.ts";
import { type BareShunt, type BareShunts, flowText } from "./bare_shunts.ts";
import { type Connection, NOBODY } from "./connection.ts";
import type { ErouteCount, Flow, Kernel } from "./kernel.ts";
import type { StateNotes } from "./state_notes.ts";

export const SCAN_SECONDS = 120;
/** A failure shunt without traffic. */
export const IDLE_SECONDS = 900;

export interface ScanDeps {
  readonly kernel: Kernel;
  readonly connections: Iterable<Connection>;
  readonly shunts: BareShunts;
  readonly notes: StateNotes;
  readonly states: ReadonlyMap<number, IkeState>;
  now(): number;
  /** A hold that we never heard of. */
  orphan(flow: Flow): void;
  /** A failure's time is over. */
  over(failure: BareShunt): Promise<void>;
}

/** @throws KernelError */
export async function scanShunts(deps: ScanDeps): Promise<void> {
  const eroutes = await deps.kernel.eroutes();
  const owners = new Map<string, Connection>();
  for (const one of deps.connections) {
    const text = flowText(one.flow);
    if (one.routing !== "UNROUTED" && !owners.has(text)) owners.set(text, one);
  }
  for (const eroute of eroutes) {
    const owner = owners.get(flowText(eroute.flow));
    if (eroute.target === "%hold") {
      if (!owner && !deps.shunts.find(eroute.flow)) deps.orphan(eroute.flow);
    } else if (eroute.target.startsWith("%")) {
      await ageBareShunt(eroute, deps);
    } else if (owner && owner.erouteOwner !== NOBODY && deps.states.has(owner.erouteOwner)) {
      countUse(eroute, owner.erouteOwner, deps);
    }
  }
}

async function ageBareShunt({ flow, packets }: ErouteCount, deps: ScanDeps): Promise<void> {
  const shunt = deps.shunts.find(flow);
  if (!shunt) return;
  const now = deps.now();
  if (packets !== shunt.packets) {
    shunt.packets = packets;
    shunt.activeAt = now;
  }
  if (now - shunt.activeAt > IDLE_SECONDS * 1000) await deps.over(shunt);
}

function countUse({ packets, target }: ErouteCount, state: number, { notes, now }: ScanDeps): void {
  const note = notes.of(state);
  if (packets === note.packets || !parseSaId(target).ok) return;
  note.packets = packets;
  note.usedAt = now();
}
