import type { Command } from "./_command.ts";
import { KLIPS_MANUAL } from "./_klips_command_manual.ts";
import { foreground } from "./_klips_foreground.ts";
import { klipsPaths } from "./_klips_instance.ts";
import { KLIPS_USAGE, parseKlipsOptions } from "./_klips_options.ts";
import { start } from "./_klips_start.ts";
import { status } from "./_klips_status.ts";
import { stop } from "./_klips_stop.ts";

export const klips: Command = {
  name: "klips",
  summary: "start, stop and examine KLIPS, the packet engine",
  usage: () => KLIPS_USAGE,
  manual: KLIPS_MANUAL,
  run(args, io) {
    if (args.includes("--help")) {
      io.stdout(KLIPS_USAGE);
      return 0;
    }
    const options = parseKlipsOptions(args);
    const at = klipsPaths(io.env);
    switch (options.action) {
      case "start":
        return start(options, at, io);
      case "stop":
        return stop(at, io);
      case "status":
        return status(options, at, io);
      case "foreground":
        return foreground(options, at);
    }
  },
};
