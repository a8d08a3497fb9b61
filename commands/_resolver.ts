/** The resolver of the commands: as config setup and /etc/resolv.conf say. */
import { loadConfig } from "../lib/config/load.ts";
import { Resolver, type ResolverOptions } from "../lib/dns/resolver.ts";
import { resolverOptions } from "../lib/dns/servers.ts";
import { confDirectory } from "../lib/system/paths.ts";
import { type Io, UserError } from "./_command.ts";
import { configFiles } from "./_config_files.ts";

/** What the two files say; what is wrong with ipsec.conf is another command's business. */
export function readResolverOptions(io: Io): ResolverOptions {
  const { setup } = loadConfig(`${confDirectory(io.env)}/ipsec.conf`, configFiles);
  const named = setup.get("resolvers")?.value.split(/[ ,]+/).filter(Boolean) ?? [];
  let resolvConf = "";
  try {
    resolvConf = Deno.readTextFileSync("/etc/resolv.conf");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw new UserError(`Cannot read /etc/resolv.conf: ${error}`);
  }
  return resolverOptions(named, resolvConf);
}

export function makeResolver(options: ResolverOptions): Resolver {
  return new Resolver(options, { now: () => performance.now() });
}
