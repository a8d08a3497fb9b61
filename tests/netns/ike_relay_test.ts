/**
 * KLIPS has UDP port 4500; datagrams of IKE on it go to whoever takes them, and leave by it.
 *
 * ```
 * west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east
 *                   masquerades: east sees 192.0.2.254 and a port of its choice
 * ```
 */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { startKlips } from "../../tools/_keying.ts";
import { ADDRESS, fourHosts, type Host, until } from "../../tools/_net.ts";
import { IkeRelayClient } from "../../lib/system/ike_relay_client.ts";
import type { IkeFrame } from "../../lib/packet/ike_frame.ts";
import { type Address, formatAddress, parseNumericAddress } from "../../lib/text/address.ts";
import { routedHosts, ROUTER, translate } from "./_nets.ts";
import { interfaceStatus, scenario } from "./_scenario.ts";

class Taker implements Disposable {
  readonly got: string[] = [];
  client!: IkeRelayClient;

  static async at(host: Host): Promise<Taker> {
    const taker = new Taker();
    const take = ({ local, localPort, remote, remotePort, datagram }: IkeFrame) =>
      void taker.got.push(
        `${formatAddress(remote)} ${remotePort} > ${formatAddress(local)} ${localPort}: ${datagram.length} ${
          datagram.at(-1)
        }`,
      );
    taker.client = await IkeRelayClient.connect(`${host.directory}/run/ike.sock`, take);
    return taker;
  }

  send(local: string, remote: string, datagram: Uint8Array, remotePort = 4500): void {
    this.client.send({ local: address(local), localPort: 4500, remote: address(remote), remotePort, datagram });
  }

  async heard(line: string): Promise<void> {
    await until(line, () => this.got.length > 0);
    deepEqual([...new Set(this.got.splice(0))], [line]);
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

function address(text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new TypeError(parsed.error);
  return parsed.value;
}

/** Until KLIPS has noticed who takes it, it is lost. */
async function sendUntilHeard(send: () => void, taker: Taker, line: string): Promise<void> {
  await until(line, () => {
    if (taker.got.length === 0) send();
    return taker.got.length > 0;
  });
  await taker.heard(line);
}

/** Ends in 7; larger than what goes in one packet where `length` is. */
function message(length = 100): Uint8Array {
  return new Uint8Array(length).fill(7);
}

scenario("IKE on port 4500 reaches the one who takes it, and leaves from there", routedHosts, async (four) => {
  const { west, router, east } = four;
  await translate(router, "masquerade to :41000");
  await Promise.all([startKlips(west), startKlips(east)]);
  using onWest = await Taker.at(west);
  const { west: from, east: to } = ADDRESS.inet;
  const outside = ROUTER.inet;

  await four.step("through a NAT, both ways, with ports of its choice", async () => {
    using onEast = await Taker.at(east);
    await sendUntilHeard(() => onWest.send(from, to, message()), onEast, `${outside} 41000 > ${to} 4500: 100 7`);
    onEast.send(to, outside, message(50), 41000);
    await onWest.heard(`${to} 4500 > ${from} 4500: 50 7`);
  });
  await four.step("in fragments where it is large", async () => {
    using onEast = await Taker.at(east);
    await sendUntilHeard(() => onWest.send(from, to, message(9000)), onEast, `${outside} 41000 > ${to} 4500: 9000 7`);
  });
  await four.step("keepalives are for the NAT alone", async () => {
    using onEast = await Taker.at(east);
    const send = () => {
      onWest.send(from, to, Uint8Array.of(0xff));
      onWest.send(from, to, message(60));
    };
    await sendUntilHeard(send, onEast, `${outside} 41000 > ${to} 4500: 60 7`);
  });
  await four.step("the newest takes it", async () => {
    using first = await Taker.at(east);
    using second = await Taker.at(east);
    await first.client.ended;
    await sendUntilHeard(() => onWest.send(from, to, message()), second, `${outside} 41000 > ${to} 4500: 100 7`);
    equal(first.got.length, 0);
  });
  await four.step("what nobody takes is counted", async () => {
    const drops = async () => (await interfaceStatus(east)).drops.NO_IKE ?? 0;
    const before = await drops();
    await until("a drop", async () => {
      onWest.send(from, to, message());
      return await drops() > before;
    });
  });
});

scenario("IKE on port 4500 over IPv6", fourHosts, async ({ west, east }) => {
  await Promise.all([startKlips(west), startKlips(east)]);
  using onWest = await Taker.at(west);
  using onEast = await Taker.at(east);
  const { west: from, east: to } = ADDRESS.inet6;
  await sendUntilHeard(() => onWest.send(from, to, message(3000)), onEast, `${from} 4500 > ${to} 4500: 3000 7`);
  onEast.send(to, from, message(50));
  await onWest.heard(`${to} 4500 > ${from} 4500: 50 7`);
});
