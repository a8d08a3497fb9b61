/**
 * Eroutes that lead to no SA: %pass, %drop, %reject, %hold and %trap.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { equal, match } from "node:assert/strict";
import { decodeMessage } from "../../lib/pfkey/codec.ts";
import { MESSAGES, SATYPES } from "../../lib/pfkey/constants.ts";
import type { PfkeyClient } from "../../lib/pfkey/client.ts";
import type { PfkeyMessage } from "../../lib/pfkey/message.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Family, type FourHosts, fourHosts, ipsecCommand, until } from "../../tools/_net.ts";
import { interfaceStatus, pfkeyClient, scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

/** Sends sunset's packets for the east into ipsec0, to an eroute of the given kind. */
async function shunt({ west }: FourHosts, kind: string, family: Family = "inet"): Promise<void> {
  const { westNet, eastNet } = ADDRESS[family];
  await west.ipsec(`eroute --replace --eraf ${family} --src ${westNet} --dst ${eastNet} --said ${kind}`);
  await west.ip(`${family === "inet" ? "-4" : "-6"} route replace ${eastNet} dev ipsec0`);
}

scenario("%pass, %drop and %reject", fourHosts, async (four) => {
  const { sunset, west, east, step } = four;
  await startKlips(west);
  // what passes in the clear finds its way without ipsec0
  await west.ip(`route add ${ADDRESS.inet.eastNet} via ${ADDRESS.inet.east} metric 1000`);
  await east.ip(`route add ${ADDRESS.inet.westNet} via ${ADDRESS.inet.west}`);
  const { sunrise } = ADDRESS.inet;

  await step("%pass lets packets go in the clear", async () => {
    await shunt(four, "%pass");
    const wire = new Wire(await west.capture("eth0"));
    await sunset.pings(sunrise, `-c 2 -i 0.05 -W 2 ${MARKER_WORDS}`);
    await sunset.pings(sunrise, "-c 1 -W 2 -s 8000");
    await wire.saw("packets in the clear", (packet) => contains(packet, MARKER), 4);
  });
  await step("%drop is silent", async () => {
    await shunt(four, "%drop");
    const { stdout } = await sunset.attempt(["ping", "-n", "-c", "2", "-i", "0.05", "-W", "0.5", sunrise]);
    match(stdout, /2 packets transmitted, 0 received, 100% packet loss/);
    equal((await interfaceStatus(west)).drops.DROP, 2);
  });
  for (const family of ["inet", "inet6"] as const) {
    await step(`%reject tells the sender (${family})`, async () => {
      await shunt(four, "%reject", family);
      const words = ["ping", "-n", "-c", "1", "-W", "2", ADDRESS[family].sunrise];
      match((await sunset.attempt(words)).stdout, /Packet filtered|Administratively prohibited/);
    });
  }
  equal((await interfaceStatus(west)).drops.REJECT, 2);
});

/** The next message of a type. */
async function next(client: PfkeyClient, type: number): Promise<PfkeyMessage> {
  for await (const bytes of client.messages()) {
    const decoded = decodeMessage(bytes);
    if (decoded.ok && decoded.message.type === type) return decoded.message;
  }
  throw new Error("KLIPS closed the connection");
}

const TRAPS: [kind: string, hold: (at: typeof ADDRESS.inet) => [source: string, destination: string]][] = [
  ["%trap", ({ sunset, sunrise }) => [`${sunset}/32`, `${sunrise}/32`]],
  ["%trapsubnet", ({ westNet, eastNet }) => [westNet, eastNet]],
];
for (const [kind, hold] of TRAPS) {
  scenario(
    `${kind} asks for keys, holds the packet, and sends it when an eroute leads to an SA`,
    fourHosts,
    async (four) => {
      const { sunset, west, east } = four;
      await Promise.all([startKlips(west), startKlips(east)]);
      const client = await pfkeyClient(west);
      try {
        await client.request({ type: MESSAGES.REGISTER.number, satype: SATYPES.ESP.number, extensions: {} });
        await keyTunnel(four, { esp: "aes128gcm16" });
        await shunt(four, kind);
        const wire = new Wire(await west.capture("eth0"));
        const pinging = sunset.start(["ping", "-n", "-c", "1", "-W", "30", ADDRESS.inet.sunrise]);
        const { extensions } = await next(client, MESSAGES.ACQUIRE.number);
        equal(formatAddress(extensions.source!.address), ADDRESS.inet.sunset);
        equal(formatAddress(extensions.destination!.address), ADDRESS.inet.sunrise);

        const [source, destination] = hold(ADDRESS.inet);
        const held = new RegExp(`${source} +-> ${destination} +=> %hold`);
        await until("there is a %hold", async () => held.test(await west.ipsec("eroute")));
        equal(wire.count(() => true), wire.count(({ version }) => version === 6), "nothing has left");
        equal(pinging.ended, undefined);

        const tunnel = `tun.1000@${ADDRESS.inet.east}`;
        await west.ipsec(`eroute --replace --eraf inet --src ${source} --dst ${destination} --said ${tunnel}`);
        match(await pinging.end(), /1 packets transmitted, 1 received/);
        await wire.saw("ESP", isEsp, 2);
      } finally {
        client.close();
      }
    },
  );
}

scenario("ipsec pf_key registers, and shows what a %trap asks for", fourHosts, async (four) => {
  const { sunset, west } = four;
  await startKlips(west);
  const listener = west.start([...ipsecCommand(), "pf_key", "--esp", "--json"]);
  await until("it has registered", async () => {
    const client = await pfkeyClient(west);
    try {
      return / 3 /.test(await client.readProc("pf_key_registered"));
    } finally {
      client.close();
    }
  });
  await shunt(four, "%trap");
  await sunset.canPing(ADDRESS.inet.sunrise, "-c 1 -W 0.3");
  await until("it shows the ACQUIRE", () => listener.output.includes(`"message":"acquire"`));
  match(listener.output, /10\.1\.0\.10.*10\.2\.0\.10/);
});

scenario("%trap without a key daemon: the packet is lost, and the log says why", fourHosts, async (four) => {
  const { sunset, west } = four;
  await startKlips(west);
  await shunt(four, "%trap");
  equal(await sunset.canPing(ADDRESS.inet.sunrise, "-c 1 -W 0.3"), false);
  match(
    await Deno.readTextFile(west.klipsLog),
    /ACQUIRE for 10\.1\.0\.10 -> 10\.2\.0\.10: no key daemon has registered/,
  );
  equal((await interfaceStatus(west)).drops.TRAP, 1);
});
