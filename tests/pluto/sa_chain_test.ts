/** The SAs that KLIPS gets for an IPsec SA. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { saChain } from "../../lib/pluto/sa_chain.ts";
import { formatSaId } from "../../lib/text/sa_id.ts";
import { address } from "./_fakes.ts";

const KEYS = { inboundKeys: {}, outboundKeys: {} };

function sa(more: Partial<IpsecSa>): IpsecSa {
  return {
    lifetimeSeconds: 3600,
    path: { local: address("192.0.2.1"), localPort: 500, remote: address("192.0.2.2"), remotePort: 500 },
    ...more,
  } as IpsecSa;
}

Deno.test("saChain() lets what has keys end by itself, after all that pluto would do", () => {
  const gcm = { suite: { protocol: "esp", cipher: "aes128gcm16" }, inboundSpi: 0x2001, outboundSpi: 0x2000, ...KEYS };
  const ah = { suite: { protocol: "ah", auth: "sha1-96" }, inboundSpi: 0x3001, outboundSpi: 0x3000, ...KEYS };
  const comp = { suite: { protocol: "ipcomp" }, inboundSpi: 0x4001, outboundSpi: 0x4000, ...KEYS };
  const made = sa({ mode: "tunnel", protocols: [ah, gcm, comp] as IpsecSa["protocols"] });
  for (const [direction, host, bit] of [["in", "192.0.2.1", 1], ["out", "192.0.2.2", 0]] as const) {
    const chain = saChain(made, { direction, tunnelSpi: 0x1002, cpiSalt: 0 });
    deepEqual(chain.map(({ id, hard }) => [formatSaId(id, "x"), hard]), [
      [`tun0x1002@${host}`, {}],
      [`comp0x400${bit}@${host}`, {}],
      [`esp0x200${bit}@${host}`, { addtime: 3900 }],
      [`ah0x300${bit}@${host}`, { addtime: 3900 }],
    ]);
  }
});

Deno.test("saChain() asks for the sender's successor first, and sooner for a cipher with short blocks", () => {
  const old = {
    suite: { protocol: "esp", cipher: "3des", auth: "sha1-96" },
    inboundSpi: 0x2001,
    outboundSpi: 0x2000,
    ...KEYS,
  };
  const made = sa({ mode: "transport", protocols: [old] as IpsecSa["protocols"] });
  const soft = (direction: "in" | "out") =>
    saChain(made, { direction, tunnelSpi: undefined, cpiSalt: 0 }).map((one) => one.soft);
  deepEqual(soft("out"), [{ packets: 0xc0000000, bytes: 2 ** 32 }]);
  deepEqual(soft("in"), [{ packets: 0xe0000000 }]);
});
