/** `ipsec klips --status`. */
import { PfkeyClient } from "../lib/pfkey/client.ts";
import type { Io } from "./_command.ts";
import { type KlipsPaths, runningPid } from "./_klips_instance.ts";
import type { KlipsOptions } from "./_klips_options.ts";

export async function status(options: KlipsOptions, at: KlipsPaths, io: Io): Promise<number> {
  const pid = await runningPid(at);
  if (pid === undefined) {
    if (options.json) io.stdout(`${JSON.stringify({ running: false })}\n`);
    else io.stdout("KLIPS is not running\n");
    return 3; // as LSB says of a service that is not running
  }
  const client = await PfkeyClient.connect(at.socket);
  try {
    const read = async (path: string) => JSON.parse(await client.readProc(path));
    const interfaces = await read("stats/interfaces.json");
    const version = (await client.readProc("version")).trim();
    const count = async (path: string) => (await read(path)).length as number;
    const facts = {
      running: true,
      pid,
      version,
      eroutes: await count("eroute/all.json"),
      sas: await count("spi/all.json"),
      interfaces,
    };
    if (options.json) io.stdout(`${JSON.stringify(facts)}\n`);
    else {
      io.stdout(`KLIPS is running (process ${pid})\n${version}\n${facts.eroutes} eroutes, ${facts.sas} SAs\n`);
      io.stdout(await client.readProc("stats/interfaces"));
    }
    return 0;
  } finally {
    client.close();
  }
}
