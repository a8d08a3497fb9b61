/** The tables of exchanges as docs/exchanges.md shows them. */
import type { ExchangeTable, TimerRule, Transition } from "../../lib/ike/exchange_table.ts";
import type { Negotiation } from "../../lib/ike/negotiation.ts";
import { HALF_OPEN_MS, RETRANSMISSION, waitMs } from "../../lib/ike/retransmission.ts";

/** A table without its steps. */
export interface TableShape extends Pick<ExchangeTable<Negotiation>, "name" | "answersRepeats"> {
  readonly openings: readonly Transition[];
  readonly rows: readonly (Transition & { readonly from: string })[];
}

const WAITS = Array.from({ length: RETRANSMISSION.most + 1 }, (_, i) => waitMs(i) / 1000);
const REPEATED = WAITS.slice(0, -1).map((_, i) => WAITS.slice(0, i + 1).reduce((sum, wait) => sum + wait));

const TIMERS: Readonly<Record<TimerRule, string>> = {
  retransmit: `again after ${REPEATED.join(" and ")} s; ends after ${WAITS.reduce((sum, wait) => sum + wait)} s`,
  discard: `ends after ${HALF_OPEN_MS / 1000} s`,
  established: "stands",
  keep: "as before",
};

/** @returns lines of Markdown, each cell with one blank on both sides */
export function listExchange({ name, openings, rows, answersRepeats }: TableShape): string[] {
  const line = (from: string, { flow, to, timer }: Transition) => {
    const repeats = (answersRepeats as readonly string[]).includes(to) ? "yes" : "";
    return `| ${[from, `\`${flow.replaceAll(/\s+/g, " ")}\``, to, TIMERS[timer], repeats].join(" | ")} |`;
  };
  const lines = [...openings.map((opening) => line("", opening)), ...rows.map((row) => line(row.from, row))];
  return [`## ${name}`, ...new Set(lines)];
}
