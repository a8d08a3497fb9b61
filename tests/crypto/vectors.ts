/** Published vectors beyond those of lib/crypto/known_answers.ts; hexadecimal, the text of an AEAD ends with its tag. */
import type { AeadName, AuthName, CbcName } from "../../lib/crypto/algorithms.ts";
import type { AeadAnswer, CbcAnswer, MacAnswer } from "../../lib/crypto/known_answers.ts";

const text = (ascii: string) => new TextEncoder().encode(ascii).toHex();
const counting = (first: number, count: number) => Uint8Array.from({ length: count }, (_, i) => first + i).toHex();

export const CBC_VECTORS: readonly (CbcAnswer & { cipher: CbcName; from: string })[] = [
  {
    cipher: "aes128",
    from: "RFC 3602 §4 case 1",
    key: "06a9214036b8a15b512e03d534120006",
    iv: "3dafba429d9eb430b422da802c9fac41",
    plain: text("Single block msg"),
    sealed: "e353779c1079aeb82708942dbe77181a",
  },
  {
    cipher: "aes128",
    from: "RFC 3602 §4 case 3",
    key: "6c3ea0477630ce21a2ce334aa746c2cd",
    iv: "c782dc4c098c66cbd9cd27d825682c81",
    plain: text("This is a 48-byte message (exactly 3 AES blocks)"),
    sealed: "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216bad525c8579695d83ba2684",
  },
  {
    cipher: "aes128",
    from: "RFC 3602 §4 case 4",
    key: "56e47a38c5598974bc46903dba290349",
    iv: "8ce82eefbea0da3c44699ed7db51b7d9",
    plain: counting(0xa0, 64),
    sealed: "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e" +
      "35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55",
  },
  {
    cipher: "3des",
    from: "NIST CAVP TCBCMMT3 encryption 0",
    key: "b5cb1504802326c73df186e3e352a20de643b0d63ee30e37",
    iv: "43f791134c5647ba",
    plain: "dcc153cef81d6f24",
    sealed: "92538bd8af18d3ba",
  },
  {
    cipher: "3des",
    from: "NIST CAVP TCBCMMT3 encryption 4",
    key: "ef6d3e54266d978ffb0b8ce6689d803e2cd34cc802fd0252",
    iv: "38bae5bce06d0ad9",
    plain: "c4f228b537223cd01c0debb5d9d4e12ba71656618d119b2f8f0af29d23efa3a9e43c4c458a1b79a0",
    sealed: "9e3289fb18379f55aa4e45a7e0e6df160b33b75f8627ad0954f8fdcb78cee55a4664caeda1000fe5",
  },
  {
    cipher: "3des",
    from: "NIST CAVP TCBCMMT3 decryption 3",
    key: "86838c6815c25b975bdc10f4b95145e649fdefdcf4754ab9",
    iv: "4b1992ad38b4d6dd",
    sealed: "cb78b6deaca11379094341f5c2cfb977bba8259482341f0a32323cae974e49a6",
    plain: "f5f94e406cec1b85e9a7c076b95456b6a439921591abbfc381d0bbf363ff5c04",
  },
  ...[
    ["5468652071756663", "a826fd8ce53b855f"],
    ["6b2062726f776e20", "cce21c8112256fe6"],
    ["666f78206a756d70", "68d5c05dd9b6b900"],
  ].map(([plain, sealed], block) => ({
    cipher: "3des" as const,
    from: `NIST SP 800-67 appendix B.1 block ${block + 1}`, // electronic code book: an IV of zeros
    key: "0123456789abcdef23456789abcdef01456789abcdef0123",
    iv: "0000000000000000",
    plain,
    sealed,
  })),
];

const GCM_NONCE = "cafebabefacedbaddecaf888";
const GCM_PLAIN = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";

export const AEAD_VECTORS: readonly (AeadAnswer & { cipher: AeadName; from: string })[] = [
  {
    cipher: "aes128gcm16",
    from: "GCM specification case 1: neither text nor additional data",
    key: "00".repeat(16),
    nonce: "00".repeat(12),
    aad: "",
    plain: "",
    sealed: "58e2fccefa7e3061367f1d57a4e7455a",
  },
  {
    cipher: "aes128gcm16",
    from: "GCM specification case 2",
    key: "00".repeat(16),
    nonce: "00".repeat(12),
    aad: "",
    plain: "00".repeat(16),
    sealed: "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
  },
  {
    cipher: "aes128gcm16",
    from: "GCM specification case 3",
    key: "feffe9928665731c6d6a8f9467308308",
    nonce: GCM_NONCE,
    aad: "",
    plain: GCM_PLAIN,
    sealed: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
      "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4",
  },
  {
    cipher: "aes256gcm16",
    from: "GCM specification case 13: neither text nor additional data",
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    aad: "",
    plain: "",
    sealed: "530f8afbc74536b9a963b4f1c4cb738b",
  },
  {
    cipher: "aes256gcm16",
    from: "GCM specification case 14",
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    aad: "",
    plain: "00".repeat(16),
    sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
  },
  {
    cipher: "chacha20poly1305",
    from: "RFC 8439 §2.8.2",
    key: counting(0x80, 32),
    nonce: "070000004041424344454647",
    aad: "50515253c0c1c2c3c4c5c6c7",
    plain: text(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    ),
    sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b" +
      "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
      "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
  },
];

/**
 * Those whose key has the length that the RFCs ask of ESP and AH; RFC 4231 has none such, RFC 4868 has its messages with
 * such keys.
 */
export const MAC_VECTORS: readonly (MacAnswer & { auth: AuthName; from: string })[] = [
  {
    auth: "md5-96",
    from: "RFC 2202 §2 case 3",
    key: "aa".repeat(16),
    data: "dd".repeat(50),
    icv: "56be34521d144c88dbb8c733",
  },
  {
    auth: "md5-96",
    from: "RFC 2202 §2 case 5: truncation",
    key: "0c".repeat(16),
    data: text("Test With Truncation"),
    icv: "56461ef2342edc00f9bab995",
  },
  {
    auth: "sha1-96",
    from: "RFC 2202 §3 case 3",
    key: "aa".repeat(20),
    data: "dd".repeat(50),
    icv: "125d7342b9ac11cd91a39af4",
  },
  {
    auth: "sha1-96",
    from: "RFC 2202 §3 case 5: truncation",
    key: "0c".repeat(20),
    data: text("Test With Truncation"),
    icv: "4c1a03424b55e07fe7f27be1",
  },
  {
    auth: "sha2_256-128",
    from: "RFC 4868 AUTH256-2",
    key: text("Jefe".repeat(8)),
    data: text("what do ya want for nothing?"),
    icv: "167f928588c5cc2eef8e3093caa0e87c",
  },
  {
    auth: "sha2_256-128",
    from: "RFC 4868 AUTH256-3",
    key: "aa".repeat(32),
    data: "dd".repeat(50),
    icv: "cdcb1220d1ecccea91e53aba3092f962",
  },
  {
    auth: "sha2_384-192",
    from: "RFC 4868 AUTH384-2",
    key: text("Jefe".repeat(12)),
    data: text("what do ya want for nothing?"),
    icv: "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184d",
  },
  {
    auth: "sha2_512-256",
    from: "RFC 4868 AUTH512-2",
    key: text("Jefe".repeat(16)),
    data: text("what do ya want for nothing?"),
    icv: "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454",
  },
];
