/** SA pairs as a key daemon installs them: out and in, each tunnel and ESP grouped, and the eroutes. */
import { ESP_ALGORITHMS } from "../lib/crypto/algorithm_names.ts";
import { addNamedSa } from "../commands/_klips_messages.ts";
import { addFlow, groupSas } from "../lib/pfkey/requests.ts";
import { AUTHENTICATORS, CIPHERS } from "../lib/crypto/algorithms.ts";
import type { PfkeyRequest } from "../lib/pfkey/client.ts";
import { SA_FLAG } from "../lib/pfkey/constants.ts";
import { type Address, parseAddress } from "../lib/text/address.ts";
import { SA_PROTOCOLS, type SaId } from "../lib/text/sa_id.ts";
import { subnetOf } from "../lib/text/subnet.ts";

const REPLAY_WINDOW = 64;
const LOWEST_SPI = 0x1000;

export function ip(text: string): Address {
  const parsed = parseAddress(text, 0);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

/** Random keys of the algorithm; the three of 3DES differ. */
function key(bits: number | undefined): Uint8Array | undefined {
  return bits ? crypto.getRandomValues(new Uint8Array(bits / 8)) : undefined;
}

function direction(algorithm: string, spi: number, source: Address, destination: Address): [SaId, PfkeyRequest[]] {
  const algorithms = ESP_ALGORITHMS.get(algorithm)!;
  const none = { cipher: undefined, auth: undefined };
  const common = { source, deflate: false, esn: false, soft: {}, hard: { addtime: 86_400 }, udp: undefined };
  const tunnel = { protocol: SA_PROTOCOLS.tun, spi, destination };
  const esp = { protocol: SA_PROTOCOLS.esp, spi, destination };
  return [tunnel, [
    addNamedSa({
      ...common,
      id: tunnel,
      algorithms: none,
      authKey: undefined,
      encryptionKey: undefined,
      replayWindow: 0,
    }),
    addNamedSa({
      ...common,
      id: esp,
      algorithms,
      authKey: key(algorithms.auth && AUTHENTICATORS[algorithms.auth].keyBits),
      encryptionKey: key(algorithms.cipher && CIPHERS[algorithms.cipher].keyBits),
      replayWindow: REPLAY_WINDOW,
    }),
    groupSas(tunnel, esp),
  ]];
}

/** The requests for pair `i` between `west`, who asks, and `east`. */
export function keyPair(algorithm: string, i: number, west: Address, east: Address): PfkeyRequest[] {
  const network = (first: number) => {
    const bytes = Uint8Array.of(first, i >>> 8 & 0xff, i & 0xff, 0);
    return subnetOf({ family: "inet", bytes }, 24);
  };
  const [out, outRequests] = direction(algorithm, LOWEST_SPI + i, west, east);
  const [back, backRequests] = direction(algorithm, LOWEST_SPI + i, east, west);
  const flow = { source: network(10), destination: network(11), protocol: 0 };
  const flowBack = { source: flow.destination, destination: flow.source, protocol: 0 };
  return [
    ...outRequests,
    addFlow(out, flow, SA_FLAG.REPLACEFLOW),
    ...backRequests,
    addFlow(back, flowBack, SA_FLAG.INFLOW),
  ];
}
