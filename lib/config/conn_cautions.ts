/** Settings that can be used, and are probably not meant. */
import { parseIdentity } from "../text/identity.ts";
import { formatSubnet, parseSubnet, sameSubnet, type Subnet, subnetInSubnet } from "../text/subnet.ts";
import { eachSide, type Rule, type View } from "./conn_rules.ts";
import { NO_CERTIFICATES } from "./parameters.ts";
import { SIDES } from "./settings.ts";

/** Ends that are words, and look like host names without their %. */
const END_WORDS = ["any", "defaultroute", "direct", "group", "opportunistic", "opportunisticgroup"];

/** What pluto takes, and nobody means. */
export const CAUTIONS: readonly Rule[] = [
  ...eachSide((side) => [side], (conn, side) => {
    const value = conn.value(side)!;
    return END_WORDS.includes(value)
      ? { name: side, message: `${side}=${value} is a host of that name; did you mean %${value}?` }
      : undefined;
  }),
  {
    needs: SIDES,
    broken: (conn) => {
      const [left, right] = SIDES.map((side) => conn.value(side)!);
      const both = left === right && !left.startsWith("%");
      return both ? { name: "right", message: `left and right are the same host, ${left}` } : undefined;
    },
  },
  ...eachSide((side) => [side, "auto"], (conn, side) => {
    const auto = conn.value("auto")!;
    return conn.value(side) === "%any" && ["start", "route"].includes(auto)
      ? { name: "auto", message: `auto=${auto} cannot begin with ${side}=%any, who comes by itself: use auto=add` }
      : undefined;
  }),
  ...eachSide((side) => [`${side}id`], (conn, side) => {
    const name = `${side}id`, value = conn.value(name)!;
    const id = value.startsWith("%") ? undefined : parseIdentity(value);
    return id?.ok && id.value.kind === "name"
      ? { name, message: `${name}=${value} is ignored: a name as identity begins with @; did you mean @${value}?` }
      : undefined;
  }),
  ...eachSide((side) => [`${side}cert`], (conn, side) => {
    const name = `${side}cert`;
    return { name, message: `${name}=${conn.value(name)} has no effect: ${KEYS_INSTEAD}` };
  }),
  ...eachSide((side) => [`${side}rsasigkey`], (conn, side) => {
    const name = `${side}rsasigkey`;
    return conn.value(name) === "%cert" ? { name, message: `${name}=%cert finds no key: ${KEYS_INSTEAD}` } : undefined;
  }),
  ...eachSide((side) => [`${side}subnet`], (conn, side) => {
    const name = `${side}subnet`, value = conn.value(name);
    const isAssigned = conn.value(`${side}modecfgclient`) === "yes" ||
      /^%(mode)?config$/.test(conn.value(`${side}sourceip`) ?? "");
    const message = `${name}=${value} is what is protected: an address that the peer assigns to ${side} is not used`;
    return isAssigned ? { name, message } : undefined;
  }),
  {
    needs: ["uniqueids"],
    broken: (conn) => {
      const holds = conn.value("uniqueids") === "no"
        ? "is for all connections, from the next start on"
        : "has no effect";
      return {
        name: "uniqueids",
        message: `uniqueids=${conn.value("uniqueids")} ${holds}: it belongs in config setup`,
      };
    },
  },
  { needs: ["leftsubnet", "rightsubnet"], broken: overlap },
];

const KEYS_INSTEAD = `${NO_CERTIFICATES}; leftrsasigkey= takes what \`ipsec showhostkey --left\` prints`;

/** A small network within a larger one may be meant: all the rest is behind the peer. */
function overlap(conn: View): { readonly name: string; readonly message: string } | undefined {
  const [left, right] = SIDES.map((side) => networkOf(conn.value(`${side}subnet`)!));
  if (!left || !right || left.bits === 0 || right.bits === 0 || left.address.family !== right.address.family) {
    return undefined;
  }
  if (sameSubnet(left, right)) {
    const message =
      `leftsubnet and rightsubnet are the same network, ${formatSubnet(left)}: neither end could tell which ` +
      "of its hosts are at the other; renumber one";
    return { name: "rightsubnet", message };
  }
  const [inner, outer] = left.bits > right.bits ? ["left", "right"] : ["right", "left"];
  const isWithin = left.bits > right.bits ? subnetInSubnet(left, right) : subnetInSubnet(right, left);
  const texts = (side: string) => `${side}subnet=${conn.value(`${side}subnet`)}`;
  const message =
    `${texts(inner)} lies within ${texts(outer)}: hosts there look for these addresses in their own network, ` +
    "unless a router knows better";
  return isWithin ? { name: `${inner}subnet`, message } : undefined;
}

function networkOf(text: string): Subnet | undefined {
  const subnet = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  return subnet.ok ? subnet.value : undefined; // vhost:, a name, or what has been complained of
}
