/** What is looked for in the settings of one connection: rules that they may break, and what they probably do not mean. */
import { PARAMETERS } from "./parameters.ts";
import { type Conn, type Setting, settingOf, SIDES } from "./settings.ts";

/** A rule that the settings of a connection may break. */
export interface Rule {
  readonly needs: readonly string[];
  /** @returns what is wrong, and which parameter to show */
  broken(conn: View): { readonly name: string; readonly message: string } | undefined;
}

export class View {
  constructor(readonly conn: Conn) {}
  said(name: string): Setting | undefined {
    return this.conn.settings.get(name);
  }
  value(name: string): string | undefined {
    return settingOf(this.conn.settings, "conn", name)?.value;
  }
  /** Something was said that only manual keying looks at. */
  isKeyedByHand(): boolean {
    return [...this.conn.settings.keys()].some((name) => PARAMETERS.conn.get(name)?.keying === "manual");
  }
}

/** For a rule about one end: the same for both. */
export function eachSide(
  needs: (side: string) => string[],
  broken: (conn: View, side: string) => { name: string; message: string } | undefined,
): Rule[] {
  return SIDES.map((side) => ({ needs: needs(side), broken: (conn) => broken(conn, side) }));
}
