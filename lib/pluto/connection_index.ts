/** Connections by a key that may change while they are known: what a peer asks for is found without a look at all others. */
import type { Connection } from "./connection.ts";

export class ConnectionIndex {
  readonly #keyOf: (connection: Connection) => string | undefined;
  readonly #isBefore: (a: Connection, b: Connection) => boolean;
  readonly #lists = new Map<string, Connection[]>();
  readonly #keys = new Map<Connection, string>();

  /**
   * @param keyOf undefined for those that are not to be found
   * @param isBefore the order within one key
   */
  constructor(
    keyOf: (connection: Connection) => string | undefined,
    isBefore: (a: Connection, b: Connection) => boolean,
  ) {
    this.#keyOf = keyOf;
    this.#isBefore = isBefore;
  }

  /** Not to be kept: the next change is seen in it. */
  get(key: string): readonly Connection[] {
    return this.#lists.get(key) ?? [];
  }

  /** It is new, or its key may have changed. */
  update(connection: Connection): void {
    const key = this.#keyOf(connection);
    if (this.#keys.get(connection) === key) return;
    this.remove(connection);
    if (key === undefined) return;
    this.#keys.set(connection, key);
    const list = this.#lists.get(key);
    if (!list) {
      this.#lists.set(key, [connection]);
      return;
    }
    let from = 0, to = list.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#isBefore(connection, list[middle])) to = middle;
      else from = middle + 1;
    }
    list.splice(from, 0, connection);
  }

  remove(connection: Connection): void {
    const key = this.#keys.get(connection);
    if (key === undefined) return;
    this.#keys.delete(connection);
    const list = this.#lists.get(key)!;
    list.splice(list.indexOf(connection), 1);
    if (list.length === 0) this.#lists.delete(key);
  }
}
