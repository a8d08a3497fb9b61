import { TOOL_FILES, TOOL_OPTIONS } from "./_klips_tool_manual.ts";

/** Manual page body of `ipsec spi`. */
export const SPI_MANUAL = `## DESCRIPTION

\`ipsec spi\` makes and deletes Security Associations by hand. An SA is named by its protocol, its Security Parameter Index
and its destination address. Without options the SAs are listed, one a line, with direction, algorithms, counters and
lifetimes.

Connections that IKE keys need none of this; it serves tests, fixed keys, and a look at what the key daemon has set up.

## OPTIONS

What to do, exactly one of:

- \`--esp ALGORITHM\`: an ESP SA. See ALGORITHMS.
- \`--ah ALGORITHM\`: an AH SA.
- \`--comp deflate\`: an IPCOMP SA.
- \`--ip4\`, \`--ip6\`: a tunnel SA over IPv4 or IPv6, from \`--src\` to the SA's destination.
- \`--del\`: deletes an SA **with the whole chain it belongs to**.
- \`--clear\`: deletes all SAs.

Which SA:

- \`--said SAID\`: as \`esp0x1a2b@192.0.2.1\`.
- \`--af inet|inet6\`, \`--edst ADDRESS\`, \`--spi N\`, \`--proto ah|esp|tun|comp\`: in parts. \`--af\` comes before the addresses.
  SPIs below 0x100 are reserved.

How it is made:

- \`--src ADDRESS\`: where its packets come from; the outer source of a tunnel. An inbound SA takes packets from there only.
- \`--dst ADDRESS\`: read and not used: a tunnel ends at the SA's destination.
- \`--enckey KEY\`, \`--authkey KEY\`: \`0x\` and hexadecimal digits, \`0s\` and base64, or \`0t\` and characters as they are.
- \`--replay_window N\`: 1 to 64 packets; without it replays are not detected.
- \`--life LIST\`: limits such as \`soft-bytes=1000000,hard-addtime=3600\`: severity \`soft\` or \`hard\`, then \`allocations\`,
  \`bytes\`, \`addtime\` and \`usetime\` (seconds), or \`packets\`.
- \`--esn\`: extended (64-bit) sequence numbers, RFC 4303 section 2.2.1. Both ends need it.
- \`--natt espinudp|none\`: ESP in UDP (RFC 3948), from port \`--sport\` to port \`--dport\`, 4500 if not given. \`--natoa\` is the
  address that the peer has behind its NAT.
- \`--saref\`: prints the reference number of the SA.
- \`--listenreply\`: waits for the daemon's answer, and says so.
- \`--iv V\`: checked and not used: the engine makes its IVs.
${TOOL_OPTIONS}

## ALGORITHMS

| \`--esp\` | keys |
|---|---|
| \`aes128gcm16\`, \`aes256gcm16\` | \`--enckey\` of 160 or 288 bits: the key, then 4 bytes of salt |
| \`chacha20poly1305\` | \`--enckey\` of 288 bits: the key, then 4 bytes of salt |
| \`CIPHER-AUTHENTICATOR\` | \`--enckey\` and \`--authkey\` |

| CIPHER | bits of \`--enckey\` | AUTHENTICATOR | bits of \`--authkey\` |
|---|---|---|---|
| \`aes128\` | 128 | \`sha2_256-128\` | 256 |
| \`aes192\` | 192 | \`sha2_384-192\` | 384 |
| \`aes256\` | 256 | \`sha2_512-256\` | 512 |
| \`3des\` | 192 | \`sha1-96\` | 160 |
| | | \`md5-96\` | 128 |

\`--ah\` takes an authenticator, with or without \`hmac-\` before it. 3DES, MD5 and SHA-1 are there for old peers.

Refused: single DES, whose keys can be found by trial; null encryption; and ESP without an authenticator, because packets
could be altered unnoticed.

An AEAD must never use one key twice. Give each direction its own key, and new keys after each restart of the daemon.

## SECURITY

Arguments of a command can be read by every user of the machine while it runs. Put keys into a file that only root may read:

    # /etc/ipsec.d/west.keys
    --enckey 0x6fd2_...
    --authkey 0x91a0_...

and name it: \`ipsec spi --optionsfrom /etc/ipsec.d/west.keys --said ...\`. Messages never repeat a key.

## FILES

${TOOL_FILES}

## EXIT STATUS

0 on success; 1 on an error, and after \`--version\`; 255 after a wrong option, a malformed \`--life\` and \`--help\`; 2 where
\`--optionsfrom\` fails.

## EXAMPLES

A tunnel from 192.0.2.1 to 192.0.2.2, AES with SHA-2:

    ipsec spi --said tun0x200@192.0.2.2 --ip4 --src 192.0.2.1 --dst 192.0.2.2
    ipsec spi --said esp0x200@192.0.2.2 --esp aes128-sha2_256-128 --src 192.0.2.1 \\
        --replay_window 64 --optionsfrom /etc/ipsec.d/west.keys
    ipsec spigrp --said tun0x200@192.0.2.2 esp0x200@192.0.2.2

The same ESP SA to an IPv6 gateway:

    ipsec spi --af inet6 --edst 2001:db8::2 --spi 0x200 --proto esp --src 2001:db8::1 \\
        --esp aes256gcm16 --optionsfrom /etc/ipsec.d/west.keys

Delete the chain:

    ipsec spi --del --said tun0x200@192.0.2.2

## SEE ALSO

ipsec_eroute(8), ipsec_spigrp(8), ipsec_tncfg(8), ipsec_look(8)
`;
