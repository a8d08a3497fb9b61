/** The addresses that this host has, and on which devices: read anew when a link changes, asked for each packet. */
import { type Address, parseAddress } from "../text/address.ts";

interface Row {
  readonly device: string;
  readonly address: Address;
  readonly linkLocal: boolean;
}

export class HostAddresses {
  #rows: Row[] = [];
  /** By the address's bytes, joined. */
  #devices = new Map<string, Set<string>>();

  read(interfaces: readonly { readonly name: string; readonly address: string }[] = Deno.networkInterfaces()): void {
    this.#rows = [];
    this.#devices = new Map();
    for (const { name, address: text } of interfaces) {
      const parsed = parseAddress(text.split("%")[0], 0);
      if (!parsed.ok) continue;
      const device = name.split(":")[0]; // an alias is its device
      this.#rows.push({ device, address: parsed.value, linkLocal: isLinkLocal(parsed.value) });
      const key = parsed.value.bytes.join();
      this.#devices.set(key, (this.#devices.get(key) ?? new Set()).add(device));
    }
  }

  has(bytes: Uint8Array): boolean {
    return this.#devices.has(bytes.join());
  }

  isOn(bytes: Uint8Array, device: string): boolean {
    return this.#devices.get(bytes.join())?.has(device) ?? false;
  }

  /** An address of the device by which others can reach the host; undefined where it has none of that family. */
  of(device: string, addressBytes: 4 | 16): Address | undefined {
    const row = this.#rows.find(({ device: on, address, linkLocal }) =>
      on === device && !linkLocal && address.bytes.length === addressBytes
    );
    return row?.address;
  }
}

/** fe80::/10 (RFC 4291 §2.5.6). */
function isLinkLocal({ bytes }: Address): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80;
}
