/**
 * One question to one server: UDP, again over TCP where the answer does not fit (RFC 7766), or HTTPS (RFC 8484).
 *
 * UDP is done here and not by dns-query, whose queries have consecutive numbers, share one port, and take an answer from
 * anybody: keys come by these answers. Each question has its own socket, thereby a port of its own, and a random number.
 */
import dgram from "node:dgram";
import type { DnsServer } from "../text/dns_server.ts";
import { decodeResponse, encodeQuestion, type Question, type Response } from "./message.ts";

/** No usable answer: why, in words. */
export class DnsFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DnsFailure";
  }
}

const RCODE_FORMERR = 1, RCODE_NOTIMP = 4;
const LONGEST_ANSWER_BYTES = 65535;

/** @throws DnsFailure */
export async function exchange(server: DnsServer, question: Question, timeoutMs: number): Promise<Response> {
  if (server.kind === "https") return await overHttps(server.url, question, timeoutMs);
  const response = await overUdp(server, question, timeoutMs, true);
  if (response.isTruncated) return await overTcp(server, question, timeoutMs);
  // servers of before EDNS refuse what they do not know
  if (response.rcode === RCODE_FORMERR || response.rcode === RCODE_NOTIMP) {
    return await overUdp(server, question, timeoutMs, false);
  }
  return response;
}

type Plain = Extract<DnsServer, { readonly kind: "udp" }>;

function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0];
}

function overUdp(server: Plain, question: Question, timeoutMs: number, withEdns: boolean): Promise<Response> {
  const id = randomId();
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const socket = dgram.createSocket(server.address.includes(":") ? "udp6" : "udp4");
  const timer = setTimeout(() => reject(new DnsFailure("timed out")), timeoutMs);
  let lastReason: string | undefined;
  socket.on("error", (error: Error) => reject(new DnsFailure(error.message)));
  socket.on("message", (bytes: Uint8Array, from: { address: string; port: number }) => {
    if (from.port !== server.port || !sameHost(from.address, server.address)) return;
    const response = decodeResponse(new Uint8Array(bytes), id, question); // no Buffer goes further
    // what is no answer to this question may be forged: the true one may still come
    if (typeof response === "string") lastReason = response;
    else resolve(response);
  });
  try {
    socket.send(encodeQuestion(id, question, withEdns), server.port, server.address, (error: Error | null) => {
      if (error) reject(new DnsFailure(error.message));
    });
  } catch (error) {
    reject(new DnsFailure(error instanceof Error ? error.message : String(error)));
  }
  return promise.catch((error) => {
    throw lastReason !== undefined ? new DnsFailure(lastReason) : error;
  }).finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/** Zones are not compared: the system may write them by number. */
function sameHost(a: string, b: string): boolean {
  return a.split("%")[0] === b.split("%")[0];
}

async function overTcp({ address, port }: Plain, question: Question, timeoutMs: number): Promise<Response> {
  const id = randomId();
  const connecting = Deno.connect({ transport: "tcp", hostname: address, port });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DnsFailure("timed out")), timeoutMs);
  });
  const work = async () => {
    using connection = await connecting;
    await writeAll(connection, framed(encodeQuestion(id, question, true)));
    const head = await readExactly(connection, 2);
    const response = decodeResponse(await readExactly(connection, head[0] << 8 | head[1]), id, question);
    if (typeof response === "string") throw new DnsFailure(response);
    return response;
  };
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    connecting.then((connection) => close(connection), () => {});
    throw error instanceof DnsFailure ? error : new DnsFailure(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Length before the message (RFC 1035 §4.2.2). */
function framed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([bytes.length >> 8, bytes.length & 0xff, ...bytes]);
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readExactly(connection: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const got = await connection.read(bytes.subarray(at));
    if (got === null) throw new DnsFailure("connection closed before the answer was complete");
    at += got;
  }
  return bytes;
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // it is closed
  }
}

/** The number is 0, so that answers can be cached on the way (RFC 8484 §4.1). */
async function overHttps(url: string, question: Question, timeoutMs: number): Promise<Response> {
  try {
    const reply = await fetch(url, {
      method: "POST",
      headers: { "accept": "application/dns-message", "content-type": "application/dns-message" },
      body: encodeQuestion(0, question, true),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!reply.ok || reply.headers.get("content-type") !== "application/dns-message") {
      await reply.body?.cancel();
      throw new DnsFailure(`the server answers ${reply.status} ${reply.headers.get("content-type") ?? ""}`.trim());
    }
    const response = decodeResponse(await bodyOf(reply), 0, question);
    if (typeof response === "string") throw new DnsFailure(response);
    return response;
  } catch (error) {
    if (error instanceof DnsFailure) throw error;
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    throw new DnsFailure(isLate ? "timed out" : error instanceof Error ? error.message : String(error));
  }
}

async function bodyOf(reply: globalThis.Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of reply.body ?? []) {
    length += piece.length;
    if (length > LONGEST_ANSWER_BYTES) throw new DnsFailure("answer is too long");
    pieces.push(piece);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
