/**
 * Opportunism and a DNS that lies, is slow, is dead and returns, and that is asked itself under the strictest policy
 * (`_opportunists.ts` draws the net).
 */
import { equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Daemon, type Host, until } from "../../tools/_net.ts";
import { AT, newKey, type Opportunists, opportunists, REVERSE } from "./_opportunists.ts";
import type { Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const isPing = (packet: Packet) => packet.protocol === PROTOCOL.icmp && contains(packet, MARKER);
const ONCE = `-c 1 -W 12 ${MARKER_WORDS}`;
const NEEDS = ["knot", "unbound"] as const;
const LIAR = fileURLToPath(new URL("_dns_liar.ts", import.meta.url));
const LIARS_ADDRESS = "203.0.113.54";
const EVERYBODY = { "private-or-clear": ["0.0.0.0/0"] };
const STRICT = { private: ["0.0.0.0/0"] };

async function liar(host: Host, address: string, ...words: string[]): Promise<Daemon> {
  const daemon = host.start([Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", LIAR, address, ...words]);
  await until("the liar is ready", () => daemon.output.includes("ready"));
  return daemon;
}

/** What the liar says of east and of west. */
async function lies(all: Opportunists, east: string): Promise<string> {
  const strings = (record: string) => [...record.matchAll(/"([^"]*)"/g)].map(([, text]) => text);
  const file = `${all.net.directory}/lies.json`;
  const records = {
    [`2.${REVERSE.east}`.slice(0, -1)]: strings(east),
    [`1.${REVERSE.west}`.slice(0, -1)]: strings(await all.keys.west.txt(AT.west)),
  };
  await Deno.writeTextFile(file, JSON.stringify(records));
  return file;
}

const why = (text: string) =>
  new RegExp(`Can't Opportunistically initiate for 192\\.0\\.2\\.1 to 198\\.51\\.100\\.2: ${text}`);

scenario("records that are wrong, cut, unsigned or bogus are refused, and nothing leaks", opportunists, async (all) => {
  const { west, east, net, authority, keys, start } = all;
  const router = net.hosts.net;
  await router.ip(`addr add ${LIARS_ADDRESS}/32 dev lo`);
  await start(east, EVERYBODY);
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  const running = async (setup: string[], part: (onWest: Pluto) => Promise<unknown>) => {
    const onWest = await start(west, STRICT, { setup });
    try {
      await part(onWest);
    } finally {
      await west.ipsec("setup stop");
      await Deno.remove(`${west.directory}/run/pluto.log`);
    }
  };
  const refuses = (setup: string[], reason: RegExp) =>
    running(setup, async (onWest) => {
      equal(await west.canPing(AT.east, `-c 2 -i 0.3 -W 1 ${MARKER_WORDS}`), false);
      await onWest.says(reason);
    });
  const takes = (setup: string[]) =>
    running(setup, async (onWest) => {
      await west.pings(AT.east, ONCE);
      await onWest.has(1, "private#0.0.0.0/0");
    });
  const publish = async (record: string) => {
    await authority.set(REVERSE.east, `2 ${record}`);
    const part = record.slice(-20, -1);
    const asked = ["kdig", "@127.0.0.1", `2.${REVERSE.east}`, "TXT"];
    await until("it is published", async () => (await west.run(asked)).includes(part));
  };
  await all.step("dnssec=require takes what is signed", () => takes(["dnssec=require"]));
  await all.step("a key that is cut", async () => {
    await publish(`TXT "X-IPsec-Server(10)=${AT.east} AQOx"`);
    await refuses([], why("target's TXT record: failure processing TXT record of DNS answer .*: invalid key data: "));
  });
  await all.step("another's key", async () => {
    await publish(await (await newKey()).txt(AT.east));
    await refuses([], /Signature check \(on 198\.51\.100\.2\) failed \(wrong key\?\)/);
    await publish(await keys.east.txt(AT.east));
  });
  const file = await lies(all, await keys.east.txt(AT.east));
  const lying = await liar(router, LIARS_ADDRESS, "forge", file);
  const asked = `resolvers=${LIARS_ADDRESS}`;
  await all.step("dnssec=require refuses an unsigned answer, which claims to be proved", async () => {
    await refuses([asked, "dnssec=require"], /it is not proved by DNSSEC, which dnssec=require wants/);
  });
  await all.step("dnssec=prefer takes it", () => takes([asked, "dnssec=prefer"]));
  await lying.stop();
  await all.step("a validating resolver does not, where the zone is known to be signed", async () => {
    await authority.pause();
    await all.resolvers.west.pause();
    const impostor = await liar(router, AT.ns, "forge", file);
    await all.resolvers.west.resume({ isDeaf: true });
    await refuses([], why(".*failure querying DNS for .*: no usable answer from .* \\(server failure\\)"));
    await impostor.stop();
    await authority.resume();
  });
  equal(wire.count(isPing), 0, "pings in the clear");
  ok(wire.count(isEsp) > 0);
}, NEEDS);

scenario("a DNS that is slow, dead, and returns", opportunists, async (all) => {
  const { west, east, net, start } = all;
  const router = net.hosts.net;
  await router.ip(`addr add ${LIARS_ADDRESS}/32 dev lo`);
  await start(east, EVERYBODY);
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  await all.step("slow: the packet waits for it", async () => {
    const slow = await liar(router, LIARS_ADDRESS, "delay", "1500", AT.ns);
    await start(west, STRICT, { setup: [`resolvers=${LIARS_ADDRESS}`] });
    await west.pings(AT.east, ONCE);
    await wire.saw("ESP", isEsp, 2);
    await west.ipsec("setup stop");
    await slow.stop();
  });
  await all.step("dead, and back: whom it could not be asked about is reached half a minute later", async () => {
    await all.resolvers.west.pause();
    const onWest = await start(west, STRICT);
    equal(await west.canPing(AT.east, `-c 2 -i 0.3 -W 1 ${MARKER_WORDS}`), false);
    const shunt = /\/32:0 => %drop \d+,\d+ {4}(.*)/;
    const reason = async () => shunt.exec((await onWest.auto("--status")).stdout)?.[1];
    await until("it is given up", async () => await reason() !== undefined, 30_000);
    match(
      (await reason())!,
      /TXT record .*: failure querying DNS for TXT of .*: no usable answer from 127\.0\.0\.1 \(/,
    );
    await all.resolvers.west.resume();
    await until("east is reached", () => west.canPing(AT.east, `-c 1 -W 2 ${MARKER_WORDS}`), 45_000);
    await onWest.has(1, "private#0.0.0.0/0");
  });
  equal(wire.count(isPing), 0, "pings in the clear");
}, NEEDS);

scenario("private for everybody: the DNS itself can be asked", opportunists, async (all) => {
  const { west, east, start } = all;
  await start(east, EVERYBODY);
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  await all.step("by a recursive resolver here, though the name server itself is refused", async () => {
    const onWest = await start(west, STRICT);
    equal(await west.canPing(AT.ns, `-c 3 -i 0.3 -W 1 ${MARKER_WORDS}`), false);
    await until(
      "it has no record, which its own answer says",
      async () => /203\.0\.113\.53\/32:0 => %drop \d+,\d+ {4}.*no /.test((await onWest.auto("--status")).stdout),
    );
    await west.pings(AT.east, ONCE);
    await west.ipsec("setup stop");
  });
  await all.step("by a resolver elsewhere, in one exchange of questions", async () => {
    const onWest = await start(west, STRICT, { setup: [`resolvers=${AT.ns}`] });
    equal(await west.canPing(AT.ns, `-c 2 -i 0.3 -W 1 ${MARKER_WORDS}`), false);
    await west.pings(AT.east, ONCE);
    await onWest.has(1, "private#0.0.0.0/0");
  });
  equal(wire.count(isPing), 0, "pings in the clear");
}, NEEDS);
