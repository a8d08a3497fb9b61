/** Does the steps of {@linkcode SetupStep}, each shown before and, where stop must undo it, written down first. */
import { ERRNO, SystemError } from "../ffi/libc.ts";
import { type AddressSpec, Rtnetlink } from "../ffi/rtnetlink.ts";
import { parseNumericAddress } from "../text/address.ts";
import type { KlipsProcess } from "./klips_process.ts";
import type { SetupDeps } from "./setup_deps.ts";
import { type SetupStep, shellOf } from "./setup_steps.ts";
import { setSysctl } from "./sysctl_files.ts";

export class SetupChanges {
  readonly #klips: KlipsProcess;
  readonly #deps: Pick<SetupDeps, "show" | "say" | "ipsec" | "record">;

  constructor(klips: KlipsProcess, deps: Pick<SetupDeps, "show" | "say" | "ipsec" | "record">) {
    this.#klips = klips;
    this.#deps = deps;
  }

  async all(steps: readonly SetupStep[]): Promise<void> {
    for (const step of steps) await this.one(step);
  }

  async one(step: SetupStep): Promise<void> {
    const { show, say, record } = this.#deps;
    show(shellOf(step));
    switch (step.do) {
      case "attach":
      case "detach":
        return await this.#klips.ask((client) =>
          client.tunnel(step.do, step.virtual, step.do === "attach" ? step.physical : "")
        );
      case "flag":
        return await this.#klips.ask((client) => client.writeProc(`sys/net/ipsec/${step.name}`, step.value));
      case "addAddress":
      case "deleteAddress":
      case "up":
      case "down":
        return changeLink(step);
      case "sysctl": {
        const complaint = setSysctl(step.name, step.value, record);
        if (complaint) say(complaint);
        return;
      }
      case "ipsec": {
        const { lines } = await this.#deps.ipsec(step.words);
        for (const line of lines) say(line);
      }
    }
  }
}

function changeLink(step: Extract<SetupStep, { readonly virtual: string }>): void {
  using netlink = new Rtnetlink();
  try {
    switch (step.do) {
      case "addAddress":
        return netlink.addAddress(addressSpec(step.virtual, step.address));
      case "deleteAddress":
        return netlink.deleteAddress(addressSpec(step.virtual, step.address));
      case "up":
        return netlink.setLink(step.virtual, { up: true, ...(step.mtu !== undefined && { mtu: step.mtu }) });
      case "down":
        return netlink.setLink(step.virtual, { up: false });
    }
  } catch (error) {
    const fine = step.do === "addAddress" ? [ERRNO.EEXIST] : [EADDRNOTAVAIL, ERRNO.ENODEV]; // what is wanted is so
    if (step.do === "up" || !(error instanceof SystemError && fine.includes(error.errno as number))) throw error;
  }
}

const EADDRNOTAVAIL = 99;

function addressSpec(device: string, text: string): AddressSpec {
  const [literal, bits] = text.split("/");
  const parsed = parseNumericAddress(literal, 0);
  if (!parsed.ok) throw new TypeError(`${text}: ${parsed.error}`);
  return { device, address: parsed.value, bits: Number(bits), noPrefixRoute: true, noDad: true };
}
