/**
 * A program: sends super-packets, one line of hexadecimal each with their virtio headers, through a LinkOutput to an
 * Ethernet device that can offload nothing, and prints the frames that come out, one line each.
 */
import { addressOf, checked, cString, libc } from "../../lib/ffi/libc.ts";
import { LinkOutput } from "../../lib/ffi/link_output.ts";
import { interfaceIndex, setInterfaceUp } from "../../lib/ffi/tun.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { VNET } from "../../lib/packet/tcp_segments.ts";

const O_RDWR_NONBLOCK = 0o2 | 0o4000;
const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x0002 | 0x1000;
const NAME = "tap7";
/** IEEE 802: locally administered. */
const MACS = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

const c = libc();
const fd = checked(c.open(cString("/dev/net/tun"), O_RDWR_NONBLOCK, 0), "open", "open /dev/net/tun");
const request = new Uint8Array(40);
request.set(new TextEncoder().encode(NAME));
request[16] = IFF_TAP_NO_PI & 0xff;
request[17] = IFF_TAP_NO_PI >> 8;
checked(c.ioctl(fd, BigInt(TUNSETIFF), request), "ioctl TUNSETIFF", `create ${NAME}`);
setInterfaceUp(NAME, true);

const memory = new PacketMemory(1 << 17);
const output = new LinkOutput(interfaceIndex(NAME), memory);
const frame = new Uint8Array(1 << 16);
const AT = 4098;
const sent: boolean[] = [];
for (const line of (await new Response(Deno.stdin.readable).text()).trim().split("\n")) {
  const bytes = Uint8Array.fromHex(line);
  memory.bytes.set(bytes, AT);
  const v4 = bytes[VNET.bytes] >>> 4 === 4;
  const header = Uint8Array.from([...MACS, ...(v4 ? [0x08, 0x00] : [0x86, 0xdd])]);
  sent.push(output.send(AT + VNET.bytes, bytes.length - VNET.bytes, header));
}
if (!sent.every(Boolean)) throw new Error(`the kernel took ${sent}`);
for (let length; (length = c.read(fd, addressOf(frame), BigInt(frame.length))) > 0;) {
  console.log(frame.subarray(0, length).toHex());
}
