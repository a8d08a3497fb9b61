/** The demonstration's traffic from sunset to sunrise: by ping(8) and iperf3(1) where they are, else by our own program. */
import { ADDRESS, attempt, type FourHosts, type Ran, until } from "./_net.ts";
import { READY, trafficCommand } from "./_traffic.ts";

const { sunrise: TARGET } = ADDRESS.inet;
const ECHO_PORT = 7007;
const TRANSFER_PORT = 5201;
/** What a transfer may take longer than it measures before it has failed. */
const PATIENCE_SECONDS = 10;

async function answers(words: string[], wanted: RegExp): Promise<boolean> {
  try {
    const { stdout, stderr } = await attempt(words);
    return wanted.test(stdout + stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export class DemoTraffic {
  #echo = false;

  private constructor(readonly four: FourHosts, readonly hasPing: boolean, readonly hasIperf: boolean) {}

  static async with(four: FourHosts): Promise<DemoTraffic> {
    // other pings have no --pattern
    return new DemoTraffic(
      four,
      await answers(["ping", "-V"], /iputils/),
      await answers(["iperf3", "--version"], /^iperf 3/),
    );
  }

  /**
   * Sends `text` to sunrise, which is to send it back: three times, or once where no answer is expected.
   *
   * @returns the command as it is typed, and what came of it
   */
  async ping(text: string, { once = false } = {}): Promise<Ran & { readonly command: string }> {
    const { sunset } = this.four;
    if (!this.hasPing) {
      await this.#startEcho();
      const ran = await sunset.attempt(trafficCommand("ask", TARGET, `${ECHO_PORT}`, text));
      return { ...ran, command: `(our own ping, three UDP datagrams, because ping is not installed) ${TARGET}` };
    }
    const hex = new TextEncoder().encode(text).toHex();
    const words = once ? ["-c", "1", "-W", "1"] : ["-c", "3", "-i", "0.2", "-p", hex];
    const command = ["ping", "-n", ...words, TARGET];
    return { ...await sunset.attempt(command), command: command.join(" ") };
  }

  /** Sends many small packets to sunrise, 100 a second, and counts those that come back. */
  async stream(count: number): Promise<{ readonly sent: number; readonly answered: number }> {
    const { sunset } = this.four;
    if (!this.hasPing) await this.#startEcho();
    const { stdout } = await sunset.attempt(
      this.hasPing
        ? ["ping", "-n", "-q", "-i", "0.01", "-c", `${count}`, "-W", "2", TARGET]
        : trafficCommand("stream", TARGET, `${ECHO_PORT}`, `${count}`),
    );
    const [, sent, answered] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? ["", "0", "0"];
    return { sent: Number(sent), answered: Number(answered) };
  }

  async #startEcho(): Promise<void> {
    if (this.#echo) return;
    const daemon = this.four.sunrise.start(trafficCommand("echo", TARGET, `${ECHO_PORT}`));
    await until("sunrise answers datagrams", () => daemon.output.includes(READY));
    this.#echo = true;
  }

  /** Fills one TCP connection from sunset to sunrise. @returns bits per second */
  async transfer(seconds: number): Promise<number> {
    const limit = ["timeout", `${seconds + PATIENCE_SECONDS}`];
    return this.hasIperf ? await this.#iperf(seconds, limit) : await this.#ownTransfer(seconds, limit);
  }

  async #iperf(seconds: number, limit: readonly string[]): Promise<number> {
    const { sunset, sunrise } = this.four;
    const server = sunrise.start(["iperf3", "-s", "-1", "--forceflush"]);
    await until("iperf3 listens in sunrise", () => server.output.includes("listening"));
    const report = await sunset.run([...limit, "iperf3", "-J", "-c", TARGET, "-t", `${seconds}`]);
    await server.stop();
    return JSON.parse(report).end.sum_received.bits_per_second;
  }

  async #ownTransfer(seconds: number, limit: readonly string[]): Promise<number> {
    const { sunset, sunrise } = this.four;
    const server = sunrise.start(trafficCommand("sink", TARGET, `${TRANSFER_PORT}`));
    await until("somebody listens in sunrise", () => server.output.includes(READY));
    await sunset.run([...limit, ...trafficCommand("source", TARGET, `${TRANSFER_PORT}`, `${seconds}`)]);
    const { bytes, seconds: taken } = JSON.parse((await server.end()).split("\n")[1]);
    return bytes * 8 / taken;
  }
}
