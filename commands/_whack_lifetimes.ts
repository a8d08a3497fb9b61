/** Whether the lifetimes of a connection leave room for its rekeying (whack.md §3). */
import type { ConnectionDescription } from "../lib/pluto/description.ts";

export type Lifetimes = Pick<
  ConnectionDescription,
  "ikeLifetimeSeconds" | "ipsecLifetimeSeconds" | "rekeyMarginSeconds" | "rekeyFuzzPercent"
>;

const LONGEST_SECONDS = 86400;
const LARGEST = 0x7fffffff;

/** @param rekeys without rekeying there is no margin to be kept */
export function checkLifetimes(lifetimes: Lifetimes, rekeys: boolean, refuse: (message: string) => never): void {
  const { rekeyMarginSeconds: margin, rekeyFuzzPercent: fuzz } = lifetimes;
  const longest = Math.floor(margin * (100 + fuzz) / 100);
  if (longest > LARGEST) refuse("rekeymargin or rekeyfuzz values are so large that they cause oveflow");
  const lives = [["ikelifetime", lifetimes.ikeLifetimeSeconds], ["ipseclifetime", lifetimes.ipsecLifetimeSeconds]];
  for (const [name, life] of lives as [string, number][]) {
    if (life > LONGEST_SECONDS) refuse(`${name} [${life} seconds] must be less than ${LONGEST_SECONDS} seconds`);
    if (rekeys && life <= longest) {
      refuse(
        `${name} [${life}] must be greater than rekeymargin*(100+rekeyfuzz)/100 [${margin}*(100+${fuzz})/100 = ${longest}]`,
      );
    }
  }
}
