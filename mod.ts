/**
 * oneswan as a library: the parts of an IPsec implementation that need neither root nor a network. Text forms of
 * FreeS/WAN, packets as bytes, algorithms behind one interface, and PF_KEYv2 messages.
 *
 * @module
 */
export * from "./lib/text/result.ts";
export * from "./lib/text/address.ts";
export * from "./lib/text/mask.ts";
export * from "./lib/text/subnet.ts";
export * from "./lib/text/range.ts";
export * from "./lib/text/sa_id.ts";
export * from "./lib/text/data.ts";
export * from "./lib/text/key_id.ts";
export * from "./lib/text/number.ts";
export * from "./lib/text/c_number.ts";
export * from "./lib/text/protocol_port.ts";
export * from "./lib/text/option_file.ts";
export * from "./lib/text/sanitize.ts";
export * from "./lib/packet/memory.ts";
export * from "./lib/packet/replay_window.ts";
export * from "./lib/packet/checksum.ts";
export * from "./lib/packet/ip_header.ts";
export { Segmenter } from "./lib/packet/tcp_segments.ts";
export * from "./lib/crypto/algorithms.ts";
export * from "./lib/crypto/provider.ts";
export { nobleProvider } from "./lib/crypto/noble_provider.ts";
export { runtimeProvider } from "./lib/crypto/runtime_provider.ts";
export { checkProvider } from "./lib/crypto/known_answers.ts";
export { Secret } from "./lib/crypto/secret.ts";
export { decodeMessage, encodeMessage } from "./lib/pfkey/codec.ts";
export { messageName, MESSAGES, satypeName, SATYPES } from "./lib/pfkey/constants.ts";
export type * from "./lib/pfkey/message.ts";
export { PfkeyClient, PfkeyError } from "./lib/pfkey/client.ts";
