/** The commands that key the demonstration's tunnel, as a user types them, and the keys that stand for the variables. */
import { ADDRESS, type FourHosts, type Host } from "./_net.ts";
import type { Screen } from "./_screen.ts";

const AT = ADDRESS.inet;
/** AES-128-GCM: 128 bits of key and 32 of salt (RFC 4106 §8.1). */
const KEY_BITS = 160;
const IN_UDP = " --natt espinudp --sport 4500 --dport 4500";

interface Direction {
  /** Name of the variable that holds the key. */
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly fromNet: string;
  readonly toNet: string;
}

const EASTWARD: Direction = { key: "EASTWARD", from: AT.west, to: AT.east, fromNet: AT.westNet, toNet: AT.eastNet };
const WESTWARD: Direction = { key: "WESTWARD", from: AT.east, to: AT.west, fromNet: AT.eastNet, toNet: AT.westNet };

/** The Security Associations of one direction: both gateways are told the same. */
function saCommands({ key, from, to }: Direction, spi: number, natt: string): string[] {
  const id = (protocol: string) => `${protocol}0x${spi.toString(16)}@${to}`;
  return [
    `ipsec spi --said ${id("tun")} --ip4 --src ${from} --dst ${to}`,
    `ipsec spi --said ${id("esp")} --src ${from} --esp aes128gcm16 --enckey $${key} --replay_window 64${natt}`,
    `ipsec spigrp --said ${id("tun")} ${id("esp")}`,
  ];
}

function erouteCommand(how: string, { to, fromNet, toNet }: Direction, spi: number): string {
  return `ipsec eroute ${how} --eraf inet --src ${fromNet} --dst ${toNet} --said tun0x${spi.toString(16)}@${to}`;
}

/** All commands of one gateway. */
function gatewayCommands(out: Direction, back: Direction, outSpi: number, backSpi: number, natt: string): string[] {
  return [
    ...saCommands(out, outSpi, natt),
    ...saCommands(back, backSpi, natt),
    erouteCommand("--replace", out, outSpi),
    erouteCommand("--addin", back, backSpi),
  ];
}

export class DemoKeys {
  readonly #keys = new Map<string, string>();

  constructor(readonly four: FourHosts, readonly screen: Screen) {}

  /** Runs a command line of a host: `ipsec ...` or `ip ...`. */
  async run(host: Host, command: string): Promise<string> {
    const words = command.split(" ").map((word) => word.startsWith("$") ? this.#keys.get(word.slice(1))! : word);
    return words[0] === "ipsec" ? await host.ipsec(words.slice(1)) : await host.ip(words.slice(1).join(" "));
  }

  async show(host: Host, command: string): Promise<string> {
    this.screen.command(host.name, command);
    return await this.run(host, command);
  }

  /** New keys, which neither gateway has used before. */
  async makeKeys(shown: boolean): Promise<void> {
    for (const { key } of [EASTWARD, WESTWARD]) {
      const command = `ipsec ranbits ${KEY_BITS}`;
      if (shown) this.screen.command(this.four.west.name, `${key}=$(${command})`);
      this.#keys.set(key, (await this.run(this.four.west, command)).trim());
    }
  }

  /** Keys both gateways with raw ESP, showing west's commands in full and where east's differ. */
  async key(): Promise<void> {
    const { west, east } = this.four;
    const [out, back] = [0x1000, 0x1001];
    for (const command of gatewayCommands(EASTWARD, WESTWARD, out, back, "")) await this.show(west, command);
    await this.show(west, `ip route add ${AT.eastNet} dev ipsec0`);
    this.screen.say("(east gets the same six SA commands, and its eroutes the other way round)");
    for (const command of gatewayCommands(WESTWARD, EASTWARD, back, out, "")) {
      if (command.startsWith("ipsec eroute")) await this.show(east, command);
      else await this.run(east, command);
    }
    await this.show(east, `ip route add ${AT.westNet} dev ipsec0`);
  }

  /** Keys both gateways anew, with ESP in UDP; the old SAs stay and are no longer used. */
  async keyInUdp(): Promise<void> {
    const { west, east } = this.four;
    const [out, back] = [0x2000, 0x2001];
    await this.makeKeys(false);
    // the receiver's SAs come first: nothing of the traffic is lost
    for (const command of gatewayCommands(WESTWARD, EASTWARD, back, out, IN_UDP)) await this.run(east, command);
    for (const command of gatewayCommands(EASTWARD, WESTWARD, out, back, IN_UDP)) await this.run(west, command);
  }
}
