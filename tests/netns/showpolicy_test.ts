/**
 * `ipsec showpolicy` says what then happens.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert/strict";
import { keyTunnel, startKlips } from "../../tools/_keying.ts";
import { fourHosts, type Host, ipsecCommand, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";

async function verdict(host: Host, words: string): Promise<string> {
  return JSON.parse(await host.ipsec(`showpolicy ${words} --json`)).verdict;
}

scenario("showpolicy of packets that are forwarded", fourHosts, async (four) => {
  const { west, east, sunset, step } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  const words = "--src 10.1.0.10 --dst 10.2.0.10";
  await step("no route", async () => equal(await verdict(west, words), "unreachable"));
  await step("a tunnel", async () => {
    await keyTunnel(four, { esp: "aes128gcm16" });
    await sunset.pings("10.2.0.10");
    const text = await west.ipsec(`showpolicy ${words}`);
    match(text, /^10\.1\.0\.10 -> 10\.2\.0\.10 goes through IPsec\nroute: {4}10\.2\.0\.10 dev ipsec0/);
    match(
      text,
      /eroute: .* => tun0x1000@192\.0\.2\.2 \(2 packets\)\nSA: .*IPIP.*\nSA: .*ESP_AES_GCM_16 .*\nstrength: 64\n$/,
    );
  });
  await step("one port of it dropped", async () => {
    await west.ipsec(
      "eroute --add --eraf inet --src 10.1.0.0/24 --dst 10.2.0.0/24 --transport-proto 6 --dst-port 80 --said %reject",
    );
    equal(await verdict(west, `${words} --dport http`), "rejected");
    equal(await verdict(west, `${words} --dport 81`), "protected");
  });
  await step("a route past KLIPS", async () => {
    await west.ip("route replace 10.2.0.0/24 via 192.0.2.2 dev eth0");
    match(await west.ipsec(`showpolicy ${words}`), /goes in the clear, past KLIPS\n[^]*unused: {3}eroute 10\.1\.0\.0/);
  });
  await step("no eroute", async () => {
    await west.ipsec("eroute --clear");
    await west.ip("route replace 10.2.0.0/24 dev ipsec0");
    equal(await verdict(west, words), "dropped");
  });
});

scenario("showpolicy of a socket and of a web server's request", fourHosts, async (four) => {
  const { west, east, step } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  const server = `Deno.serve({ hostname: "0.0.0.0", port: 8080 }, () => new Response("here"))`;
  await Deno.writeTextFile(`${east.directory}/server.ts`, server);
  east.start([Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", "-q", `${east.directory}/server.ts`]);
  await until("the server answers", () => west.run(["bash", "-c", "exec 3<>/dev/tcp/192.0.2.2/8080"]).then(() => true));
  const ofSocket = (words: string) =>
    west.attempt([
      "bash",
      "-c",
      `exec 0<>/dev/tcp/192.0.2.2/8080; exec "$@"`,
      "bash",
      ...ipsecCommand(),
      "showpolicy",
      ...words.split(" ").filter(Boolean),
    ]);
  await step("in the clear", async () => {
    deepEqual(await ofSocket("--plaintext open"), { status: 0, stdout: "open\n", stderr: "" });
  });
  await keyTunnel(four, { esp: "aes128-sha2_256-128", mode: "transport" });
  await step("through IPsec", async () => {
    deepEqual(await ofSocket(""), { status: 0, stdout: "vpn\n", stderr: "" });
    match((await ofSocket("--textual")).stdout, /^tcp 192\.0\.2\.1:\d+ -> 192\.0\.2\.2:8080 goes through IPsec\n/);
  });
  await step("no socket", async () => {
    const { status, stderr } = await west.tryIpsec("showpolicy");
    equal(status, 3);
    match(stderr, /getpeername failed: standard input is no connected socket/);
  });
  await step("--cgi", async () => {
    const env = { SERVER_ADDR: "192.0.2.1", REMOTE_ADDR: "192.0.2.2", SERVER_PORT: "443", REMOTE_PORT: "40000" };
    equal(await west.ipsec("showpolicy --cgi --vpntext yes", { env }), "yes\n");
  });
});
