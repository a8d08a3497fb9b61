/** The checks of `ipsec verify` that ask the DNS: what is published for opportunistic encryption, and whether it fits. */
import { rsaKeyId, type RsaPublicKey } from "../lib/crypto/rsa.ts";
import { findDelegations, findKeyRecords, type Found, type IpsecLookup } from "../lib/dns/ipsec_records.ts";
import type { Delegation } from "../lib/dns/x_ipsec_server.ts";
import { reverseName } from "../lib/dns/reverse_name.ts";
import { type Address, formatAddress, sameAddress } from "../lib/text/address.ts";
import { formatIdentity, type Identity } from "../lib/text/identity.ts";
import type { Finding } from "./_verify_report.ts";

/** Of this host; undefined where what is published is another host's business. */
export type OwnKey = RsaPublicKey | undefined;

const KEY_NOTE =
  "RFC 3445 keeps KEY records for DNSSEC itself.  TXT or IPSECKEY records say the same: `ipsec showhostkey --txt`.";

/** Nothing is known of the records then. */
export const DNS_ADVICE = "see /etc/resolv.conf, or name resolvers= in config setup";

/** @param name with or without the dot of the root */
export async function checkForward(name: string, dns: IpsecLookup, own: OwnKey): Promise<Finding[]> {
  const id: Identity = { kind: "fqdn", name: name.replace(/\.$/, "") };
  return [
    ...await checkKeyRecord(`Looking for KEY in forward map: ${id.name}`, id, dns),
    await checkDelegations(`Looking for TXT in forward map: ${id.name}`, id, dns, own),
  ];
}

export async function checkReverse(address: Address, dns: IpsecLookup, own: OwnKey): Promise<Finding[]> {
  const id: Identity = { kind: "address", address };
  const findings = [
    await checkDelegations(`Looking for TXT in reverse map: ${reverseName(address)}`, id, dns, own),
  ];
  const found = await findDelegations(reverseName(address), dns, id);
  const gateway = found.ok ? found.found[0]?.gateway : undefined;
  if (gateway?.kind !== "address") return findings;
  const map = reverseName(gateway.address);
  findings.push(...await checkKeyRecord(`Looking for KEY in reverse map: ${map}`, gateway, dns));
  if (!sameAddress(gateway.address, address)) {
    findings.push(await checkDelegations(`Looking for TXT in reverse map: ${map}`, gateway, dns, own));
  }
  return findings;
}

/** Nothing is said where there is none: that is as it should be. */
async function checkKeyRecord(text: string, id: Identity, dns: IpsecLookup): Promise<Finding[]> {
  const found = await findKeyRecords(id, dns);
  return found.ok ? [{ text, verdict: "DEPRECATED", advice: KEY_NOTE }] : [];
}

async function checkDelegations(text: string, id: Identity, dns: IpsecLookup, own: OwnKey): Promise<Finding> {
  const name = id.kind === "address" ? reverseName(id.address) : `${(id as { name: string }).name}.`;
  const found = await findDelegations(name, dns, id);
  if (!found.ok) {
    const verdict = found.isMissing ? "MISSING" : "FAILED";
    return { text, verdict, details: [found.why], advice: found.isUnanswered ? DNS_ADVICE : publishAdvice(id) };
  }
  const details = found.found.map((one) => describe(one, found));
  const wrong = own && found.found.filter(({ key }) => key && rsaKeyId(key) !== rsaKeyId(own));
  if (own && wrong?.length && wrong.length === found.found.filter(({ key }) => key).length) {
    return {
      text,
      verdict: "FAILED",
      details: [...details, `the key of this host is ${rsaKeyId(own)}`],
      advice: `what is published is another key: ${publishAdvice(id)}`,
    };
  }
  return { text, verdict: "OK", details };
}

function describe(
  { precedence, gateway, key }: Delegation,
  { authenticated }: Extract<Found<unknown>, { ok: true }>,
): string {
  const keyText = key ? `key ${rsaKeyId(key)}` : "no key";
  return `(${precedence}) gateway ${formatIdentity(gateway)}, ${keyText}${authenticated ? ", proved by DNSSEC" : ""}`;
}

function publishAdvice(id: Identity): string {
  const gateway = id.kind === "address" ? formatAddress(id.address) : formatIdentity(id);
  return `put the record of \`ipsec showhostkey --txt ${gateway}' there, or of \`ipsec showhostkey --ipseckey'`;
}
