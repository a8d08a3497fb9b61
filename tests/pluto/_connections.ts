/** Connections without a daemon around them. */
import type { Connection } from "../../lib/pluto/connection.ts";
import { Connections } from "../../lib/pluto/connections.ts";
import { defineConnection, type DefineDeps, type Line } from "../../lib/pluto/define.ts";
import type { ConnectionDescription } from "../../lib/pluto/description.ts";
import { MyId } from "../../lib/pluto/myid.ts";
import { address, description } from "./_fakes.ts";

export const WEST = { virtual: "ipsec0", physical: "eth1", address: address("192.0.2.1") };
export const EAST = { virtual: "ipsec0", physical: "eth1", address: address("198.51.100.2") };

export const DEPS: DefineDeps = {
  myId: new MyId(undefined),
  canCompress: true,
  readSuites: () => ({ ok: true, value: { ike: [], ipsec: [{ protocol: "esp", cipher: "aes128gcm16" }] } }),
};

export function define(name: string, given: ConnectionDescription, deps: Partial<DefineDeps> = {}) {
  return defineConnection(name, given, { ...DEPS, ...deps });
}

/** Oriented for west unless told otherwise. */
export function make(
  name = "net-net",
  more: Parameters<typeof description>[0] = {},
  at: typeof WEST | undefined = WEST,
): Connection {
  const { connection, lines } = define(name, description(more));
  if (!connection) throw new Error(lines.map(({ text }: Line) => text).join("; "));
  connection.interface = at;
  return connection;
}

/** @param newestFirst as an iterator over them gives them again */
export function known(newestFirst: readonly Connection[]): Connections {
  const all = new Connections();
  for (const one of newestFirst.toReversed()) all.add(one);
  return all;
}
