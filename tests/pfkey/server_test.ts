import { deepEqual, equal, match, ok } from "node:assert/strict";
import { PfkeyClient, PfkeyError } from "../../lib/pfkey/client.ts";
import { decodeMessage, encodeMessage, encodeRefusal } from "../../lib/pfkey/codec.ts";
import { MESSAGES } from "../../lib/pfkey/constants.ts";
import { ERRNO } from "../../lib/pfkey/errno.ts";
import { type PfkeyPeer, PfkeyServer } from "../../lib/pfkey/server.ts";

type Handle = (peer: PfkeyPeer, raw: Uint8Array) => void;

const echo: Handle = (peer, raw) => peer.send(raw);
const REQUEST = { type: MESSAGES.FLUSH.number, extensions: {} };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A server on a temporary socket; the path, the server and its log. */
async function served(
  handle: Handle,
  body: (path: string, server: PfkeyServer, log: string[]) => Promise<void>,
): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/pfkey.sock`;
  const log: string[] = [];
  const server = new PfkeyServer(path, handle, (level, text) => void log.push(`${level}: ${text}`));
  try {
    server.listen();
    await body(path, server, log);
    await answers(path); // whatever has happened, it lives on
  } finally {
    server.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

async function answers(path: string): Promise<void> {
  const client = await PfkeyClient.connect(path);
  equal((await client.request(REQUEST)).type, REQUEST.type);
  client.close();
}

function open(path: string): Promise<Deno.UnixConn> {
  return Deno.connect({ transport: "unix", path });
}

const isEnd = async (connection: Deno.UnixConn): Promise<boolean> => {
  try {
    return await connection.read(new Uint8Array(16)) === null;
  } catch {
    return true;
  }
};

Deno.test("PfkeyServer's socket is for its user alone, and is gone after close()", async () => {
  let path = "";
  await served(echo, (at) => {
    path = at;
    equal(Deno.lstatSync(at).mode! & 0o7777, 0o600);
    return Promise.resolve();
  });
  let gone = false;
  try {
    Deno.lstatSync(path);
  } catch {
    gone = true;
  }
  ok(gone);
});

Deno.test("PfkeyServer.listen() leaves the process's umask as it was", async () => {
  const before = Deno.umask();
  await served(echo, () => Promise.resolve(equal(Deno.umask(), before)));
});

Deno.test("PfkeyServer.listen() takes the place of a socket that nobody serves", async () => {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/pfkey.sock`;
  Deno.writeTextFileSync(path, "");
  const server = new PfkeyServer(path, echo, () => {});
  server.listen();
  await answers(path);
  server.close();
  Deno.removeSync(directory, { recursive: true });
});

const GARBAGE: [what: string, bytes: Uint8Array][] = [
  ["zeroes", new Uint8Array(64)],
  ["text", new TextEncoder().encode("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")],
  ["ones", new Uint8Array(100_000).fill(0xff)],
];
for (const [what, bytes] of GARBAGE) {
  Deno.test(`PfkeyServer cuts off a client that sends ${what}`, async () => {
    await served(echo, async (path, server, log) => {
      using connection = await open(path);
      await connection.write(bytes);
      ok(await isEnd(connection));
      await until(() => [...server.peers()].length === 0);
      match(log.join("\n"), /^notice: PF_KEY client 0 cut off: PF_KEY (message|version) /);
    });
  });
}

Deno.test("PfkeyServer waits for the rest of a message", async () => {
  await served(echo, async (path) => {
    using connection = await open(path);
    const raw = encodeMessage({ type: 9, errno: 0, satype: 0, seq: 5, pid: 6, extensions: {} });
    await connection.write(raw.subarray(0, 7));
    await answers(path); // others are served meanwhile
    await connection.write(raw.subarray(7));
    const reply = new Uint8Array(16);
    equal(await connection.read(reply), 16);
    deepEqual(reply, raw);
  });
});

Deno.test("PfkeyServer forgets a client that goes within a message", async () => {
  const handled: Uint8Array[] = [];
  await served((peer, raw) => {
    handled.push(raw);
    peer.send(raw);
  }, async (path, server) => {
    const connection = await open(path);
    await connection.write(new Uint8Array(7).fill(2));
    await until(() => [...server.peers()].length === 1);
    connection.close();
    await until(() => [...server.peers()].length === 0);
    equal(handled.length, 0);
  });
});

Deno.test("PfkeyServer lives on when a client goes before it has read its replies", async () => {
  await served(echo, async (path, server) => {
    const connection = await open(path);
    const data = new Uint8Array(400_000);
    const raw = encodeMessage({ type: 32, errno: 0, satype: 0, seq: 1, pid: 2, extensions: { data } });
    await connection.write(raw.subarray(0, 30_000));
    for (let at = 30_000; at < raw.length;) at += await connection.write(raw.subarray(at));
    connection.close();
    await until(() => [...server.peers()].length === 0);
  });
});

Deno.test("PfkeyServer cuts off a client that floods and never reads, before 64 MB wait for it", async () => {
  let most = 0;
  const data = new Uint8Array(1 << 18);
  const flood = encodeMessage({ type: 32, errno: 0, satype: 0, seq: 0, pid: 7, extensions: { data } });
  await served((peer, raw) => {
    if (raw[1] !== MESSAGES.DUMP.number) return peer.send(raw);
    peer.pid = 7;
    for (let i = 0; i < 1000; i++) {
      peer.send(flood);
      most = Math.max(most, peer.waiting);
    }
  }, async (path, server, log) => {
    using connection = await open(path);
    await connection.write(encodeMessage({ type: 10, errno: 0, satype: 0, seq: 0, pid: 0, extensions: {} }));
    await until(() => log.length > 0);
    await until(() => [...server.peers()].length === 0);
    ok(most > 1 << 20 && most <= 64 << 20, `${most} bytes waited`);
    deepEqual(log, ["notice: PF_KEY client 7 does not read its messages and is cut off"]);
  });
});

Deno.test("PfkeyServer lets no client hold up the others", async () => {
  await served((peer, raw) => {
    for (let i = 0; i < 50; i++) peer.send(raw);
  }, async (path) => {
    const lazy = await open(path);
    const data = new Uint8Array(1 << 18);
    await lazy.write(encodeMessage({ type: 32, errno: 0, satype: 0, seq: 0, pid: 7, extensions: { data } }));
    for (let i = 0; i < 20; i++) await answers(path);
    lazy.close();
  });
});

Deno.test("PfkeyServer serves many clients at once, each with its own answers", async () => {
  await served(echo, async (path, server) => {
    const clients = await Promise.all(Array.from({ length: 200 }, () => PfkeyClient.connect(path)));
    const replies = await Promise.all(clients.map(async (client) => {
      for (let i = 0; i < 3; i++) await client.request(REQUEST);
      return (await client.request(REQUEST)).seq;
    }));
    deepEqual(new Set(replies), new Set([4]));
    equal([...server.peers()].length, 200);
    for (const client of clients) client.close();
    await until(() => [...server.peers()].length === 0);
  });
});

Deno.test("PfkeyServer reports a defect of its handler, cuts that client off, and lives on", async () => {
  await served((peer, raw) => {
    if (raw[1] === MESSAGES.DUMP.number) throw new TypeError("the handler is broken");
    peer.send(raw);
  }, async (path, _, log) => {
    using connection = await open(path);
    await connection.write(encodeMessage({ type: 10, errno: 0, satype: 0, seq: 0, pid: 0, extensions: {} }));
    ok(await isEnd(connection));
    match(log[0], /^error: PF_KEY client 0 cut off by a defect: TypeError: the handler is broken/);
  });
});

Deno.test("PfkeyServer goes on after it ran out of file descriptors", async () => {
  const directory = Deno.makeTempDirSync();
  const server = new URL("../../lib/pfkey/server.ts", import.meta.url).href;
  const script = `
    import { PfkeyServer } from ${JSON.stringify(server)};
    const path = ${JSON.stringify(`${directory}/pfkey.sock`)};
    setTimeout(() => Deno.exit(1), 20_000); // instead of waiting for ever where it does not go on
    const server = new PfkeyServer(path, (peer, raw) => peer.send(raw), (_, text) => console.log(text));
    server.listen();
    const open = () => Deno.connect({ transport: "unix", path });
    const held = [];
    try {
      for (;;) held.push(await open());
    } catch { /* none are left */ }
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const connection of held) connection.close();
    const connection = await open();
    await connection.write(Uint8Array.of(2, 9, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    console.log("answered", await connection.read(new Uint8Array(16)));
    Deno.exit(0);
  `;
  const run = 'ulimit -n 60; exec "$0" run -A --no-check "$1"';
  Deno.writeTextFileSync(`${directory}/flood.ts`, script);
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", run, Deno.execPath(), `${directory}/flood.ts`],
    stdout: "piped",
  }).output();
  Deno.removeSync(directory, { recursive: true });
  match(new TextDecoder().decode(stdout), /Cannot accept a PF_KEY client: .*\n(.*\n)*answered 16\n$/);
});

// The client

Deno.test("PfkeyClient.request() passes over what is not its answer", async () => {
  await served((peer, raw) => {
    const decoded = decodeMessage(raw);
    if (!decoded.ok) return;
    const { message } = decoded;
    peer.send(encodeMessage({ ...message, seq: message.seq + 1 }));
    peer.send(encodeMessage({ ...message, pid: message.pid + 1 }));
    peer.send(encodeRefusal(encodeMessage({ ...message, pid: 0 }), 22));
    peer.send(Uint8Array.of(2, 9, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)); // undecodable
    peer.send(encodeMessage({ ...message, satype: 9 }));
  }, async (path) => {
    const client = await PfkeyClient.connect(path);
    equal((await client.request(REQUEST)).satype, 9);
    client.close();
  });
});

Deno.test("PfkeyClient.requestAll() gives answers and refusals in the order of the requests", async () => {
  await served((peer, raw) => {
    const satype = raw[3];
    peer.send(satype ? encodeRefusal(raw, satype) : raw);
  }, async (path) => {
    const client = await PfkeyClient.connect(path);
    const answers = await client.requestAll([0, 2, 0, 3].map((satype) => ({ ...REQUEST, satype })));
    deepEqual(
      answers.map((one) => one instanceof PfkeyError ? `refused ${one.errno}` : `answered ${one.satype}`),
      ["answered 0", "refused 2", "answered 0", "refused 3"],
    );
    deepEqual(await client.requestAll([]), []);
    client.close();
  });
});

Deno.test("PfkeyClient.messages() hears what else comes while a request waits, and the answer goes to the request", async () => {
  await served((peer, raw) => {
    const decoded = decodeMessage(raw);
    if (!decoded.ok) return;
    const { message } = decoded;
    const others = (satype: number) => peer.send(encodeMessage({ ...message, pid: message.pid + 1, satype }));
    others(2);
    peer.send(encodeMessage({ ...message, satype: 9 }));
    others(3);
  }, async (path) => {
    const client = await PfkeyClient.connect(path);
    const heard: number[] = [];
    const listening = (async () => {
      for await (const raw of client.messages()) heard.push(raw[3]);
    })();
    for (const round of [1, 2]) {
      const answers = await client.requestAll(Array(round).fill(REQUEST));
      deepEqual(answers.map((one) => one instanceof PfkeyError ? one.errno : one.satype), Array(round).fill(9));
    }
    while (heard.length < 6) await new Promise((resolve) => setTimeout(resolve, 1));
    deepEqual(heard, [2, 3, 2, 3, 2, 3]);
    const refused = errnoOf(client.request(REQUEST));
    client.close();
    equal(await refused, ERRNO.ECONNREFUSED);
    await listening;
  });
});

Deno.test("PfkeyClient.messages() keeps what comes before anybody takes it", async () => {
  await served((peer, raw) => {
    peer.send(raw);
    peer.send(encodeRefusal(raw, 22)); // a second answer is nobody's
    peer.send(encodeMessage({ type: MESSAGES.ACQUIRE.number, errno: 0, satype: 7, seq: 1, pid: 0, extensions: {} }));
  }, async (path) => {
    const client = await PfkeyClient.connect(path);
    const messages = client.messages();
    await client.request({ ...REQUEST, satype: 5 });
    equal((await messages.next()).value![3], 7);
    client.close();
    equal((await messages.next()).done, true);
  });
});

Deno.test("PfkeyClient: an answer that comes twice is not taken for that to the next request", async () => {
  let asked = 0;
  await served((peer, raw) => {
    if (asked++ > 0) return peer.send(encodeRefusal(raw, 22));
    peer.send(raw);
    peer.send(raw);
  }, async (path) => {
    const client = await PfkeyClient.connect(path);
    await client.request(REQUEST);
    equal(await errnoOf(client.request(REQUEST)), 22);
    asked = 0;
    deepEqual((await Promise.all([client.request(REQUEST), errnoOf(client.request(REQUEST))]))[1], 22);
    client.close();
    equal(await errnoOf(client.request(REQUEST)), ERRNO.ECONNREFUSED);
    asked = 0; // for whoever looks whether it lives
  });
});

Deno.test("PfkeyClient.readProc() joins pieces that split a character", async () => {
  const text = new TextEncoder().encode("größe");
  await served((peer, raw) => {
    const decoded = decodeMessage(raw);
    if (!decoded.ok || decoded.message.type !== MESSAGES.X_PROC.number) return peer.send(raw);
    const piece = (data?: Uint8Array) =>
      peer.send(encodeMessage({ ...decoded.message, extensions: data ? { data } : {} }));
    for (let i = 0; i < text.length; i++) piece(text.subarray(i, i + 1));
    piece();
  }, async (path) => {
    const client = await PfkeyClient.connect(path);
    equal(await client.readProc("x"), "größe");
    client.close();
  });
});

async function errnoOf(promise: Promise<unknown>): Promise<number> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof PfkeyError) return error.errno;
    throw error;
  }
  return 0;
}

Deno.test("PfkeyClient tells refusals, an end and an absent daemon by errno", async () => {
  let end = false;
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/pfkey.sock`;
  const server = new PfkeyServer(path, (peer, raw) => end ? peer.close() : peer.send(encodeRefusal(raw, 17)), () => {});
  equal(await errnoOf(PfkeyClient.connect(path)), ERRNO.ENOENT);
  server.listen();
  const client = await PfkeyClient.connect(path);
  equal(await errnoOf(client.request(REQUEST)), ERRNO.EEXIST);
  end = true;
  equal(await errnoOf(client.request(REQUEST)), ERRNO.ECONNREFUSED);
  client.close();
  server.close();
  Deno.removeSync(directory, { recursive: true });
});
