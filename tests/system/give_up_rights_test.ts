/** What a daemon can still do after it has given up its rights, seen from a process that has. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";

const PROGRAM = `
import { giveUpRights } from ${JSON.stringify(new URL("../../lib/system/give_up_rights.ts", import.meta.url).href)};
const connection = await Deno.connect({ transport: "unix", path: Deno.args[0] });
giveUpRights();
const can = {};
const attempt = async (name, act) => {
  try {
    await act();
    can[name] = true;
  } catch (error) {
    can[name] = error instanceof Deno.errors.NotCapable || /^Requires import access/.test(error.message) ? false : String(error);
  }
};
await attempt("load a library", () => Deno.dlopen("libc.so.6", {}));
await attempt("start a program", () => new Deno.Command("true").outputSync());
await attempt("write a file", () => Deno.writeTextFileSync(Deno.args[0] + ".txt", ""));
await attempt("remove a file", () => Deno.removeSync(Deno.args[0]));
await attempt("see the environment", () => Deno.env.get("PATH"));
await attempt("open another socket of the file system", () => Deno.connect({ transport: "unix", path: Deno.args[0] }));
await attempt("load code", () => import("data:application/javascript,export default 1".replace("data:", "https://example.invalid/")));
await attempt("get a right back", async () => {
  const { state } = await Deno.permissions.request({ name: "write" });
  if (state !== "granted") throw new Deno.errors.NotCapable("");
});
await attempt("use a socket that was open", () => connection.write(new Uint8Array(1)));
await attempt("read a file", () => Deno.readTextFileSync("/etc/passwd"));
await attempt("open a UDP socket", async () => {
  const { createSocket } = await import("node:dgram");
  const socket = createSocket("udp4");
  await new Promise((resolve, reject) => socket.once("error", reject).bind(0, "127.0.0.1", resolve));
  socket.close();
});
console.log(JSON.stringify(can));
Deno.exit(0);
`;

Deno.test("giveUpRights() leaves sockets of the network, files to be read, and what was open", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "oneswan-rights-" });
  const path = `${directory}/socket`;
  using _listener = Deno.listen({ transport: "unix", path });
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-config", writeProgram(directory), path],
    stdin: "null",
  }).output();
  Deno.removeSync(directory, { recursive: true });
  const text = new TextDecoder().decode(stdout);
  deepEqual(text === "" ? new TextDecoder().decode(stderr) : JSON.parse(text), {
    "load a library": false,
    "start a program": false,
    "write a file": false,
    "remove a file": false,
    "see the environment": false,
    "open another socket of the file system": false,
    "load code": false,
    "get a right back": false,
    "use a socket that was open": true,
    "read a file": true,
    "open a UDP socket": true,
  });
});

function writeProgram(directory: string): string {
  Deno.writeTextFileSync(`${directory}/program.ts`, PROGRAM);
  return `${directory}/program.ts`;
}
