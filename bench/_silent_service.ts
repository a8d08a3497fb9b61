/** The PF_KEY service of KLIPS over its databases, without socket and devices. */
import type { Provider } from "../lib/crypto/provider.ts";
import { ErouteTable } from "../lib/klips/eroute_table.ts";
import type { Client } from "../lib/klips/pfkey_request.ts";
import { PfkeyService } from "../lib/klips/pfkey_service.ts";
import { Sad } from "../lib/klips/sad.ts";
import { Sysctls } from "../lib/klips/sysctl.ts";
import { PacketMemory } from "../lib/packet/memory.ts";
import { encodeMessage } from "../lib/pfkey/codec.ts";
import type { PfkeyRequest } from "../lib/pfkey/client.ts";
import type { Address } from "../lib/text/address.ts";

export class SilentService {
  readonly sad = new Sad();
  readonly memory = new PacketMemory(1 << 16);
  readonly #service: PfkeyService;
  readonly #client: Client;
  #sequence = 0;
  #errno = 0;

  constructor(own: Address, provider: Provider) {
    this.#client = { id: 1, pid: 0, registered: new Set(), send: (bytes) => this.#errno ||= bytes[2] };
    this.#service = new PfkeyService({
      sad: this.sad,
      eroutes: new ErouteTable(),
      sysctls: new Sysctls(),
      provider,
      memory: this.memory,
      version: "bench",
      now: () => performance.now() / 1000,
      random: (bytes) => void crypto.getRandomValues(bytes),
      isLocal: ({ bytes }) => bytes.every((byte, i) => byte === own.bytes[i]),
      resend: () => {},
      tunnel: () => 0,
      devices: () => [],
      peers: () => [this.#client],
      log: () => {},
      onInstall: () => {},
    });
  }

  ask(request: PfkeyRequest): void {
    const { type, satype = 0, extensions } = request;
    const seq = ++this.#sequence;
    this.#service.handle(this.#client, encodeMessage({ type, errno: 0, satype, seq, pid: 1, extensions }));
    if (this.#errno) throw new Error(`KLIPS refused request ${seq} with error ${this.#errno}`);
  }
}
