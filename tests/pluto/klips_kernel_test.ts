/** What KLIPS says by itself, and what becomes of its refusals; tests/netns/pluto_kernel_test.ts has a real one. */
import { deepStrictEqual as equal, rejects } from "node:assert/strict";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { PfkeyError, type PfkeyRequest } from "../../lib/pfkey/client.ts";
import { encodeMessage } from "../../lib/pfkey/codec.ts";
import { MESSAGES, SATYPES } from "../../lib/pfkey/constants.ts";
import { ERRNO } from "../../lib/pfkey/errno.ts";
import type { Extensions, PfkeyMessage } from "../../lib/pfkey/message.ts";
import { type Acquire, KernelError } from "../../lib/pluto/kernel.ts";
import { KlipsKernel } from "../../lib/pluto/klips_kernel.ts";
import type { KlipsPort } from "../../lib/pluto/klips_requests.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { hostSubnet } from "../../lib/text/subnet.ts";
import { address, allTurns, randomBytes } from "./_fakes.ts";

const plain = (text: string) => ({ address: address(text), port: 0, proto: 0, prefixLength: 0 });

function message(type: { readonly number: number }, extensions: Extensions, more: Partial<PfkeyMessage> = {}) {
  return encodeMessage({
    type: type.number,
    errno: 0,
    satype: SATYPES.ESP.number,
    seq: 1,
    pid: 0,
    extensions,
    ...more,
  });
}

/** @param refuse gives the errno for a request that is refused */
async function start(refuse: (request: PfkeyRequest) => number | undefined = () => undefined) {
  const said = new TransformStream<Uint8Array, Uint8Array>();
  const writer = said.writable.getWriter();
  const requests: PfkeyRequest[] = [], listings = { fail: false, text: "[]", asked: 0 };
  const answer = (request: PfkeyRequest) => {
    requests.push(request);
    const errno = refuse(request);
    return errno ? new PfkeyError(errno, "refused") : { ...request, errno: 0, satype: 0, seq: 0, pid: 0 };
  };
  const klips: KlipsPort = {
    request: (request) => {
      const given = answer(request);
      return given instanceof PfkeyError ? Promise.reject(given) : Promise.resolve(given);
    },
    requestAll: (all) => Promise.resolve(all.map(answer)),
    readProc: () => {
      listings.asked++;
      return listings.fail
        ? Promise.reject(new PfkeyError(ERRNO.ECONNREFUSED, "KLIPS closed the connection"))
        : Promise.resolve(listings.text);
    },
    messages: async function* () {
      for await (const bytes of said.readable) yield bytes;
    },
    close: () => {},
  };
  const later: (() => void)[] = [];
  const acquires: Acquire[] = [], worn: number[] = [], warnings: string[] = [], ends: string[] = [];
  const kernel = await KlipsKernel.start({
    klips,
    addressesOf: () => [],
    random: randomBytes,
    onAcquire: (acquire) => void acquires.push(acquire),
    onWorn: (state) => void worn.push(state),
    onClosed: () => void ends.push("closed"),
    after: (_, act) => void later.push(act),
    warn: (text) => void warnings.push(text),
  });
  const says = async (bytes: Uint8Array) => {
    await writer.write(bytes);
    await allTurns();
  };
  const garbles = async (why: string) => {
    await writer.abort(new RangeError(why));
    await allTurns();
  };
  return {
    kernel,
    requests,
    listings,
    later,
    acquires,
    worn,
    warnings,
    ends,
    says,
    garbles,
    end: () => writer.close(),
  };
}

const SA = {
  kind: "ipsec",
  number: 7,
  mode: "transport",
  protocols: [{
    suite: { protocol: "ah", auth: "sha1-96" },
    inboundSpi: 0x2001,
    outboundSpi: 0x2000,
    inboundKeys: {},
    outboundKeys: {},
  }],
  path: { local: address("192.0.2.1"), localPort: 500, remote: address("192.0.2.2"), remotePort: 500 },
  ourClient: hostSubnet(address("192.0.2.1")),
  peersClient: hostSubnet(address("192.0.2.2")),
  connection: { ours: { protocol: 0, clientPort: 0 }, peers: { clientPort: 0 } },
} as unknown as IpsecSa;

const expire = (spi: number, to: string) =>
  message(MESSAGES.EXPIRE, {
    sa: { spi, replay: 64, state: 2, auth: 0, encrypt: 0, flags: 0, ref: 1 },
    source: plain("192.0.2.1"),
    destination: plain(to),
  }, { satype: SATYPES.AH.number });

Deno.test("KLIPS asks for another SA: the state that it belongs to is told of", async () => {
  const { kernel, worn, says } = await start();
  await kernel.installInbound(SA);
  await kernel.installOutbound(SA);
  await says(expire(0x2000, "192.0.2.2"));
  await says(expire(0x2000, "192.0.2.3")); // somebody else's
  await says(expire(0x2001, "192.0.2.1"));
  await kernel.remove(SA);
  await says(expire(0x2000, "192.0.2.2"));
  equal(worn, [7, 7]);
});

Deno.test("KLIPS asks for keys; what others ask, and what is no message, is passed over", async () => {
  const { acquires, warnings, says, ends, end } = await start();
  const wanted = { source: { ...plain("10.0.1.5"), proto: 17, port: 5 }, destination: plain("10.0.2.7") };
  await says(message(MESSAGES.ACQUIRE, wanted, { pid: 4711 }));
  await says(Uint8Array.of(2, 6, 0, 3, 9, 9));
  await says(message(MESSAGES.ACQUIRE, wanted));
  equal(acquires.map(({ from, to, ...rest }) => [formatAddress(from), formatAddress(to), rest]), [
    ["10.0.1.5", "10.0.2.7", { protocol: 17, fromPort: 5, toPort: 0 }],
  ]);
  equal(warnings.length, 1);
  await end();
  await allTurns();
  equal(ends, ["closed"]);
});

Deno.test("what is no PF_KEY at all is said, and ends it as KLIPS's end does", async () => {
  const { warnings, ends, garbles } = await start();
  await garbles("PF_KEY message of 0 bytes");
  equal(warnings, ["KLIPS does not speak PF_KEY: PF_KEY message of 0 bytes"]);
  equal(ends, ["closed"]);
});

Deno.test("whoever asks within a second when something came in shares one listing", async () => {
  const { kernel, listings, later } = await start();
  await kernel.installInbound(SA);
  const row = (said: string, idleSeconds?: number) => ({ said, idleSeconds });
  listings.text = JSON.stringify([
    row("ah0x2001@192.0.2.1", 3),
    row("ah0x2000@192.0.2.2", 1),
    row("ah0x2002@192.0.2.1"),
  ]);
  listings.asked = 0;
  const stranger = { ...SA, number: 8 };
  equal(await Promise.all([[SA], [stranger], [stranger, SA]].map((sas) => kernel.idleInbound(sas))), [
    3000,
    undefined,
    3000,
  ]);
  equal(listings.asked, 1);
  for (const act of later.splice(0)) act();
  listings.text = JSON.stringify([row("ah0x2001@192.0.2.1", 4)]);
  equal(await kernel.idleInbound([SA]), 4000);
  equal(listings.asked, 2);
});

Deno.test("a KLIPS without IPCOMP cannot compress", async () => {
  const { kernel, warnings, requests } = await start(({ type }) =>
    type === MESSAGES.REGISTER.number ? ERRNO.EINVAL : 0
  );
  equal(kernel.canCompress, false);
  equal(warnings, ["AH", "ESP", "IPCOMP", "IPIP"].map((name) => `no KLIPS support for ${name}`));
  equal(requests.length, 4);
});

Deno.test("a refusal in the midst takes back what was made, and says what was asked", async () => {
  const { kernel, requests } = await start(({ type }) => type === MESSAGES.X_GRPSA.number ? ERRNO.ENOENT : 0);
  const tunnel = { ...SA, mode: "tunnel" as const };
  await rejects(
    kernel.installInbound(tunnel),
    (error) =>
      error instanceof KernelError && error.errno === ERRNO.ENOENT &&
      error.message ===
        "ERROR: PF_KEY SADB_X_GRPSA response for group ah.2001@192.0.2.1 included errno 2: No such file or directory",
  );
  const types = requests.slice(4).map(({ type }) => type);
  const { ADD, X_ADDFLOW, X_GRPSA, DELETE } = MESSAGES;
  equal(types, [ADD, ADD, X_ADDFLOW, X_GRPSA, DELETE, DELETE].map(({ number }) => number));
});

Deno.test("an SA that is somebody else's is not grouped with ours, nor taken away", async () => {
  const { ADD, DELETE } = MESSAGES;
  const isTheirs = ({ type, satype }: PfkeyRequest) => type === ADD.number && satype === SATYPES.AH.number;
  const { kernel, requests } = await start((request) => isTheirs(request) ? ERRNO.EEXIST : 0);
  const before = requests.length;
  await rejects(
    kernel.installInbound({ ...SA, mode: "tunnel" }),
    /SADB_ADD response for Add SA ah\.2001@192\.0\.2\.1 included errno 17/,
  );
  equal(requests.slice(before).map(({ type, satype }) => [type, satype]), [
    [ADD.number, SATYPES.IPIP.number],
    [ADD.number, SATYPES.AH.number],
    [DELETE.number, SATYPES.IPIP.number],
  ]);
});

Deno.test("the SAs of a direction are a group, and go by one request", async () => {
  const { kernel, requests } = await start();
  const tunnel = { ...SA, mode: "tunnel" as const };
  await kernel.installInbound(tunnel);
  await kernel.installOutbound(tunnel);
  const before = requests.length;
  await kernel.remove(tunnel);
  equal(requests.slice(before).map(({ type, extensions: { sa } }) => [type, sa?.spi]), [
    [MESSAGES.DELETE.number, 0x2000],
    [MESSAGES.DELETE.number, 0x2001],
  ]);
});

Deno.test("listings of a KLIPS that has gone are an error with its reason", async () => {
  const { kernel, listings } = await start();
  listings.fail = true;
  await rejects(kernel.eroutes(), /ERROR: cannot read eroute\/all of KLIPS: Connection refused/);
});

Deno.test("an eroute needs SAs that are there", async () => {
  const { kernel } = await start();
  const flow = { ours: SA.ourClient, peers: SA.peersClient, protocol: 0, ourPort: 0, peersPort: 0 };
  await rejects(
    kernel.addEroute(flow, SA, false),
    /no outbound SAs of #7 for flow 192\.0\.2\.1\/32 -> 192\.0\.2\.2\/32/,
  );
});
