/** Identities of phase 2: whose traffic an IPsec SA is for (RFC 2407 §4.6.2, pluto.md §13.4). */
import { type Address, formatAddress, isAnyAddress, makeAddress } from "../text/address.ts";
import { isMask, maskBits } from "../text/mask.ts";
import { rangeToSubnet } from "../text/range.ts";
import { refuse, type Result } from "../text/result.ts";
import { hostSubnet, isHostSubnet, makeSubnet, maskOf, sameSubnet, type Subnet } from "../text/subnet.ts";
import { ID_TYPE, idTypeName } from "./constants.ts";
import type { IkeConnection, IkeEnd } from "./connection.ts";
import type { Payload } from "./payload.ts";

/** One side of the traffic; protocol and port 0 are any. */
export interface Client {
  readonly client: Subnet;
  readonly protocol: number;
  readonly port: number;
}

type IdPayload = Extract<Payload, { type: "ID" }>;

interface IdForm {
  readonly family: Address["family"];
  readonly form: "address" | "subnet" | "range";
}

/** RFC 2407 §4.6.2.1; those that say which packets are meant. */
const FORMS: Readonly<Record<number, IdForm>> = {
  [ID_TYPE.IPV4_ADDR]: { family: "inet", form: "address" },
  [ID_TYPE.IPV4_ADDR_SUBNET]: { family: "inet", form: "subnet" },
  [ID_TYPE.IPV4_ADDR_RANGE]: { family: "inet", form: "range" },
  [ID_TYPE.IPV6_ADDR]: { family: "inet6", form: "address" },
  [ID_TYPE.IPV6_ADDR_SUBNET]: { family: "inet6", form: "subnet" },
  [ID_TYPE.IPV6_ADDR_RANGE]: { family: "inet6", form: "range" },
};
const SUBNET_TYPES = { inet: ID_TYPE.IPV4_ADDR_SUBNET, inet6: ID_TYPE.IPV6_ADDR_SUBNET } as const;
const BYTES = { inet: 4, inet6: 16 } as const;

/** Always as a subnet, hosts too: FreeS/WAN's peers have seen nothing else. */
export function clientPayload({ client, protocol, port }: Client): IdPayload {
  const data = Uint8Array.from([...client.address.bytes, ...maskOf(client).bytes]);
  return { type: "ID", idType: SUBNET_TYPES[client.address.family], protocol, port, data };
}

/** @param which `our client` or `peer client`, for the sentence of a refusal */
export function readClient(id: IdPayload, which: string): Result<Client> {
  const row = FORMS[id.idType];
  const name = idTypeName(id.idType);
  if (!row) return refuse(`unsupported ID type ${name}`);
  const client = READERS[row.form]({ family: row.family, data: id.data, name, what: `${which} ID payload` });
  return client.ok ? { ok: true, value: { client: client.value, protocol: id.protocol, port: id.port } } : client;
}

interface IdBody {
  readonly family: Address["family"];
  readonly data: Uint8Array;
  /** Of the type. */
  readonly name: string;
  readonly what: string;
}

type ReadForm = (body: IdBody) => Result<Subnet>;

const READERS: Readonly<Record<IdForm["form"], ReadForm>> = {
  address({ family, data, name, what }) {
    const address = makeAddress(data, family);
    if (!address.ok) return refuse(`${what} ${name} has wrong length in Quick I1 (${address.error})`);
    if (isAnyAddress(address.value)) {
      return refuse(`${what} ${name} is invalid (${formatAddress(address.value)}) in Quick I1`);
    }
    return { ok: true, value: hostSubnet(address.value) };
  },
  subnet({ family, data, name, what }) {
    const halves = split(data, family);
    if (!halves) return refuse(`${what} ${name} wrong length in Quick I1`);
    const [address, mask] = halves;
    const subnet = isMask(mask.bytes)
      ? someSubnet(makeSubnet(address, maskBits(mask.bytes), "0"))
      : refuse("impossible mask count");
    return subnet.ok ? subnet : refuse(`${what} ${name} bad subnet in Quick I1 (${subnet.error})`);
  },
  range({ family, data, name, what }) {
    const halves = split(data, family);
    if (!halves) return refuse(`${what} ${name} wrong length in Quick I1`);
    const [from, to] = halves;
    const subnet = someSubnet(rangeToSubnet({ from, to }));
    if (subnet.ok) return subnet;
    const ends = `${formatAddress(from)} - ${formatAddress(to)}`;
    return refuse(`${what} in Quick I1, ${name} ${ends} unacceptable: ${subnet.error}`);
  },
};

function split(data: Uint8Array, family: Address["family"]): [Address, Address] | undefined {
  const length = BYTES[family];
  if (data.length !== 2 * length) return undefined;
  return [{ family, bytes: data.slice(0, length) }, { family, bytes: data.slice(length) }];
}

function someSubnet(subnet: Result<Subnet>): Result<Subnet> {
  if (!subnet.ok || !isHostSubnet(subnet.value) || !isAnyAddress(subnet.value.address)) return subnet;
  return refuse("contains only anyaddr");
}

export function sameClient(a: Client, b: Client): boolean {
  return sameSubnet(a.client, b.client) && a.protocol === b.protocol && a.port === b.port;
}

/** @param host the address that speaks for the end, where the connection names no client */
export function clientOf(end: IkeEnd, host: Address): Client {
  return { client: end.client ?? hostSubnet(host), protocol: end.protocol, port: end.clientPort };
}

/** Without IDs the hosts themselves are meant (RFC 2409 §5.5); whatever else is meant has to be said. */
export function needsIds({ ours, peers }: IkeConnection): boolean {
  return [ours, peers].some((end) => end.client !== undefined || end.protocol !== 0 || end.clientPort !== 0);
}
