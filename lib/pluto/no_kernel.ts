/** `--noklips`: negotiations without a packet engine, for tests of IKE alone. Nothing is installed, and all succeeds. */
import type { InstalledSa, Kernel } from "./kernel.ts";
import type { KernelInterface } from "./orientation.ts";

/** @param interfaces of the host; each is its own virtual one */
export function noKernel(interfaces: () => Promise<readonly KernelInterface[]>): Kernel {
  const nothing = () => Promise.resolve();
  const installed = (): Promise<InstalledSa> => Promise.resolve({});
  return {
    canCompress: true,
    interfaces,
    installInbound: installed,
    installOutbound: installed,
    remove: nothing,
    addEroute: nothing,
    addShunt: nothing,
    deleteEroute: nothing,
    eroutes: () => Promise.resolve([]),
    idleInbound: () => Promise.resolve(undefined),
    orphans: () => [],
    releaseOrphans: () => Promise.resolve([]),
    moveEncapsulation: nothing,
    close: () => {},
  };
}
