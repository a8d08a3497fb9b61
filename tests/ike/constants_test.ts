import { equal } from "node:assert/strict";
import * as algorithms from "../../lib/ike/algorithms.ts";
import * as constants from "../../lib/ike/constants.ts";

const { flagNames } = constants;

/** As FreeS/WAN's log lines have them (pluto.md §8, §11 to §14). */
const NAMES: [name: string, namer: (value: number) => string, value: number][] = [
  ["ISAKMP_XCHG_AGGR", constants.exchangeName, 4],
  ["ISAKMP_NEXT_VID", constants.payloadName, 13],
  ["PROTO_IPSEC_ESP", constants.protocolName, 3],
  ["NO_PROPOSAL_CHOSEN", constants.notifyName, 14],
  ["IPSEC_INITIAL_CONTACT", constants.notifyName, 24578],
  ["R_U_THERE_ACK", constants.notifyName, 36137],
  ["ID_IPV4_ADDR_SUBNET", constants.idTypeName, 4],
  ["ISAKMP_DOI_IPSEC", constants.doiName, 1],
  ["OAKLEY_LIFE_SECONDS", constants.lifeTypeName, 1],
  ["SA_LIFE_TYPE_KILOBYTES", constants.saLifeTypeName, 2],
  ["ISAKMP_CFG_SET", constants.cfgKindName, 3],
  ["XAUTH_USER_NAME", constants.cfgAttributeName, 16521],
  ["OAKLEY_GROUP_DESCRIPTION", constants.oakleyAttributeName, 4],
  ["AUTH_ALGORITHM", constants.ipsecAttributeName, 5],
  ["OAKLEY_3DES_CBC", algorithms.oakleyCipherName, 5],
  ["OAKLEY_SHA", algorithms.oakleyHashName, 2],
  ["OAKLEY_PRESHARED_KEY", algorithms.oakleyAuthName, 1],
  ["OAKLEY_GROUP_MODP1536", algorithms.oakleyGroupName, 5],
  ["ESP_3DES", algorithms.espTransformName, 3],
  ["AH_SHA", algorithms.ahTransformName, 3],
  ["AUTH_ALGORITHM_HMAC_SHA1", algorithms.authAlgorithmName, 2],
];
for (const [name, namer, value] of NAMES) {
  Deno.test(`the name ${name}`, () => {
    equal(namer(value), name);
    equal(namer(60000), "60000??");
  });
}

const TABLES = Object.entries(constants).filter(([, table]) => typeof table === "object");
for (const [name, table] of TABLES) {
  Deno.test(`no two rows of ${name} have the same number`, () => {
    const numbers = Object.values(table);
    equal(new Set(numbers).size, numbers.length);
  });
}

const FLAGS: [flags: number, text: string][] = [
  [0, "0x0"],
  [1, "ISAKMP_FLAG_ENCRYPTION"],
  [3, "ISAKMP_FLAG_ENCRYPTION+ISAKMP_FLAG_COMMIT"],
  [0xfc, "ISAKMP_FLAG_AUTHONLY+0xF8"],
];
for (const [flags, text] of FLAGS) Deno.test(`flagNames() of ${flags}`, () => equal(flagNames(flags), text));
