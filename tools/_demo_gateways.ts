/** The demonstration's gateways: their files, and the commands that are typed on them. */
import { ADDRESS, type FourHosts, type Host } from "./_net.ts";
import type { Screen } from "./_screen.ts";

const AT = ADDRESS.inet;
const SECRET_BITS = 256;
export const CONN = "office";

/** What one writes: both gateways get the same file, and each finds out which side it is. */
function configuration(more: readonly string[]): string {
  return [
    "version 2",
    "",
    "config setup",
    '    interfaces="ipsec0=eth0"',
    "    forwardcontrol=yes",
    "",
    `conn ${CONN}`,
    `    left=${AT.west}`,
    `    leftsubnet=${AT.westNet}`,
    `    right=${AT.east}`,
    `    rightsubnet=${AT.eastNet}`,
    "    authby=secret",
    ...more.map((line) => `    ${line}`),
    "    auto=route",
    "",
  ].join("\n");
}

/** Something that should have been seen was not; the sentence says what. */
export class NotSeen extends Error {}

export class DemoGateways {
  constructor(readonly four: FourHosts, readonly screen: Screen) {}

  get #both(): Host[] {
    return [this.four.west, this.four.east];
  }

  /** Writes ipsec.conf of both. @param more lines of the connection @returns its text */
  configure(...more: string[]): string {
    const text = configuration(more);
    for (const { env } of this.#both) {
      Deno.mkdirSync(env.IPSEC_CONFS, { recursive: true });
      Deno.writeTextFileSync(`${env.IPSEC_CONFS}/ipsec.conf`, text);
    }
    return text;
  }

  /** Makes a secret for both, which is not shown. */
  async shareSecret(): Promise<void> {
    const make = `ipsec ranbits ${SECRET_BITS}`;
    this.screen.command("west", `echo "${AT.west} ${AT.east} : PSK $(${make})" >/etc/ipsec.secrets`);
    const line = `${AT.west} ${AT.east} : PSK ${(await this.#run(this.four.west, make)).trim()}\n`;
    for (const { env } of this.#both) Deno.writeTextFileSync(`${env.IPSEC_CONFS}/ipsec.secrets`, line, { mode: 0o600 });
  }

  /** Types an `ipsec` command on a gateway. @returns what it answered */
  async type(host: Host, command: string): Promise<string> {
    this.screen.command(host.name, command);
    return await this.#run(host, command);
  }

  async typeOnBoth(command: string): Promise<void> {
    for (const host of this.#both) await this.type(host, command);
  }

  /** Lets pluto negotiate. @returns the SPI that west sends with, as it stands in the last line */
  async bringUp(): Promise<string> {
    const transcript = await this.type(this.four.west, `ipsec auto --up ${CONN}`);
    this.screen.output(transcript);
    const spi = /^004 .* IPsec SA established .*=>(0x[0-9a-f]+)/m.exec(transcript)?.[1];
    if (!spi) throw new NotSeen("The connection did not come up.");
    return spi;
  }

  async #run(host: Host, command: string): Promise<string> {
    return await host.ipsec(command.split(" ").slice(1));
  }
}
