/** What an earlier pluto has left in KLIPS towards clients of a pool: known as such, and ended once it is silent. */
import { deepStrictEqual as equal } from "node:assert/strict";
import type { PfkeyRequest } from "../../lib/pfkey/client.ts";
import { MESSAGES } from "../../lib/pfkey/constants.ts";
import { KlipsKernel } from "../../lib/pluto/klips_kernel.ts";
import type { KlipsPort } from "../../lib/pluto/klips_requests.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { formatSubnet } from "../../lib/text/subnet.ts";
import { randomBytes } from "./_fakes.ts";

const GATE = "192.0.2.1", NET = "10.1.0.0/24";

type Udp = { readonly dport: number; readonly peer?: string };

/** SAs of one client: out, and in with the time since something came. */
function client(inside: string, spi: number, idleSeconds?: number, udp?: Udp) {
  const [out, into] = [`tun0x${(spi + 1).toString(16)}@203.0.113.9`, `tun0x${spi.toString(16)}@${GATE}`];
  const esp = `esp0x${(spi + 0x100000).toString(16)}@203.0.113.9`;
  return {
    group: [out, esp],
    sas: [
      { said: out },
      { said: esp, ...(udp && { udp }) },
      { said: into, policy: { source: inside, destination: NET }, ...(idleSeconds !== undefined && { idleSeconds }) },
    ],
    eroute: { source: NET, sourcePort: 0, destination: inside, destinationPort: 0, protocol: 0, sa: out, count: 1 },
  };
}

const CLIENTS = [
  client("10.3.0.10/32", 0x1001, 5, { dport: 4500 }),
  client("10.3.0.11/32", 0x1003, 900, { dport: 41000, peer: "203.0.113.77" }),
  client("10.3.0.12/32", 0x1005),
  client("10.9.0.0/24", 0x1007, 900),
];

async function start() {
  const requests: PfkeyRequest[] = [];
  const listings: Record<string, unknown> = {
    "spi/all.json": CLIENTS.flatMap(({ sas }) => sas),
    "eroute/all.json": CLIENTS.map(({ eroute }) => eroute),
    "spigrp/all.json": CLIENTS.map(({ group }) => group),
  };
  const answer = (request: PfkeyRequest) => {
    requests.push(request);
    return { ...request, errno: 0, satype: 0, seq: 0, pid: 0 };
  };
  const port: KlipsPort = {
    request: (request) => Promise.resolve(answer(request)),
    requestAll: (all) => Promise.resolve(all.map(answer)),
    readProc: (path) => Promise.resolve(JSON.stringify(listings[path])),
    messages: async function* () {},
    close: () => {},
  };
  const kernel = await KlipsKernel.start({
    klips: port,
    addressesOf: () => [],
    random: randomBytes,
    onAcquire: () => {},
    onClosed: () => {},
    after: () => {},
    warn: () => {},
  });
  return { kernel, requests };
}

/** `CLIENT at HOST port PORT` */
const known = (kernel: KlipsKernel) =>
  kernel.orphans().map(({ client, host, port }) => `${formatSubnet(client)} at ${formatAddress(host)} port ${port}`);

Deno.test("KlipsKernel: whom SAs of an earlier pluto lead to, and where they have been seen", async () => {
  const { kernel } = await start();
  equal(known(kernel), [
    "10.3.0.10/32 at 203.0.113.9 port 4500",
    "10.3.0.11/32 at 203.0.113.77 port 41000",
    "10.3.0.12/32 at 203.0.113.9 port undefined",
    "10.9.0.0/24 at 203.0.113.9 port undefined",
  ]);
});

Deno.test("KlipsKernel: of what an earlier pluto has left, the silent among those that are asked for end", async () => {
  const { kernel, requests } = await start();
  requests.length = 0;
  const ofPool = ({ bits }: { readonly bits: number }) => bits === 32;
  equal((await kernel.releaseOrphans(ofPool, 600_000)).map(formatSubnet), ["10.3.0.11/32", "10.3.0.12/32"]);
  const flows = requests.filter(({ type }) => type === MESSAGES.X_DELFLOW.number).map(({ extensions }) => extensions);
  equal(flows.map(({ destinationFlow }) => destinationFlow && formatAddress(destinationFlow.address)), [
    "10.3.0.11",
    "10.3.0.12",
  ]);
  equal(known(kernel).map((line) => line.split(" ")[0]), ["10.3.0.10/32", "10.9.0.0/24"]);
  equal(await kernel.releaseOrphans(ofPool, 600_000), [], "once");
});
