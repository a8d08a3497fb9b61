import { equal } from "node:assert/strict";
import { saDetail } from "../../lib/ike/quick_detail.ts";
import { IpsecState } from "../../lib/ike/ipsec_sa.ts";
import type { IkeConnection } from "../../lib/ike/connection.ts";
import type { NegotiatedSa } from "../../lib/ike/state.ts";
import { address, connection, end } from "./_test_host.ts";

const PATH = { local: address("192.0.2.1"), localPort: 4500, remote: address("203.0.113.9"), remotePort: 31234 };
const OLD = { protocol: "esp", cipher: "3des", auth: "md5-96" } as const;
const GCM = { protocol: "esp", cipher: "aes256gcm16" } as const;
const CBC = { protocol: "esp", cipher: "aes128", auth: "sha2_256-128" } as const;
const AH = { protocol: "ah", auth: "sha1-96" } as const;

interface Case {
  readonly suites: readonly NegotiatedSa["suite"][];
  readonly inUdp?: boolean;
  readonly dpd?: IkeConnection["dpd"];
}

function detail({ suites, inUdp, dpd }: Case): string {
  const net = connection("net", end("192.0.2.1"), end("203.0.113.9"), { dpd });
  const start = { number: 1, connection: net, path: PATH, role: "initiator", attempt: 1, replaces: 0 } as const;
  const sa = new IpsecState({ ...start, name: "QUICK_I2", isakmp: 1, messageId: 1 });
  sa.protocols = suites.map((suite, i) => ({
    suite,
    inboundSpi: 0x9b03d711 + i,
    outboundSpi: 0x4a8f1c20 + i,
    inboundKeys: {},
    outboundKeys: {},
  }));
  if (inUdp) sa.encapsulation = PATH;
  return saDetail(sa);
}

const DPD = { delaySeconds: 30, timeoutSeconds: 120, action: "hold" } as const;
const CASES: [what: string, Case, detail: string][] = [
  ["what FreeS/WAN had", { suites: [OLD] }, " {ESP=>0x4a8f1c20 <0x9b03d711}"],
  [
    "AH and IPCOMP behind ESP",
    { suites: [AH, OLD, { protocol: "ipcomp" }] },
    " {ESP=>0x4a8f1c21 <0x9b03d712 AH=>0x4a8f1c20 <0x9b03d711 IPCOMP=>0x4a8f1c22 <0x9b03d713}",
  ],
  [
    "an AEAD",
    { suites: [GCM] },
    " {ESP=>0x4a8f1c20 <0x9b03d711}",
  ],
  [
    "AES-CBC",
    { suites: [CBC] },
    " {ESP=>0x4a8f1c20 <0x9b03d711}",
  ],
  [
    "NAT",
    { suites: [OLD], inUdp: true },
    " {ESP/NAT=>0x4a8f1c20 <0x9b03d711 NATD=203.0.113.9:31234}",
  ],
  [
    "dead peer detection",
    { suites: [OLD], dpd: DPD },
    " {ESP=>0x4a8f1c20 <0x9b03d711}",
  ],
];
for (const [what, given, want] of CASES) {
  Deno.test(`saDetail() with ${what}`, () => equal(detail(given), want));
}
