/**
 * Whole ESP packets of the specifications.
 *
 * Of draft-mcgrew-gcm-test-01 all AES-GCM cases of section 4 are here but the one with a key of 192 bits. The packets of
 * RFC 3602 have no ICV.
 */
import type { CipherName } from "../../lib/crypto/algorithms.ts";

export interface EspVector {
  readonly from: string;
  readonly cipher: CipherName;
  readonly mode: "transport" | "tunnel";
  /** With the salt of an AEAD at its end. */
  readonly key: string;
  /** Upper half of an extended sequence number; undefined without. */
  readonly high?: number;
  /** SPI, sequence number, IV, what is encrypted, ICV of an AEAD. */
  readonly esp: string;
  /** What ESP carries: in tunnel mode an IP packet, in transport mode (as their trailers say) ICMP. */
  readonly payload: string;
}

export const ESP_VECTORS: readonly EspVector[] = [
  {
    from: "RFC 3602 §4 case 5",
    cipher: "aes128",
    mode: "transport",
    key: "90d382b410eeba7ad938c46cec1a82bf",
    esp: "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e194e120849a4870b66cc6b9965" +
      "330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d59" +
      "13ac19b7cfbad4a6",
    payload: "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627" +
      "28292a2b2c2d2e2f3031323334353637",
  },
  {
    from: "RFC 3602 §4 case 6",
    cipher: "aes128",
    mode: "transport",
    key: "90d382b410eeba7ad938c46cec1a82bf",
    esp: "000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4488987ce742e8109689bb379d2d750c0" +
      "d915dca346a89f75",
    payload: "0800b5e8a80a0500a69c083d0b660e00777777777777777777777777",
  },
  {
    from: "RFC 3602 §4 case 7",
    cipher: "aes128",
    mode: "tunnel",
    key: "0123456789abcdef0123456789abcdef",
    esp: "0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a9301" +
      "3c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2" +
      "201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d",
    payload: "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f10111213" +
      "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
  },
  {
    from: "RFC 3602 §4 case 8",
    cipher: "aes128",
    mode: "tunnel",
    key: "0123456789abcdef0123456789abcdef",
    esp: "000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc00f7048fe45318e11f8a0f62" +
      "ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc" +
      "6d17a0decbb13892",
    payload: "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffffffffffffffff" +
      "ffffffffffffffffffffffffffffffffffffffff",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 00004321, payload of 68 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "4c80cdefbb5d10da906ac73c3613a6342e443b68",
    high: 0x87654321,
    esp: "00004321000000004956ed7e3b244cfefecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34" +
      "cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732459018148f6cbe72" +
      "2fd04796562dfdb4",
    payload: "45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700373" +
      "69700963796265726369747902646b0000210001",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 0000a5f8, payload of 62 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "feffe9928665731c6d6a8f9467308308cafebabe",
    esp: "0000a5f80000000afacedbaddecaf888deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c" +
      "3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd183b70d3aa8bc6ee4c309e9d85a41ad4a",
    payload: "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000000000000373697009637962" +
      "65726369747902646b0000010001",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 4a2cbfe3, payload of 48 bytes",
    cipher: "aes256gcm16",
    mode: "transport",
    key: "abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344",
    esp: "4a2cbfe3000000020102030405060708ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763" +
      "748a637985771d347f0545659f14e99def842d8eb335f4eecfdbf831824b4c4915956c96",
    payload: "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 00000000, payload of 60 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "0000000000000000000000000000000000000000",
    esp: "000000000000000100000000000000004688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284" +
      "456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3f821d496eeb096e98ad2b69e4799c71d",
    payload: "4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768696a6b6c6d6e6f7071727374" +
      "757677616263646566676869",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 42f67e3f, payload of 60 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "3de09874b388e6491988d0c3607eae1f57690e43",
    high: 0x10101010,
    esp: "42f67e3f101010104e280000a2fca1a3fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c357917" +
      "65acbd8701ad79845bf9fe3fba487bc91755e6662b4c8d0d1f5e22739530320ae0d731cc978ecafaeae88f00e80d6e48",
    payload: "4500003c99c300008001cb7c40679318010101010800085c020043006162636465666768696a6b6c6d6e6f7071727374" +
      "757677616263646566676869",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 42f67e3f, payload of 24 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "3de09874b388e6491988d0c3607eae1f57690e43",
    high: 0x10101010,
    esp: "42f67e3f101010104e280000a2fca1a3fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed369f071f" +
      "35e034be95f112e4e7d05d35",
    payload: "4500001c42a200008001441f406793b6e00000020a00f5ff",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 00000100, payload of 73 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "abbccddef00112233445566778899aabdecaf888",
    high: 0x00000000,
    esp: "0000010000000001cafedebaceface7418a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f" +
      "9190feebaf2cb01984e65863965d7472b79da345e0e780191f0d2f0e0f496c226f2127b27db35724e7845d68651f57e6" +
      "5f354f75ff17015769623436",
    payload: "4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20001e8c18d75b81dc91baa047" +
      "6b91b924b280389d92c963bac046ec959b6266c04722b14923",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 17405e67, payload of 38 bytes",
    cipher: "aes256gcm16",
    mode: "transport",
    key: "abbccddef00112233445566778899aababbccddef00112233445566778899aab73616c74",
    high: 0x156f3126,
    esp: "17405e67dd0db99b616e640169766563f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57f" +
      "f4d3a31ce673119e451626c2415771e3b7eebca614c89b35",
    payload: "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d54",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 42f67e3f, payload of 73 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "3de09874b388e6491988d0c3607eae1f57690e43",
    high: 0x10101010,
    esp: "42f67e3f101010104e280000a2fca1a3fba2cad12fc1f9f00d3cebf305410db83d7784b607323d220f24b0a97d541828" +
      "00cadb0f68d99ef0e0c0c89ae9bea8884e52d65bc1afd0740f742444747b5b39ab533163aad4550ee5160975cdb608c5" +
      "769189609763b8e18caa81e2",
    payload: "45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b000001e0001e8c18d65759d52284a035" +
      "2c71475c8880391c764d6e5ee0496b325ae270c03899493915",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 17405e67, payload of 68 bytes",
    cipher: "aes256gcm16",
    mode: "transport",
    key: "abbccddef00112233445566778899aababbccddef00112233445566778899aab73616c74",
    high: 0x156f3126,
    esp: "17405e67dd0db99b616e640169766563d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18" +
      "d0a6df10e5487df074113e14c641024e3e6773d91a62ee429b043a10e3efe6b012a49363412364f8c0cac587f249e56b" +
      "11e24f30e44ccc76",
    payload: "636973636f0172756c657301746865016e6574776501646566696e6501746865746563686e6f6c6f6769657301746861" +
      "7477696c6c01646566696e65746f6d6f72726f77",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 335467ae, payload of 0 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "7d773d00c144c525ac619d18c84a3f47d9664267",
    esp: "335467aeffffffff43457e9182443bc6437f866bcb3f699fe9b0822bac961c4504bef270",
    payload: "",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 00000100, payload of 18 bytes",
    cipher: "aes128gcm16",
    mode: "transport",
    key: "abbccddef00112233445566778899aabdecaf888",
    high: 0x00000000,
    esp: "0000010000000001cafedebaceface7429c9fc69a197d038ccdd14e2ddfcaa0543332164412503524303ed3c6c5f2838" +
      "43af8c3e",
    payload: "746f016265016f72016e6f7401746f016265",
  },
  {
    from: "draft-mcgrew-gcm-test-01 §4, SPI 796b6963, payload of 48 bytes",
    cipher: "aes256gcm16",
    mode: "transport",
    key: "6c6567616c697a656d6172696a75616e61616e64646f69746265666f726569617475726e",
    high: 0xffffffff,
    esp: "796b6963ffffffff333021696765746df97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a86" +
      "4cd3d78ca4ae68a32b42458fb57dbe821dcc63b9d0937ba2945f669368661a329fb4c053",
    payload: "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374",
  },
  {
    from: "RFC 7634 appendix A",
    cipher: "chacha20poly1305",
    mode: "tunnel",
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
    esp: "0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6" +
      "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da" +
      "9165b82829f641e076aaa8266b7fb0f7b11b369907e1ad43",
    payload: "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111213" +
      "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
  },
];
