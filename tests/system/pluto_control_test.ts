/** pluto's control socket: what a whack may say, and how long it is heard (whack.md §4, §7). */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert/strict";
import type { WhackRequest } from "../../lib/pluto/request.ts";
import type { Reply } from "../../lib/pluto/whacks.ts";
import { checkRequest } from "../../lib/pluto/request_check.ts";
import { askPluto } from "../../lib/system/whack_client.ts";
import { WhackServer } from "../../lib/system/whack_server.ts";

type Handle = (request: WhackRequest, reply: Reply) => Promise<void> | void;

/** A server whose requests are handled by `handle`, in a directory of its own. */
async function serving(
  handle: Handle,
  act: (path: string, warnings: string[], server: WhackServer) => Promise<void>,
): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "oneswan-control-" });
  const path = `${directory}/pluto.ctl`;
  const warnings: string[] = [];
  const server = new WhackServer(path, {
    handle: async (request, reply) => await handle(request, reply),
    warn: (text) => void warnings.push(text),
  });
  try {
    await act(path, warnings, server);
  } finally {
    await server.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

async function ask(path: string, request: WhackRequest, answers: string[] = []) {
  const lines: string[] = [];
  const status = await askPluto(path, request, {
    line: (text) => void lines.push(text),
    prompt: () => Promise.resolve(answers.shift()),
    complain: (text) => void lines.push(`complaint: ${text}`),
  });
  return { status, lines };
}

/** Sends bytes as they are. @returns what comes back */
async function sendRaw(path: string, text: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(text));
  await connection.closeWrite();
  return await new Response(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        const buffer = new Uint8Array(4096);
        const length = await connection.read(buffer);
        if (length === null) controller.close();
        else controller.enqueue(buffer.slice(0, length));
      },
    }),
  ).text();
}

Deno.test("WhackServer hands a request over, and ends when it is done", async () => {
  const seen: WhackRequest[] = [];
  await serving((request, reply) => {
    seen.push(request);
    reply.line(2, "listening for IKE messages");
    reply.line(0, "one\ntwo");
  }, async (path) => {
    deepEqual(await ask(path, { version: 1, listen: true }), {
      status: 0,
      lines: ["002 listening for IKE messages", "000 one two"],
    });
    deepEqual(seen, [{ version: 1, listen: true }]);
  });
});

Deno.test("WhackServer keeps a whack that is held, while others come and go", async () => {
  let held: Reply | undefined;
  await serving((request, reply) => {
    if (!request.initiate) return reply.line(0, "quick");
    reply.hold();
    held = reply;
    reply.line(104, "STATE_MAIN_I1: initiate");
  }, async (path) => {
    const slow = ask(path, { version: 1, name: "n", initiate: true });
    while (!held) await new Promise((resolve) => setTimeout(resolve, 1));
    deepEqual(await ask(path, { version: 1, status: true }), { status: 0, lines: ["000 quick"] });
    held.line(4, "established");
    held.release();
    deepEqual(await slow, { status: 0, lines: ["104 STATE_MAIN_I1: initiate", "004 established"] });
  });
});

Deno.test("WhackServer asks for secrets and for what may be seen", async () => {
  await serving(async (_, reply) => {
    const secret = await reply.ask!("need passphrase for 'k.pem'", true);
    const name = await reply.ask!("name", false);
    reply.line(0, `${name} ${secret}`);
  }, async (path) => {
    deepEqual(await ask(path, { version: 1, rereadSecrets: true }, ["sesame", "joe"]), {
      status: 0,
      lines: ["040 need passphrase for 'k.pem'", "041 name", "000 joe sesame"],
    });
  });
});

Deno.test("WhackServer hears of nothing where whack goes away instead of answering", async () => {
  const heard = Promise.withResolvers<string | undefined>();
  await serving(async (_, reply) => heard.resolve(await reply.ask!("password", true)), async (path) => {
    equal((await ask(path, { version: 1, rereadSecrets: true })).status, 1);
    equal(await heard.promise, undefined);
  });
});

Deno.test("WhackServer writes what was said before it closes", async () => {
  let held: Reply | undefined;
  await serving((_, reply) => {
    reply.hold();
    held = reply;
    for (let i = 0; i < 1000; i++) reply.line(0, "x".repeat(1000));
  }, async (path, _warnings, server) => {
    const asked = ask(path, { version: 1, status: true });
    while (!held) await new Promise((resolve) => setTimeout(resolve, 1));
    await server.close();
    equal((await asked).lines.length, 1000);
  });
});

const REFUSED: [what: string, sent: string, refusal: RegExp][] = [
  ["nothing", "", /^ignoring runt message from whack: got 0 bytes$/],
  ["half a line", '{"version":1', /^ignoring truncated message from whack: got 12 bytes; expected a line$/],
  ["no JSON", "listen\n", /^message from whack contains bad string$/],
  ["no object", "7\n", /bad magic undefined; should be 1; probably wrong version$/],
  ["another version", '{"version":2}\n', /bad magic 2; should be 1; probably wrong version$/],
  ["an unknown member", '{"version":1,"shout":true}\n', /^message from whack contains bad string: shout$/],
  ["a member of another type", '{"version":1,"listen":"yes"}\n', /^message from whack contains bad string: listen$/],
];
for (const [what, sent, refusal] of REFUSED) {
  Deno.test(`WhackServer refuses ${what}`, async () => {
    await serving(() => {
      throw new Error("must not be called");
    }, async (path, warnings) => {
      const answer = await sendRaw(path, sent);
      match(answer, /^030 .*\n$/);
      match(answer.slice(4, -1), refusal);
      deepEqual(warnings, [answer.slice(4, -1)]);
    });
  });
}

Deno.test("WhackServer survives what a request breaks", async () => {
  await serving(() => {
    throw new Error("broken");
  }, async (path, warnings) => {
    deepEqual(await ask(path, { version: 1, listen: true }), { status: 3, lines: ["003 internal error: broken"] });
    match(warnings[0], /^internal error: broken/);
    equal((await ask(path, { version: 1, listen: true })).status, 3);
  });
});

Deno.test("WhackServer's socket is root's alone, and takes the place of an old one", async () => {
  await serving(() => {}, async (path) => {
    equal(Deno.statSync(path).mode! & 0o777, 0o700);
    const second = new WhackServer(path, {
      handle: (_, reply) => Promise.resolve(reply.line(0, "new")),
      warn: () => {},
    });
    deepEqual((await ask(path, { version: 1, status: true })).lines, ["000 new"]);
    await second.close();
  });
});

const END = { host: "192.0.2.1" };
const CONNECTION = {
  left: END,
  right: END,
  psk: true,
  rsasig: false,
  encrypt: true,
  authenticate: false,
  compress: false,
  tunnel: true,
  pfs: true,
  disableArrivalCheck: false,
  dontRekey: false,
  shunt: "trap",
  failure: "none",
  ikeLifetimeSeconds: 3600,
  ipsecLifetimeSeconds: 28800,
  rekeyMarginSeconds: 540,
  rekeyFuzzPercent: 100,
  keyingTries: 0,
};
const WRONG: [what: string, request: Record<string, unknown>][] = [
  ["connection", { connection: { ...CONNECTION, left: { host: 7 } } }],
  ["connection", { connection: { ...CONNECTION, left: { ...END, shoe: "x" } } }],
  ["connection", { connection: { ...CONNECTION, right: null } }],
  ["connection", { connection: { ...CONNECTION, keyingTries: -1 } }],
  ["connection", { connection: { ...CONNECTION, shunt: "hold" } }],
  ["connection", { connection: { ...CONNECTION, dpd: { delaySeconds: "30", timeoutSeconds: 60, action: "hold" } } }],
  ["keys", { keys: [{ id: "@e" }] }],
  ["lists", { lists: ["everything"] }],
  ["name", { name: "a\0b" }],
  ["status", { status: false }],
  ["deleteState", { deleteState: 1.5 }],
];
for (const [what, request] of WRONG) {
  Deno.test(`checkRequest() refuses ${JSON.stringify(request).slice(0, 60)}`, () => {
    equal(checkRequest({ version: 1, ...request }), what);
  });
}
Deno.test("checkRequest() takes a whole connection", () => {
  const dpd = { delaySeconds: 30, timeoutSeconds: 60, action: "hold" };
  const end = { ...END, updown: "x", dnsKeyOnDemand: true, ikePort: 500 };
  equal(
    checkRequest({ version: 1, name: "n", connection: { ...CONNECTION, left: end, dpd, modecfgDns: ["10.0.0.1"] } }),
    undefined,
  );
});

Deno.test("WhackServer: ten thousand lines of one turn arrive whole and in their order", async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `line ${i} ${"größer ".repeat(i % 9)}`);
  await serving((_, reply) => many.forEach((text) => reply.line(0, text)), async (path) => {
    deepEqual((await ask(path, { version: 1 })).lines, many.map((text) => `000 ${text}`));
  });
});

Deno.test("WhackServer cuts off a whack that does not read, and goes on", async () => {
  const MEGABYTE = "x".repeat(1 << 20);
  const { promise: said, resolve } = Promise.withResolvers<void>();
  await serving(async ({ name }, reply) => {
    if (name !== "deaf") return reply.line(0, "heard");
    for (let i = 0; i < 40; i++) {
      reply.line(0, MEGABYTE);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    resolve();
  }, async (path) => {
    using deaf = await Deno.connect({ transport: "unix", path });
    await deaf.write(new TextEncoder().encode(`${JSON.stringify({ version: 1, name: "deaf" })}\n`));
    await said;
    deepEqual((await ask(path, { version: 1, name: "other" })).lines, ["000 heard"]);
    let read = 0;
    const buffer = new Uint8Array(1 << 16);
    for (let n = await deaf.read(buffer); n !== null; n = await deaf.read(buffer)) read += n;
    equal(read < 20 << 20, true);
  });
});
