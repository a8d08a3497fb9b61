/**
 * Our own IKE goes in the clear, although everything to the peer is protected: otherwise nobody could negotiate anew.
 *
 * ```
 * west 192.0.2.1 ====== 192.0.2.2 east
 *      routes the whole of east into ipsec0
 * ```
 */
import { equal } from "node:assert/strict";
import { keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Daemon, type Family, fourHosts, type Host, until } from "../../tools/_net.ts";
import { rekey, scenario } from "./_scenario.ts";
import { contains, isAh, isEsp, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const WORDS = "identity of somebody";

/** Sends a datagram from a port, with Deno, which is there in any case. */
async function sendDatagram(host: Host, family: Family, from: number, to: string, port: number): Promise<void> {
  const program = `import dgram from "node:dgram";
    const socket = dgram.createSocket("udp${family === "inet" ? 4 : 6}");
    socket.bind(${from}, () => socket.send("${WORDS}", ${port}, "${to}", () => socket.close()));`;
  await host.run([Deno.execPath(), "eval", program]);
}

/** Prints what reaches a port. */
async function listen(host: Host, family: Family, port: number): Promise<Daemon> {
  const program = `import dgram from "node:dgram";
    const socket = dgram.createSocket("udp${family === "inet" ? 4 : 6}");
    socket.on("message", (text, from) => console.log(\`\${from.port}: \${text}\`));
    socket.bind(${port}, () => console.log("ready"));`;
  const daemon = host.start([Deno.execPath(), "eval", program]);
  await until("somebody listens", () => daemon.output.includes("ready"));
  return daemon;
}

scenario("IKE from and to port 500 goes in the clear, anything else protected", fourHosts, async (four) => {
  const { west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  for (const family of ["inet", "inet6"] as const) {
    await four.step(family, async () => {
      const { west: from, east: to } = ADDRESS[family];
      await rekey(four, { esp: "aes128gcm16", mode: "transport", outer: family });
      const heard = await listen(east, family, 500);
      const wire = new Wire(await west.capture("eth0", `host ${from} and host ${to}`));
      await sendDatagram(west, family, 500, to, 500);
      await until("east hears it", () => heard.output.includes(`500: ${WORDS}`));
      const marker = new TextEncoder().encode(WORDS);
      const ike = (packet: Packet) => packet.protocol === PROTOCOL.udp && contains(packet, marker);
      await wire.saw("IKE in the clear", ike);
      await sendDatagram(west, family, 1500, to, 500);
      await until("east hears it", () => heard.output.includes(`1500: ${WORDS}`));
      await wire.saw("ESP", isEsp);
      equal((await wire.stop()).filter(ike).length, 1, "one went in the clear");
      await heard.stop();
    });
  }
});

scenario("IKE between hosts behind the gateways is traffic like any other", fourHosts, async (four) => {
  const { sunset, west, east, sunrise } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { ah: "sha2_256-128" });
  const heard = await listen(sunrise, "inet", 500);
  const wire = new Wire(await west.capture("eth0", `host ${ADDRESS.inet.west}`));
  await sendDatagram(sunset, "inet", 500, ADDRESS.inet.sunrise, 500);
  await until("sunrise hears it", () => heard.output.includes(`500: ${WORDS}`));
  await wire.saw("AH", isAh);
  equal((await wire.stop()).filter(({ protocol }) => protocol === PROTOCOL.udp).length, 0);
});
