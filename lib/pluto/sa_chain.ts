/** The SAs of KLIPS that one direction of an IPsec SA becomes, innermost first: IPIP, COMP, ESP, AH (pluto.md §17). */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import type { Secret } from "../crypto/secret.ts";
import type { IpsecSa, NegotiatedSa } from "../ike/state.ts";
import { COMP_DEFLATE } from "../pfkey/constants.ts";
import type { NewSa } from "../pfkey/requests.ts";
import type { Address } from "../text/address.ts";
import { SA_PROTOCOLS } from "../text/sa_id.ts";

/** In packets. */
const REPLAY_WINDOW = 64;
/**
 * After so many packets KLIPS asks for another SA: the sequence numbers end at 2^32, which on a fast line is within hours.
 * The sender comes first.
 */
const SOFT_PACKETS = { out: 0xc0000000, in: 0xe0000000 } as const;
/** With blocks of 64 bits, so much may be encrypted by one key (RFC 7296 §2.8, SP 800-67 §3.3). */
const SOFT_BYTES_OF_3DES = 2 ** 32;
/**
 * We end an SA ourselves, counting from when it was established, which is a little after it was installed. Should there be
 * nobody any more who does so, KLIPS does: keys do not outlive us for ever.
 */
const GRACE_SECONDS = 300;
/** A CPI below is well known; KLIPS names SAs by numbers from here on. */
const LOWEST_SPI = 256;

export interface ChainOptions {
  readonly direction: "in" | "out";
  /** SPI of the tunnel, where there is one. */
  readonly tunnelSpi: number | undefined;
  /** Upper half of the number of an SA whose CPI is well known. */
  readonly cpiSalt: number;
}

export function saChain(sa: IpsecSa, { direction, tunnelSpi, cpiSalt }: ChainOptions): NewSa[] {
  const { local, remote } = sa.path;
  const [source, destination] = direction === "in" ? [remote, local] : [local, remote];
  const ends = { source, destination };
  const chain: NewSa[] = [];
  if (tunnelSpi !== undefined) chain.push(newSa(SA_PROTOCOLS.tun, tunnelSpi, ends, {}));
  for (const one of [...sa.protocols].reverse()) chain.push(negotiatedSa(one, sa, direction, ends, cpiSalt));
  return chain;
}

interface Ends {
  readonly source: Address;
  readonly destination: Address;
}

function negotiatedSa(one: NegotiatedSa, sa: IpsecSa, direction: "in" | "out", ends: Ends, cpiSalt: number): NewSa {
  const spi = direction === "in" ? one.inboundSpi : one.outboundSpi;
  const { suite } = one;
  if (suite.protocol === "ipcomp") {
    const number = spi < LOWEST_SPI ? (cpiSalt << 16 | spi) >>> 0 : spi;
    return newSa(SA_PROTOCOLS.comp, number, ends, { encrypt: COMP_DEFLATE });
  }
  const { cipher, auth } = direction === "in" ? one.inboundKeys : one.outboundKeys;
  const bytes = (key: Secret | undefined) => key?.reveal();
  const isEsp = suite.protocol === "esp";
  const { encapsulation } = sa;
  return newSa(isEsp ? SA_PROTOCOLS.esp : SA_PROTOCOLS.ah, spi, ends, {
    auth: suite.auth ? AUTHENTICATORS[suite.auth].pfkey : 0,
    encrypt: suite.cipher ? CIPHERS[suite.cipher].pfkey : 0,
    authKey: bytes(auth),
    encryptionKey: bytes(cipher),
    replayWindow: REPLAY_WINDOW,
    soft: {
      packets: SOFT_PACKETS[direction],
      ...(suite.cipher === "3des" && direction === "out" && { bytes: SOFT_BYTES_OF_3DES }),
    },
    hard: { addtime: sa.lifetimeSeconds + GRACE_SECONDS },
    udp: isEsp && encapsulation
      ? { sport: encapsulation.localPort, dport: encapsulation.remotePort, originalAddress: undefined }
      : undefined,
  });
}

function newSa(protocol: number, spi: number, { source, destination }: Ends, more: Partial<NewSa>): NewSa {
  return {
    id: { protocol, spi, destination },
    source,
    auth: 0,
    encrypt: 0,
    authKey: undefined,
    encryptionKey: undefined,
    replayWindow: 0,
    esn: false,
    soft: {},
    hard: {},
    udp: undefined,
    ...more,
  };
}
