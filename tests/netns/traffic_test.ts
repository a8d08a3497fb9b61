/**
 * Every kind of tunnel carries every kind of traffic, and the wire shows nothing of it.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 *        fd01:1::10        2001:db8::1      2001:db8::2                fd01:2::10
 * ```
 */
import { equal, ok } from "node:assert/strict";
import { ADDRESS, type Family, type FourHosts, fourHosts, type Host } from "../../tools/_net.ts";
import { type Keying, startKlips } from "../../tools/_keying.ts";
import { serve, transfer } from "./_iperf.ts";
import { rekey, scenario } from "./_scenario.ts";
import { contains, isAh, isEsp, isEspInUdp, isHousekeeping, MARKER, MARKER_WORDS, type Packet, Wire } from "./_wire.ts";

/** Bytes that TCP sends each way; iperf3 ends when they are sent, with some of them still under way. */
const TCP_BYTES = 12_000_000;
const UDP_BYTES = 300_000;

interface Kind {
  readonly is: (packet: Packet) => boolean;
  readonly secret: boolean;
}

function kindOf({ esp, ah, natt }: Keying): Kind {
  if (ah) return { is: isAh, secret: esp !== undefined };
  return { is: natt ? isEspInUdp : isEsp, secret: true };
}

/** Traffic of all kinds from `client` to `server`; `server` runs iperf3. */
async function exchange(client: Host, server: string): Promise<void> {
  await client.pings(server, `-c 3 -i 0.05 -W 3 ${MARKER_WORDS}`);
  // larger than any link: in fragments both ways
  await client.pings(server, `-c 2 -i 0.05 -W 3 -s 8000 ${MARKER_WORDS}`);
  const up = await transfer(client, server, `-n ${TCP_BYTES}`);
  ok(up > TCP_BYTES / 4, `TCP carried ${up} of ${TCP_BYTES} bytes to the server`);
  const down = await transfer(client, server, `-R -n ${TCP_BYTES}`);
  ok(down > TCP_BYTES / 4, `TCP carried ${down} of ${TCP_BYTES} bytes from the server`);
  const datagrams = await transfer(client, server, `-u -b 30M -n ${UDP_BYTES}`);
  ok(datagrams > UDP_BYTES / 2, `UDP carried ${datagrams} of ${UDP_BYTES} bytes`);
}

/** Keys as `keying` says, lets the hosts talk and looks at the wire meanwhile. */
async function talk(four: FourHosts, keying: Keying): Promise<void> {
  const transport = keying.mode === "transport";
  await rekey(four, keying);
  const outer = ADDRESS[keying.outer ?? "inet"], inner = ADDRESS[keying.inner ?? keying.outer ?? "inet"];
  const [client, server] = transport ? [four.west, outer.east] : [four.sunset, inner.sunrise];
  const wire = new Wire(await four.west.capture("eth0"));
  await exchange(client, server);
  const { is, secret } = kindOf(keying);
  await wire.saw("protected packets", is, 10);
  const seen = (await wire.stop()).filter((packet) => !isHousekeeping(packet));
  const clear = seen.filter((packet) => !is(packet));
  equal(clear.length, 0, `the wire carried something else: ${wire.summary()}`);
  equal(seen.some((packet) => contains(packet, MARKER)), !secret, "contents readable on the wire");
}

const FAMILIES: Family[] = ["inet", "inet6"];
const COMBINATIONS: [name: string, keying: Keying][] = FAMILIES.flatMap((outer) =>
  FAMILIES.flatMap((inner) =>
    [false, true].map((natt): [string, Keying] => [
      `${label(inner)} in ${label(outer)}, ${natt ? "ESP in UDP" : "ESP"}`,
      { esp: "aes128gcm16", outer, inner, natt },
    ])
  )
);

function label(family: Family): string {
  return family === "inet" ? "IPv4" : "IPv6";
}

scenario("aes128gcm16 tunnels carry ping, fragments, TCP and UDP", fourHosts, async (four) => {
  await Promise.all([startKlips(four.west), startKlips(four.east), serve(four.sunrise)]);
  for (const [name, keying] of COMBINATIONS) await four.step(name, () => talk(four, keying));
});

const ALGORITHMS: [name: string, keying: Keying][] = [
  ["3des-md5-96", { esp: "3des-md5-96" }],
  ["aes256-sha2_512-256", { esp: "aes256-sha2_512-256" }],
  ["chacha20poly1305", { esp: "chacha20poly1305" }],
  ["AH sha2_256-128", { ah: "sha2_256-128" }],
  ["AH over ESP", { esp: "aes128-sha1-96", ah: "sha1-96" }],
  ["ESP over COMP", { comp: true, esp: "aes128gcm16" }],
  ["ESP in transport mode, IPv4", { esp: "aes128gcm16", mode: "transport" }],
  ["ESP in transport mode, IPv6", { esp: "aes128gcm16", mode: "transport", outer: "inet6" }],
  ["AH in transport mode, IPv4", { ah: "sha2_256-128", mode: "transport" }],
  ["AH in transport mode, IPv6", { ah: "sha2_256-128", mode: "transport", outer: "inet6" }],
  ["ESP over COMP in transport mode", { comp: true, esp: "aes128gcm16", mode: "transport" }],
];

scenario("every family of algorithms carries ping, fragments, TCP and UDP", fourHosts, async (four) => {
  await Promise.all([startKlips(four.west), startKlips(four.east), serve(four.sunrise), serve(four.east)]);
  for (const [name, keying] of ALGORITHMS) await four.step(name, () => talk(four, keying));
});
