import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { Net, run, until } from "../../tools/_net.ts";
import { testWith } from "../interop/_needs.ts";

const NET = new URL("../../tools/_net.ts", import.meta.url).href;

async function namespaces(prefix: string): Promise<string[]> {
  return (await run(["ip", "netns", "list"])).split("\n").filter((line) => line.startsWith(`${prefix}-`));
}

testWith(["root"], "Net is removed with its folder and its programs when it is disposed of", async () => {
  const net = await Net.make(["west", "east"], [["west", "eth0", "east", "eth0"]]);
  const sleeping = net.hosts.west.start(["sleep", "600"]);
  equal((await namespaces(net.prefix)).length, 2);
  await net[Symbol.asyncDispose]();
  deepEqual(await namespaces(net.prefix), []);
  equal(await Deno.stat(net.directory).catch(() => undefined), undefined);
  equal(await Deno.stat(`/proc/${sleeping.pid}`).catch(() => undefined), undefined);
});

testWith(["root"], "Net is removed with its folder and its programs when its maker is killed", async () => {
  const maker = `import { Net } from "${NET}";
    const net = await Net.make(["west"], []);
    const { pid } = net.hosts.west.start(["sleep", "600"]);
    console.log(JSON.stringify([net.prefix, net.directory, pid]));
    await new Promise((resolve) => setTimeout(resolve, 600_000));`;
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "-"], stdin: "piped", stdout: "piped" })
    .spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(maker));
  await input.close();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const [prefix, directory, pid] = JSON.parse((await output.read()).value ?? "");
  equal((await namespaces(prefix)).length, 1);
  child.kill("SIGKILL");
  await child.status;
  await output.cancel();
  await until("the namespace is gone", async () => (await namespaces(prefix)).length === 0);
  await until("the folder is gone", async () => !await Deno.stat(directory).catch(() => undefined));
  await until("its program is gone", async () => !await Deno.stat(`/proc/${pid}`).catch(() => undefined));
});
