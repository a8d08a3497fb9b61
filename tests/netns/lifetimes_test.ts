/**
 * SAs reach the ends of their lives: EXPIRE messages tell of it, and a hard limit takes the SA away.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { decodeMessage } from "../../lib/pfkey/codec.ts";
import { MESSAGES } from "../../lib/pfkey/constants.ts";
import type { PfkeyMessage } from "../../lib/pfkey/message.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { startKlips } from "../../tools/_keying.ts";
import { ADDRESS, fourHosts, type Host, until } from "../../tools/_net.ts";
import { interfaceStatus, pfkeyClient, rekey, scenario } from "./_scenario.ts";

const { sunrise: SUNRISE } = ADDRESS.inet;

/** What west sends with goes by this name. */
const OUT = "esp0x1000@192.0.2.2";

/** The EXPIRE messages of a host. */
class Expiries implements Disposable {
  readonly seen: PfkeyMessage[] = [];

  private constructor(readonly client: Awaited<ReturnType<typeof pfkeyClient>>) {
    void this.#listen();
  }

  static async of(host: Host): Promise<Expiries> {
    return new Expiries(await pfkeyClient(host));
  }

  async #listen(): Promise<void> {
    for await (const bytes of this.client.messages()) {
      const decoded = decodeMessage(bytes);
      if (decoded.ok && decoded.message.type === MESSAGES.EXPIRE.number) this.seen.push(decoded.message);
    }
  }

  /** Messages about the SA that west sends with. */
  get out(): PfkeyMessage[] {
    return this.seen.filter(({ extensions: { sa, destination } }) =>
      sa?.spi === 0x1000 && destination && formatAddress(destination.address) === ADDRESS.inet.east
    );
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

const LIMITS: [life: string, end: "hard" | "soft", needsTraffic: boolean][] = [
  ["hard-packets=3", "hard", true],
  ["hard-bytes=400", "hard", true],
  ["hard-addtime=2", "hard", false],
  ["hard-usetime=1", "hard", true],
  ["soft-packets=3", "soft", true],
  ["soft-bytes=400", "soft", true],
  ["soft-addtime=1", "soft", false],
  ["soft-usetime=1", "soft", true],
];

scenario("lifetimes end with EXPIRE, and hard ones with the SA", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  for (const [life, end, needsTraffic] of LIMITS) {
    await four.step(life, async () => {
      using expiries = await Expiries.of(west);
      await rekey(four, { esp: "aes128gcm16", extra: `--life ${life}` });
      // the time that it lives may be shorter than keying takes on a busy machine, so nothing is asserted of answers
      if (needsTraffic) await sunset.canPing(SUNRISE, "-c 8 -i 0.02 -W 1");
      await until("EXPIRE is heard", () => expiries.out.length > 0);
      const [{ extensions }] = expiries.out;
      const told = end === "hard" ? extensions.lifetimeHard : extensions.lifetimeSoft;
      const [, kind, limit] = /-(\w+)=(\d+)/.exec(life)!;
      equal(told![kind as keyof typeof told], Number(limit));
      const listing = await west.ipsec("spi");
      if (end === "hard") {
        ok(!listing.includes(OUT), listing);
        ok(!listing.includes("tun0x1000@192.0.2.2"), "the whole chain goes");
        equal(await sunset.canPing(SUNRISE, "-c 1 -W 0.3"), false);
        ok((await interfaceStatus(west)).drops.UNKNOWN_SA_OUT > 0);
      } else {
        match(listing, new RegExp(OUT));
        await sunset.pings(SUNRISE);
        equal(expiries.out.length, 1, "a soft limit is told of once");
      }
    });
  }
});

scenario("an SA ends in time, whatever other SAs came before and after it", fourHosts, async ({ west }) => {
  await startKlips(west);
  const lives = { "0x2000": 5000, "0x2001": 1, "0x2002": 2, "0x2003": 3_000_000 };
  for (const [spi, seconds] of Object.entries(lives)) {
    const said = `tun${spi}@${ADDRESS.inet.east}`;
    await west.ipsec(
      `spi --said ${said} --ip4 --src ${ADDRESS.inet.west} --dst ${ADDRESS.inet.east} --life hard-addtime=${seconds}`,
    );
  }
  let listing = "";
  await until("the short lives end", async () => {
    listing = await west.ipsec("spi");
    return !listing.includes("tun0x2001@") && !listing.includes("tun0x2002@");
  });
  deepEqual(Object.keys(lives).filter((spi) => listing.includes(`tun${spi}@`)), ["0x2000", "0x2003"]);
});
