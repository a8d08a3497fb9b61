/** Looks at the settings of one connection together (commands.md §7.2). */
import { AH_ALGORITHMS, ESP_ALGORITHMS } from "../crypto/algorithm_names.ts";
import { parseAhSuites, parseEspSuites } from "../ike/suite_text.ts";
import { poolParameter } from "./check_pools.ts";
import { type Complaints, formatPosition, type Position } from "./complaint.ts";
import { CAUTIONS } from "./conn_cautions.ts";
import { eachSide, type Rule, View } from "./conn_rules.ts";
import { type Conn, isStarting, type Setting, SIDES } from "./settings.ts";
import { errorOf, isVirtual, parseTime } from "./value_forms.ts";

/** At start, by pluto or by hand. */
function isUsed(auto: string | undefined): boolean {
  return isStarting(auto) || auto === "manual";
}

function together(one: string, other: string): Rule {
  return {
    needs: [one, other],
    broken: () => ({ name: one, message: `${one} and ${other} cannot stand together` }),
  };
}

/** Manual keying has names of its own for algorithms, and checks them itself. */
function algorithms(name: "esp" | "ah", byHand: ReadonlyMap<string, unknown>): Rule {
  const isByHand = (conn: View, value: string) =>
    conn.value("auto") === "manual" ||
    !isStarting(conn.value("auto")) && (byHand.has(value) || conn.isKeyedByHand());
  return {
    needs: [name],
    broken: (conn) => {
      const value = conn.value(name)!;
      // With phase2=ah nobody looks at esp=, which is another rule's to say.
      if (isByHand(conn, value) || name === "esp" && conn.value("phase2") === "ah") return undefined;
      const wrong = errorOf(name === "esp" ? parseEspSuites(value, false) : parseAhSuites(value));
      return wrong === undefined ? undefined : { name, message: `${name}=${value}: ${wrong}` };
    },
  };
}

const RULES: readonly Rule[] = [
  together("spi", "spibase"),
  ...SIDES.flatMap((side) => [
    together(`${side}firewall`, `${side}updown`),
    together(`${side}subnetwithin`, `${side}subnet`),
    together(`${side}addresspool`, `${side}sourceip`),
  ]),
  ...eachSide(
    (side) => ["type", `${side}subnet`],
    (conn, side) =>
      conn.value("type") === "transport" && !isVirtual(conn.value(`${side}subnet`)!)
        ? { name: `${side}subnet`, message: `type=transport incompatible with ${side}subnet` }
        : undefined,
  ),
  ...eachSide((side) => ["type", `${side}sourceip`], (conn, side) => {
    const name = `${side}sourceip`, value = conn.value(name)!;
    const isWrong = conn.value("type") === "transport" && value.startsWith("%");
    return isWrong ? { name, message: `type=transport incompatible with ${name}=${value}` } : undefined;
  }),
  ...eachSide(() => [], (conn, side) => {
    const name = poolParameter((one) => conn.said(one)?.value, side);
    if (!name) return undefined;
    const beside = [`${side}subnet`, `${side}subnetwithin`].find((one) => conn.said(one));
    if (beside) {
      return { name: beside, message: `${beside} and ${name} cannot stand together: the address is the client` };
    }
    if (conn.value("type") !== "tunnel") {
      return { name, message: `type=${conn.value("type")} incompatible with ${name}` };
    }
    const host = conn.value(side);
    return host === undefined || host === "%any"
      ? undefined
      : { name, message: `${name}=${conn.value(name)} is for peers of any address, ${side}=%any, and not for ${host}` };
  }),
  ...["modecfgdns1", "modecfgdns2"].map((name) => together(name, "modecfgdns")),
  ...eachSide((side) => [side, `${side}nexthop`], (conn, side) => {
    const [host, nexthop] = [conn.value(side), conn.value(`${side}nexthop`)];
    if (host === "%defaultroute") {
      if (nexthop === "%defaultroute") return undefined; // what it is in any case
      return { name: `${side}nexthop`, message: `${side}nexthop cannot be given with ${side}=%defaultroute` };
    }
    return host === nexthop
      ? { name: `${side}nexthop`, message: `${side} and ${side}nexthop must not be the same` }
      : undefined;
  }),
  {
    needs: SIDES,
    broken: (conn) => {
      const [left, right] = SIDES.map((side) => conn.value(side)!);
      const both = left === right && left.startsWith("%");
      return both ? { name: "right", message: `left and right cannot both be ${left}` } : undefined;
    },
  },
  {
    needs: ["phase2", "esp"],
    broken: (conn) =>
      conn.value("phase2") === "ah"
        ? { name: "esp", message: "with phase2=ah the parameter ah has the algorithms, not esp or phase2alg" }
        : undefined,
  },
  algorithms("esp", ESP_ALGORITHMS),
  algorithms("ah", AH_ALGORITHMS),
  ...["keylife", "ikelifetime"].map((name): Rule => ({
    needs: [],
    broken: (conn) => {
      if (!["keylife", "ikelifetime", "rekeymargin", "rekeyfuzz"].some((any) => conn.said(any))) return undefined;
      const life = parseTime(conn.value(name)!) ?? 0;
      const margin = parseTime(conn.value("rekeymargin")!) ?? 0;
      const most = margin * (100 + Number.parseInt(conn.value("rekeyfuzz")!)) / 100;
      if (conn.value("rekey") === "no" || life > most) return undefined;
      const message = `${name}=${conn.value(name)} must exceed rekeymargin and rekeyfuzz, which make ${most} seconds`;
      return { name: conn.said(name) ? name : "rekeymargin", message };
    },
  })),
];

/** @param isTemplate whether other connections take it over: it need not be complete by itself */
export function checkConn(conn: Conn, isTemplate: boolean, complaints: Complaints): void {
  const view = new View(conn);
  const error = (at: Position, message: string) => complaints.error(at, `conn ${conn.name}: ${message}`, conn.name);
  const warn = (at: Position, message: string) => complaints.warn(at, `conn ${conn.name}: ${message}`, conn.name);
  for (const rule of RULES) {
    if (!rule.needs.every((name) => view.said(name))) continue;
    const wrong = rule.broken(view);
    if (wrong) error(positionOf(view.said(wrong.name), conn), wrong.message);
  }
  for (const caution of isTemplate ? [] : CAUTIONS) {
    if (!caution.needs.every((name) => view.said(name))) continue;
    const found = caution.broken(view);
    if (found) warn(positionOf(view.said(found.name), conn), found.message);
  }
  // An end may be what is misspelt or has no right value: that has been said.
  if (isTemplate || complaints.anyWrong(conn.parts) || !isUsed(view.value("auto"))) return;
  for (const side of SIDES) {
    if (view.value(side)) continue;
    error(conn.at!, `has no ${side}=, which auto=${view.value("auto")} at ${place(view.said("auto")!, conn)} needs`);
  }
}

function positionOf(setting: Setting | undefined, conn: Conn): Position {
  return setting && "at" in setting.origin ? setting.origin.at : conn.at!;
}

function place(setting: Setting, conn: Conn): string {
  return formatPosition(positionOf(setting, conn));
}
