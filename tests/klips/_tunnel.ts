/** Two gateways with one tunnel between them, as most tests of the engine need it. */
import { DROPS } from "../../lib/klips/counters.ts";
import type { Sa, Transform } from "../../lib/klips/sa.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { Gateway } from "./_gateway.ts";

// sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10

export const V4 = {
  west: "192.0.2.1",
  east: "192.0.2.2",
  sunset: "10.1.0.10",
  sunrise: "10.2.0.10",
  nets: ["10.1.0.0/24", "10.2.0.0/24"],
  sep: ".",
};
export const V6 = {
  west: "2001:db8::1",
  east: "2001:db8::2",
  sunset: "fd01:1::10",
  sunrise: "fd01:2::10",
  nets: ["fd01:1::/64", "fd01:2::/64"],
  sep: ":",
};

export interface TunnelOptions {
  esn?: boolean;
  udp?: boolean;
  /** Replay window; 0 for none. */
  window?: number;
  outer?: typeof V4;
  inner?: typeof V4;
  /** Without the tunnel SA: the SAs apply to what the gateways themselves send. */
  transport?: boolean;
  provider?: Provider;
}

/** West and east with one chain from west to east, made of `kinds` (innermost first, after the tunnel SA). */
export function pair(kinds: string[], options: TunnelOptions = {}): { west: Gateway; east: Gateway } {
  const outer = options.outer ?? V4, inner = options.inner ?? V4;
  const all = options.transport ? kinds : ["ipip", ...kinds];
  const west = new Gateway([outer.west], options.provider), east = new Gateway([outer.east], options.provider);
  for (const gateway of [west, east]) {
    const chain = all.map((kind, i) => {
      const protocol = protocolOf(kind);
      return gateway.sa(`${protocol}${outer.sep}${(0x1000 + i).toString(16)}@${outer.east}`, outer.west, kind, {
        esn: options.esn && (protocol === "esp" || protocol === "ah"),
        window: options.window,
        udp: options.udp && i === all.length - 1 ? { sport: 4500, dport: 4500, peer: undefined } : undefined,
      });
    });
    gateway.group(...chain);
  }
  const bits = outer === V4 ? 32 : 128;
  const [from, to] = options.transport ? [`${outer.west}/${bits}`, `${outer.east}/${bits}`] : inner.nets;
  west.eroute(from, to, `${protocolOf(all[0])}${outer.sep}1000@${outer.east}`);
  return { west, east };
}

function protocolOf(kind: string): string {
  if (kind === "ipip") return "tun";
  if (kind === "comp") return "comp";
  return kind.startsWith("ah-") ? "ah" : "esp";
}

/** The first SA of a gateway with a transform of this kind. */
export function saOf<K extends Transform["kind"]>(gateway: Gateway, kind: K): Sa & { transform: { kind: K } } {
  const sa = [...gateway.engine.sad].find((sa) => sa.transform.kind === kind);
  if (!sa) throw new Error(`no SA of kind ${kind}`);
  return sa as Sa & { transform: { kind: K } };
}

/** All drop counters that are not zero, by name. */
export function drops(gateway: Gateway): Record<string, number> {
  const { counters } = gateway.device;
  return Object.fromEntries(DROPS.flatMap(({ name }, i) => counters.drops[i] ? [[name, counters.drops[i]]] : []));
}
