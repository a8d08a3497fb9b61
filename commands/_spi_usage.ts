/** Usage text of `ipsec spi`. */
import { AEAD_NAMES, CBC_NAMES } from "../lib/crypto/algorithm_names.ts";

/** Status after the usage text. */
export const USAGE_STATUS = 255;

export function usage(prog: string): string {
  return `${prog}:Usage:
	in the following, <SA> is: --af <inet | inet6> --edst <dstaddr> --spi <spi> --proto <proto>
                               OR: --said <proto><.|:><spi>@<dstaddr>
	                  <life> is: --life <soft|hard>-<allocations|bytes|addtime|usetime|packets>=<value>[,...]
spi --clear
spi --help
spi --version
spi [ --json ]
spi --del <SA>
spi --ip4 <SA> --src <encap-src> --dst <encap-dst>
spi --ip6 <SA> --src <encap-src> --dst <encap-dst>
spi --ah <algo> <SA> [<life> ][ --replay_window <replay_window> ] [ --esn ] --authkey <key>
	where <algo> is one of:	hmac-md5-96 | hmac-sha1-96 | hmac-sha2_256-128 | hmac-sha2_384-192 | hmac-sha2_512-256
spi --esp <algo> <SA> [<life> ][ --replay_window <replay-window> ] [ --esn ] [<natt>] --enckey <ekey> --authkey <akey>
	where <algo> is <cipher>-<authenticator>, as in 3des-md5-96 | 3des-sha1-96 | aes128-sha2_256-128
	      <cipher> is one of:	${CBC_NAMES.join(" | ")}
	      <authenticator> is one of:	md5-96 | sha1-96 | sha2_256-128 | sha2_384-192 | sha2_512-256
spi --esp <algo> <SA> [<life> ][ --replay_window <replay-window> ] [ --esn ] [<natt>] --enckey <ekey>
	where <algo> is one of:	${AEAD_NAMES.join(" | ")}
	      and the last 4 bytes of <ekey> are the salt
spi --comp <algo> <SA>
	where <algo> is:	deflate
	<natt> is: --natt <espinudp | none> [ --sport <port> ] [ --dport <port> ] [ --natoa <addr> ]
[ --debug ] is optional to any spi command.
[ --label <label> ] is optional to any spi command.
[ --optionsfrom <file> ] puts the options in <file> in its place: keys do not show in process listings.
[ --listenreply ]   is optional, and causes the command to stick
                    around and listen to what the PF_KEY socket says.
[ --saref ]   is optional, and prints the reference number of the SA.
`;
}
