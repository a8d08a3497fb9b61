/** A gateway with clients at several addresses, real exchanges between them, in fake time over fake packet engines. */
import type { Path } from "../../lib/ike/state.ts";
import type { ConnectionDescription } from "../../lib/pluto/description.ts";
import { type Address, formatAddress } from "../../lib/text/address.ts";
import { FakeClock } from "../ike/_fake_clock.ts";
import { address, allTurns, description, House, type HouseOptions } from "./_fakes.ts";

export const GATEWAY = "192.0.2.1", INSIDE = "10.0.1.0/24";
export const POOL = "10.3.0.10-10.3.0.99";

type More = Parameters<typeof description>[0];

/** Whoever comes gets an address. */
export function road(pool = POOL, more: More = {}): ConnectionDescription {
  return description({
    modecfgPull: true,
    dontRekey: true,
    ...more,
    left: { client: INSIDE, id: "@gate", nextHop: "192.0.2.254", modecfgServer: true, ...more?.left },
    right: { host: "%any", client: undefined, id: undefined, nextHop: "%direct", addressPool: pool, ...more?.right },
  });
}

/** One client's side of it. */
export function roadClient(from: string, id: string, more: More = {}): ConnectionDescription {
  return description({
    modecfgPull: true,
    ...more,
    left: { host: from, id, client: undefined, nextHop: "%direct", modecfgClient: true, ...more?.left },
    right: { host: GATEWAY, id: "@gate", client: INSIDE, nextHop: "%direct", ...more?.right },
  });
}

interface Port {
  readonly address: Address;
  readonly port: number;
}

export class Road {
  readonly clock = new FakeClock(allTurns);
  readonly gate: House;
  readonly #houses = new Map<string, House>();
  /** Where packets of a client seem to come from, and whose those are that go there. */
  readonly #outside = new Map<string, Port>();
  readonly #inside = new Map<string, Port>();
  readonly #hidden = new Map<string, Address>();
  #ports = 41_000;
  /** Clients that neither send nor hear. */
  readonly silent = new Set<House>();

  constructor(gate: Partial<HouseOptions> = {}) {
    this.gate = this.#house({ address: GATEWAY, deps: { checkPassword: () => Promise.resolve(true) }, ...gate });
  }

  /** Comes up, as far as it gets. @param behind the address of its NAT */
  async client(
    from: string,
    { id = `@${from}`, user, behind, more }: { id?: string; user?: string; behind?: string; more?: More } = {},
  ): Promise<House> {
    if (behind) this.#hidden.set(from, address(behind));
    const house = this.#house({ address: from });
    const xauth = user === undefined ? {} : { left: { xauthClient: true } };
    await house.add("home", roadClient(from, id, { ...more, left: { ...xauth.left, ...more?.left } }));
    await this.comes(house, user);
    return house;
  }

  async comes(client: House, user?: string): Promise<void> {
    await client.whack({ name: "home", initiate: true, ...(user && { xauth: { user, password: "right" } }) });
    await this.seconds(5);
  }

  async goes(client: House): Promise<void> {
    await client.whack({ name: "home", terminate: true });
    await this.seconds(5);
  }

  async seconds(count: number): Promise<void> {
    await this.clock.pass(count * 1000);
  }

  #house(options: HouseOptions): House {
    const house = new House(this.clock, options);
    this.#houses.set(options.address, house);
    house.send = (path, datagram) => {
      if (!this.silent.has(house)) this.#carry(path, datagram.slice());
    };
    return house;
  }

  #carry({ local, localPort, remote, remotePort }: Path, datagram: Uint8Array): void {
    const from = this.#seenFrom({ address: local, port: localPort });
    const to = this.#inside.get(keyOf({ address: remote, port: remotePort })) ?? { address: remote, port: remotePort };
    const path: Path = { local: to.address, localPort: to.port, remote: from.address, remotePort: from.port };
    this.clock.after(10, () => {
      const house = this.#houses.get(formatAddress(to.address));
      if (house && !this.silent.has(house)) house.pluto.receive(path, datagram);
    });
  }

  #seenFrom(inside: Port): Port {
    const nat = this.#hidden.get(formatAddress(inside.address));
    if (!nat) return inside;
    let outside = this.#outside.get(keyOf(inside));
    if (!outside) {
      outside = { address: nat, port: this.#ports++ };
      this.#outside.set(keyOf(inside), outside);
      this.#inside.set(keyOf(outside), inside);
    }
    return outside;
  }
}

function keyOf({ address, port }: Port): string {
  return `${formatAddress(address)} ${port}`;
}
