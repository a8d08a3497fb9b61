import { ok, strictEqual as equal } from "node:assert/strict";
import { type ManualHost, readManualConn } from "../../lib/config/manual_conn.ts";
import type { ManualAction } from "../../lib/config/manual_plan.ts";
import { manualScript } from "../../lib/config/manual_script.ts";
import { updownVariables } from "../../lib/text/updown_variables.ts";
import { hostOf, KEYS, parametersOf, PARTS } from "./_manual_conns.ts";

const { HOSTS, NETS, ESP } = PARTS;
const LEFT = hostOf("1.2.3.4@ipsec0");

function script(action: ManualAction, text: string, host: ManualHost = LEFT): string {
  const { conn } = readManualConn("NAME", parametersOf(text), host);
  return manualScript(action, conn, (verb) => updownVariables(verb, { ...conn, sourceIp: undefined }));
}

/** The script without what sets the environment. */
function body(action: ManualAction, text: string, host?: ManualHost): string {
  return script(action, text, host).replace(/^[^]*?\{\n/, "");
}

const DOWN = `PLUTO_VERB=down-client ipsec _updown 
# do not delete route
ipsec eroute --label "NAME" --eraf inet --del \\
	--src 10.0.1.0/24 --dst 10.0.2.0/24
ipsec spi --label "NAME" --af inet --del --said tun0x200@5.6.7.8   # outbound
ipsec spi --label "NAME" --af inet --del --said tun0x201@1.2.3.4   # inbound
`;

Deno.test("manualScript() of a tunnel is that of FreeS/WAN, with the arrival check and without keys", () => {
  equal(
    script("up", `${HOSTS} ${NETS} spibase=0x200 ${ESP}`),
    `# keys are not shown: each <secret, ...> stands for one
PATH="/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/bin:/usr/bin"
export PATH
PLUTO_VERSION=1.1
PLUTO_CONNECTION="NAME"
PLUTO_NEXT_HOP=5.6.7.8
PLUTO_INTERFACE=ipsec0
PLUTO_ME=1.2.3.4
PLUTO_MY_CLIENT=10.0.1.0/24
PLUTO_MY_CLIENT_NET=10.0.1.0
PLUTO_MY_CLIENT_MASK=255.255.255.0
PLUTO_PEER=5.6.7.8
PLUTO_PEER_CLIENT=10.0.2.0/24
PLUTO_PEER_CLIENT_NET=10.0.2.0
PLUTO_PEER_CLIENT_MASK=255.255.255.0
export PLUTO_VERSION PLUTO_CONNECTION PLUTO_NEXT_HOP PLUTO_INTERFACE
export PLUTO_ME PLUTO_MY_CLIENT PLUTO_MY_CLIENT_NET PLUTO_MY_CLIENT_MASK
export PLUTO_PEER PLUTO_PEER_CLIENT PLUTO_PEER_CLIENT_NET PLUTO_PEER_CLIENT_MASK
{
ipsec spi --label "NAME" --af inet --said tun0x200@5.6.7.8 \\
	--ip4 --src 1.2.3.4 --dst 5.6.7.8 &&
ipsec spi --label "NAME" --af inet --said esp0x202@5.6.7.8 \\
	--esp 3des-md5-96 --src 1.2.3.4 \\
	--authkey '<secret, 16 bytes>' \\
	--enckey '<secret, 24 bytes>' &&
ipsec spigrp --label "NAME" --said tun0x200@5.6.7.8 esp0x202@5.6.7.8  &&
ipsec spi --label "NAME" --af inet --said tun0x201@1.2.3.4 \\
	--ip4 --src 5.6.7.8 --dst 1.2.3.4 &&
ipsec spi --label "NAME" --af inet --said esp0x203@1.2.3.4 \\
	--esp 3des-md5-96 --src 5.6.7.8 \\
	--authkey '<secret, 16 bytes>' \\
	--enckey '<secret, 24 bytes>' &&
ipsec spigrp --label "NAME" --said tun0x201@1.2.3.4 esp0x203@1.2.3.4  &&
ipsec eroute --label "NAME" --eraf inet --addin \\
	--src 10.0.2.0/24 --dst 10.0.1.0/24 --said tun0x201@1.2.3.4 &&
ipsec eroute --label "NAME" --eraf inet --replace \\
	--src 10.0.1.0/24 --dst 10.0.2.0/24 --said tun0x200@5.6.7.8 &&
PLUTO_VERB=prepare-client ipsec _updown &&
PLUTO_VERB=route-client ipsec _updown &&
PLUTO_VERB=up-client ipsec _updown &&
true
} || {
${DOWN}} 2>/dev/null
`,
  );
});

const BODIES: Record<string, [action: ManualAction, text: string, body: string, host?: ManualHost]> = {
  "down": ["down", `${HOSTS} ${NETS} spibase=0x200 ${ESP}`, `${DOWN}}\n`],
  "route": [
    "route",
    `${HOSTS} ${NETS} type=drop`,
    "PLUTO_VERB=prepare-client ipsec _updown &&\nPLUTO_VERB=route-client ipsec _updown &&\ntrue\n}\n",
  ],
  "unroute, without networks, with a firewall": [
    "unroute",
    `${HOSTS} type=drop leftfirewall=yes`,
    "PLUTO_VERB=unroute-host ipsec _updown ipfwadm &&\ntrue\n}\n",
  ],
  "up of a shunt, with a command": [
    "up",
    `${HOSTS} type=passthrough leftupdown=mine`,
    `ipsec eroute --label "NAME" --eraf inet --replace \\
	--src 1.2.3.4/32 --dst 5.6.7.8/32 --said %pass &&
PLUTO_VERB=prepare-host mine &&
PLUTO_VERB=route-host mine &&
PLUTO_VERB=up-host mine &&
true
} || {
PLUTO_VERB=down-host mine 
# do not delete route
ipsec eroute --label "NAME" --eraf inet --del \\
	--src 1.2.3.4/32 --dst 5.6.7.8/32
} 2>/dev/null
`,
  ],
  "up of ah with a window, transport, IPv6: deletion names the SPI of both": [
    "up",
    `left=2001:db8::1 right=2001:db8::2 type=transport spi=0x300 ah=sha1-96 ahkey=${KEYS.sha1} ahreplay_window=64`,
    `ipsec spi --label "NAME" --af inet6 --said ah0x300@2001:db8::1 \\
	--ah sha1-96 --src 2001:db8::2 \\
	--authkey '<secret, 20 bytes>' \\
	--replay_window 64 &&
ipsec spi --label "NAME" --af inet6 --said ah0x300@2001:db8::2 \\
	--ah sha1-96 --src 2001:db8::1 \\
	--authkey '<secret, 20 bytes>' \\
	--replay_window 64 &&
ipsec eroute --label "NAME" --eraf inet6 --replace \\
	--src 2001:db8::2/128 --dst 2001:db8::1/128 --said ah0x300@2001:db8::1 &&
PLUTO_VERB=prepare-host-v6 ipsec _updown &&
PLUTO_VERB=route-host-v6 ipsec _updown &&
PLUTO_VERB=up-host-v6 ipsec _updown &&
true
} || {
PLUTO_VERB=down-host-v6 ipsec _updown 
# do not delete route
ipsec eroute --label "NAME" --eraf inet6 --del \\
	--src 2001:db8::2/128 --dst 2001:db8::1/128
ipsec spi --label "NAME" --af inet6 --del --said ah0x300@2001:db8::1   # outbound
ipsec spi --label "NAME" --af inet6 --del --said ah0x300@2001:db8::2   # inbound
} 2>/dev/null
`,
    hostOf("2001:db8::2@ipsec0"),
  ],
};
for (const [what, [action, text, expected, host]] of Object.entries(BODIES)) {
  Deno.test(`manualScript(): ${what}`, () => equal(body(action, text, host), expected));
}

Deno.test("manualScript() speaks of keys only where it has some", () => {
  ok(!script("route", `${HOSTS} spi=0x100 ${ESP}`).includes("keys are not shown"));
  ok(!script("up", `${HOSTS} type=drop`).includes("keys are not shown"));
});

Deno.test("manualScript() holds no digits of a key", () => {
  const text = script("up", `${HOSTS} spi=0x100 ${ESP} ah=sha1-96 ahkey=${KEYS.sha1}`);
  for (const digits of ["010203", "0a0a", "0b0b"]) ok(!text.includes(digits), digits);
});

Deno.test("manualScript() is shell that sh accepts", async () => {
  for (const action of ["up", "down", "route", "unroute"] as const) {
    const child = new Deno.Command("sh", { args: ["-n"], stdin: "piped", stderr: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(script(action, `${HOSTS} ${NETS} spi=0x100 ${ESP}`)));
    await writer.close();
    const { code, stderr } = await child.output();
    equal(new TextDecoder().decode(stderr), "");
    equal(code, 0);
  }
});
