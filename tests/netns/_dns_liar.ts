/**
 * A name server that does not deserve the name: `deno run _dns_liar.ts ADDRESS forge FILE` answers with the TXT records of
 * a JSON file, name by name, unsigned and with the AD bit set, and denies all else; `... ADDRESS delay MS SERVER` passes
 * questions on and answers late.
 */
import { AUTHENTIC_DATA, decode, encode } from "@leichtgewicht/dns-packet";
import dgram from "node:dgram";

const [address, how, ...words] = Deno.args;
const NXDOMAIN = 3;
const socket = dgram.createSocket("udp4");
type Asker = { readonly address: string; readonly port: number };

function forge(records: Readonly<Record<string, string[]>>, bytes: Uint8Array, from: Asker): void {
  const { id, questions } = decode(bytes);
  const [question] = questions ?? [];
  const data = question?.type === "TXT" ? records[question.name.toLowerCase()] : undefined;
  const answers = data ? [{ type: "TXT" as const, name: question.name, ttl: 60, data }] : [];
  const flags = AUTHENTIC_DATA | (data ? 0 : NXDOMAIN);
  socket.send(new Uint8Array(encode({ type: "response", id, flags, questions, answers })), from.port, from.address);
}

function delay(ms: number, server: string, bytes: Uint8Array, from: Asker): void {
  const upstream = dgram.createSocket("udp4");
  upstream.on("message", (answer: Uint8Array) => {
    upstream.close();
    setTimeout(() => socket.send(answer, from.port, from.address), ms);
  });
  upstream.send(bytes, 53, server);
}

const records = how === "forge" ? JSON.parse(Deno.readTextFileSync(words[0])) : {};
socket.on("message", (bytes: Uint8Array, from: Asker) => {
  const own = new Uint8Array(bytes);
  if (how === "forge") forge(records, own, from);
  else delay(Number(words[0]), words[1], own, from);
});
socket.bind(53, address, () => console.log("ready"));
