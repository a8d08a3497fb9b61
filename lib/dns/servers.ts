/** Which servers are asked: those of `resolvers=` in config setup, else those of /etc/resolv.conf. */
import { isTrustworthyServer, parseDnsServer } from "../text/dns_server.ts";
import { parseResolvConf } from "./resolv_conf.ts";
import { DEFAULT_RESOLVER, type ResolverOptions } from "./resolver.ts";

/**
 * @param named words of `resolvers=`, which have been checked
 * @param resolvConf text of /etc/resolv.conf
 */
export function resolverOptions(named: readonly string[], resolvConf: string): ResolverOptions {
  const configured = parseResolvConf(resolvConf);
  const servers = (named.length ? named : configured.servers).map(parseDnsServer).filter((one) => one.ok)
    .map(({ value }) => value);
  return {
    ...DEFAULT_RESOLVER,
    attempts: configured.attempts,
    timeoutMs: configured.timeoutSeconds * 1000 / 2,
    servers,
    trustAd: servers.every(isTrustworthyServer) || !named.length && configured.trustAd,
  };
}
