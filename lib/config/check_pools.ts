/** Address pools of all connections together: those of one range are one pool, and others must keep away from it. */
import { parseAddress } from "../text/address.ts";
import { addressInRange, formatPoolRange, isPoolRange, parsePoolRange, rangesOverlap } from "../text/pool_range.ts";
import { type AddressRange, subnetToRange } from "../text/range.ts";
import { parseSubnet } from "../text/subnet.ts";
import { type Complaints, formatPosition, type Position } from "./complaint.ts";
import { type Conn, SIDES } from "./settings.ts";

interface Pool {
  readonly conn: Conn;
  readonly name: string;
  readonly value: string;
  readonly range: AddressRange;
  readonly at: Position;
}

/** The parameter by which an end has a pool, if it has one: strongSwan says it by `rightsourceip=`. */
export function poolParameter(value: (name: string) => string | undefined, side: string): string | undefined {
  if (value(`${side}addresspool`)) return `${side}addresspool`;
  const source = value(`${side}sourceip`);
  return source && isPoolRange(source) ? `${side}sourceip` : undefined;
}

export function checkPools(conns: ReadonlyMap<string, Conn>, complaints: Complaints): void {
  const pools = [...conns.values()].flatMap(poolsOf);
  for (const [i, pool] of pools.entries()) {
    const say = (how: "error" | "warn", message: string) =>
      complaints[how](pool.at, `conn ${pool.conn.name}: ${pool.name}=${pool.value} ${message}`, pool.conn.name);
    const other = pools.slice(0, i).find(({ range }) =>
      formatPoolRange(range) !== formatPoolRange(pool.range) && rangesOverlap(range, pool.range)
    );
    if (other) {
      const where = `conn ${other.conn.name} at ${formatPosition(other.at)}`;
      say("error", `overlaps ${other.name}=${other.value} of ${where}: pools must be the same, or apart`);
    }
    for (const { name, text } of neighbours(pool)) {
      say("warn", `has addresses of ${name}=${text}: hosts there would not find the client without proxy ARP`);
    }
  }
}

function poolsOf(conn: Conn): Pool[] {
  return SIDES.flatMap((side) => {
    const name = poolParameter((one) => conn.settings.get(one)?.value, side);
    const setting = name === undefined ? undefined : conn.settings.get(name);
    if (name === undefined || !setting || !("at" in setting.origin)) return [];
    const { value, origin: { at } } = setting;
    const range = parsePoolRange(value);
    // what has no right form has been complained of
    return range.ok ? [{ conn, name, value, range: range.value, at }] : [];
  });
}

/** Networks and hosts of the other end among whose addresses those of the pool are; not one that is everything. */
function neighbours({ conn, name, range }: Pool): { readonly name: string; readonly text: string }[] {
  const other = name.startsWith("left") ? "right" : "left";
  const found = [];
  for (const parameter of [`${other}subnet`, other, `${other}sourceip`]) {
    const text = conn.settings.get(parameter)?.value;
    if (text && isAmong(text, range)) found.push({ name: parameter, text });
  }
  return found;
}

function isAmong(text: string, range: AddressRange): boolean {
  const { family } = range.from;
  if (!text.includes("/")) {
    const address = parseAddress(text, family);
    return address.ok && addressInRange(address.value, range);
  }
  const subnet = parseSubnet(text, family);
  return subnet.ok && subnet.value.bits > 0 && rangesOverlap(subnetToRange(subnet.value), range);
}
