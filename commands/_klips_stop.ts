/** `ipsec klips --stop`: ends the daemon, and removes what a killed one has left. */
import { SystemError } from "../lib/ffi/libc.ts";
import { interfaceIndex } from "../lib/ffi/tun.ts";
import { wasStartedWith } from "../lib/system/process_words.ts";
import { removeStaleDevice } from "../lib/system/virtual_device.ts";
import { VIRTUAL_NAMES } from "../lib/system/virtual_interfaces.ts";
import type { Io } from "./_command.ts";
import { claim, type KlipsPaths, makeDirectory, runningPid, until } from "./_klips_instance.ts";
import { PROG } from "./_klips_options.ts";

export async function stop(at: KlipsPaths, io: Io): Promise<number> {
  const pid = await runningPid(at);
  if (!pid) {
    io.stderr(`${PROG}: KLIPS is not running\n`);
    await removeLeft(at, io);
    return 0;
  }
  if (!wasStartedWith(pid, "klips")) {
    io.stderr(`${PROG}: process ${pid} is another one here: KLIPS runs in another pid namespace; stop it there\n`);
    return 1;
  }
  Deno.kill(pid, "SIGTERM");
  if (await until(() => !alive(pid))) return 0;
  io.stderr(`${PROG}: process ${pid} does not end\n`);
  return 1;
}

/** What a killed daemon has left, where none is starting just now. */
async function removeLeft(at: KlipsPaths, io: Io): Promise<void> {
  const left = VIRTUAL_NAMES.filter((name) => interfaceIndex(name) !== 0);
  const files = [at.pid, at.socket, at.ikeSocket].filter(exists);
  if (!left.length && !files.length) return;
  makeDirectory(at);
  using held = await claim(at);
  if (!held) return;
  for (const name of left) {
    try {
      removeStaleDevice(name);
    } catch (error) {
      if (error instanceof SystemError) continue; // another program has it
      throw error;
    }
    io.stderr(`${PROG}: ${name}, left by a daemon that did not end properly, removed with its routes\n`);
  }
  for (const path of files) Deno.removeSync(path);
}

/** A zombie has ended: its parent, often a container's first process, may take its time to notice. */
function alive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat[stat.lastIndexOf(")") + 2] !== "Z"; // proc(5): the name in parentheses may hold any character
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    return Boolean(Deno.lstatSync(path));
  } catch {
    return false;
  }
}
