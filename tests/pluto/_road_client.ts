/** A client of Mode Config, and a server whose addresses a test chooses: two plutos in fake time. */
import type { IkeHost } from "../../lib/ike/host.ts";
import { IkeV1 } from "../../lib/ike/ike_v1.ts";
import type { ConnectionDescription, EndDescription } from "../../lib/pluto/description.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { formatSubnet } from "../../lib/text/subnet.ts";
import type { UpdownVariables } from "../../lib/text/updown_variables.ts";
import { address, description, type House, randomBytes, Wire } from "./_fakes.ts";

export const NET = "10.0.2.0/24";
export const flow = (from: string) => `${from}/32:0 -0-> ${NET}:0`;

export type Description = Parameters<typeof description>[0];
export const roadWarrior = (more: Partial<EndDescription> = {}, rest: Description = {}): ConnectionDescription =>
  description({ left: { client: undefined, modecfgClient: true, ...more }, modecfgPull: true, ...rest });

export class Road {
  /** What the server gives, one after the other and the last for ever; undefined for nothing. */
  gives: (string | undefined)[] = ["10.3.0.7"];
  readonly asked: (string | undefined)[] = [];
  readonly environment: UpdownVariables[] = [];
  readonly wire: Wire;

  constructor(readonly client: ConnectionDescription = roadWarrior(), readonly server: Description = {}) {
    const runUpdown = (_: string, variables: UpdownVariables) => {
      this.environment.push(variables);
      return Promise.resolve({ ok: true, lines: [] });
    };
    this.wire = new Wire({ deps: { runUpdown } }, { deps: { makeEngine: (host) => this.#serving(host) } });
  }

  get west(): House {
    return this.wire.west;
  }

  get east(): House {
    return this.wire.east;
  }

  get connection() {
    return this.west.connection("road");
  }

  async start(): Promise<this> {
    await this.west.add("road", this.client);
    const left = { client: undefined, clientWithin: "10.3.0.0/24", modecfgClient: true };
    await this.east.add("road", description({ left, modecfgPull: true, ...this.server }));
    return this;
  }

  async up() {
    const reply = await this.west.whack({ name: "road", initiate: true });
    await this.wire.seconds(5);
    return reply;
  }

  async down(): Promise<void> {
    await this.west.whack({ name: "road", terminate: true });
    await this.wire.seconds(1);
  }

  /** Verbs of west's updown commands so far, with the source address where there is one. */
  get updowns(): string[] {
    return this.environment.map((one) => [one.PLUTO_VERB, one.PLUTO_MY_SOURCEIP].filter(Boolean).join(" "));
  }

  get states(): string[] {
    return [...this.west.pluto.parts.engine.states.values()].map(({ number, name }) => `#${number} ${name}`);
  }

  get end(): (string | undefined)[] {
    const { client, sourceIp } = this.connection.ours;
    return [client && formatSubnet(client), sourceIp && formatAddress(sourceIp)];
  }

  #serving(host: IkeHost) {
    host.addressFor = (_sa, wanted) => {
      this.asked.push(wanted && formatAddress(wanted));
      const given = this.gives.length > 1 ? this.gives.shift() : this.gives[0];
      if (given === undefined) return undefined;
      return { address: address(given), dns: [address("10.0.2.53")], wins: [], domains: ["corp.example.com"] };
    };
    return new IkeV1({ mostHalfOpen: 100, keepAliveSeconds: 20 }, {
      host,
      clock: { now: () => this.wire.clock.now(), after: (ms, act) => this.wire.clock.after(ms, act) },
      random: randomBytes,
      send: (path, datagram) => this.east.send(path, datagram),
    });
  }
}
