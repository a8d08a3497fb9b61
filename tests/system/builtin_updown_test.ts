/** The built-in `_updown` over a table of routes in memory; the kernel's own is asked in tests/netns/updown_test.ts. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { ERRNO, SystemError } from "../../lib/ffi/libc.ts";
import {
  type AddressSpec,
  formatRoute,
  type InterfaceAddress,
  type Route,
  type RouteSpec,
} from "../../lib/ffi/rtnetlink.ts";
import { builtinUpdown, type BuiltinUpdownDeps, type UpdownResult } from "../../lib/system/builtin_updown.ts";
import type { Passage } from "../../lib/system/firewall.ts";
import { type Address, formatAddress, parseNumericAddress, sameAddress } from "../../lib/text/address.ts";
import { formatSubnet, sameSubnet, type Subnet } from "../../lib/text/subnet.ts";

const ENVIRONMENT: Record<string, string> = {
  PLUTO_VERSION: "1.1",
  PLUTO_CONNECTION: "office",
  PLUTO_NEXT_HOP: "192.0.2.254",
  PLUTO_INTERFACE: "ipsec0",
  PLUTO_ME: "192.0.2.1",
  PLUTO_MY_CLIENT: "10.1.0.0/24",
  PLUTO_PEER: "198.51.100.2",
  PLUTO_PEER_CLIENT: "10.2.0.0/24",
};

class Host implements BuiltinUpdownDeps {
  readonly table: Route[] = [];
  /** Networks that the kernel will not make a route to, and why not. */
  readonly refuses = new Map<string, number>();
  readonly log: string[] = [];
  readonly own: InterfaceAddress[] = [];
  defaultSource = "";
  warnings: string[] = [];

  has(spec: RouteSpec, protocol = 3): this {
    const metric = spec.metric ?? (spec.destination.address.family === "inet6" ? 1024 : 0);
    this.table.push({ type: "unicast", table: 254, protocol, scope: 0, paths: 1, ...spec, metric });
    return this;
  }

  owns(device: string, address: Address, label = device): void {
    this.own.push({ device, address, bits: 8 * address.bytes.length, scope: 0, flags: 0, label });
  }

  get addresses(): string[] {
    return this.own.map(({ device, address, label }) => `${formatAddress(address)} ${device} ${label}`);
  }

  run(verb: string, { args = [], ...more }: { args?: string[] } & Record<string, unknown> = {}): UpdownResult {
    const environment: Record<string, unknown> = { ...ENVIRONMENT, PLUTO_VERB: verb, ...more };
    return builtinUpdown(args, (name) => environment[name] as string | undefined, this);
  }

  get listed(): string[] {
    return this.table.map(formatRoute);
  }

  openRoutes = () => ({
    routes: (): Route[] => this.table,
    lacksRouteTo: (destination: Subnet): boolean =>
      !this.table.some((route) => sameSubnet(route.destination, destination)),
    addRoute: (spec: RouteSpec): void => {
      const errno = this.refuses.get(formatSubnet(spec.destination)) ?? (this.#find(spec) && ERRNO.EEXIST);
      if (errno) throw new SystemError("netlink", errno, `add route ${formatRoute(spec)}`);
      this.has(spec);
    },
    replaceRoute: (spec: RouteSpec): void => {
      const found = this.#find(spec);
      if (found) this.table.splice(this.table.indexOf(found), 1);
      this.has(spec);
    },
    deleteRoute: (spec: RouteSpec): void => {
      const found = this.#find(spec, spec);
      if (!found) throw new SystemError("netlink", ERRNO.ESRCH, `delete route ${formatRoute(spec)}`);
      this.table.splice(this.table.indexOf(found), 1);
    },
    addresses: (): InterfaceAddress[] => this.own,
    addAddress: ({ device, address, label = device }: AddressSpec): void => this.owns(device, address, label),
    /** With an address the kernel removes the IPv4 routes that have it as source. */
    deleteAddress: ({ device, address }: AddressSpec): void => {
      const found = this.own.findIndex((one) => one.device === device && sameAddress(one.address, address));
      this.own.splice(found, 1);
      const left = this.table.filter(({ source }) => !source || !sameAddress(source, address));
      this.table.splice(0, this.table.length, ...left);
    },
    [Symbol.dispose]: () => void this.log.push("closed"),
  });

  openFirewall = (passage: Passage) => {
    this.log.push(`open ${passageText(passage)}`);
    return { chains: [], warnings: this.warnings };
  };

  closeFirewall = (passage: Passage) => {
    this.log.push(`close ${passageText(passage)}`);
    return 2;
  };

  read = () => this.defaultSource;

  /** To the same network with the metric that is not given, and by the same device where that matters. */
  #find({ destination, metric }: RouteSpec, { device }: { device?: string } = {}): Route | undefined {
    const wanted = metric ?? (destination.address.family === "inet6" ? 1024 : 0);
    return this.table.find((route) =>
      sameSubnet(route.destination, destination) && route.metric === wanted && (!device || device === route.device)
    );
  }
}

function passageText({ connection, of, device, mine, peer }: Passage): string {
  const end = ({ subnet, protocol, port }: Passage["mine"]) => `${formatSubnet(subnet)}:${protocol}/${port}`;
  return `${connection} ${of} ${device} ${end(mine)} ${end(peer)}`;
}

/** A route as ip(8) has it: NETWORK [via GATEWAY] dev DEVICE. */
function route(destination: string, device: string, via?: string): RouteSpec {
  const [address, bits = "32"] = destination.split("/");
  const v4 = (text: string) => ({ family: "inet" as const, bytes: Uint8Array.from(text.split("."), Number) });
  return {
    destination: { address: v4(address), bits: Number(bits), port: 0 },
    device,
    ...(via && { via: v4(via) }),
  };
}

const P = "ipsec _updown: ";
const REFUSALS: [what: string, args: string[], environment: Record<string, unknown>, expected: UpdownResult][] = [
  ["version 1.0", [], { PLUTO_VERSION: "1.0" }, {
    status: 2,
    lines: [`${P}obsolete interface version \`1.0',`, `${P}\tcalled by obsolete Pluto?`],
  }],
  ["version 2.0", [], { PLUTO_VERSION: "2.0" }, { status: 2, lines: [`${P}unknown interface version \`2.0'`] }],
  ["no version", [], { PLUTO_VERSION: undefined }, {
    status: 2,
    lines: [
      `${P}unknown interface version \`'`,
      `${P}\tit is called by pluto and \`ipsec manual', with PLUTO_* variables set`,
    ],
  }],
  ["an unknown parameter", ["open"], {}, { status: 2, lines: [`${P}unknown parameters \`open'`] }],
  ["a second parameter", ["ipfwadm", "x"], {}, { status: 2, lines: [`${P}unknown parameters \`ipfwadm x'`] }],
  ["an unknown verb", [], { PLUTO_VERB: "sideways-client" }, {
    status: 1,
    lines: [`${P}unknown verb \`sideways-client' or parameter \`'`],
  }],
  ["a verb without its kind", [], { PLUTO_VERB: "up" }, {
    status: 1,
    lines: [`${P}unknown verb \`up' or parameter \`'`],
  }],
  ["up-client with `custom'", ["custom", "x"], { PLUTO_VERB: "up-client" }, {
    status: 1,
    lines: [`${P}unknown verb \`up-client' or parameter \`custom'`],
  }],
  ["no peer's client", [], { PLUTO_PEER_CLIENT: undefined }, { status: 1, lines: [`${P}PLUTO_PEER_CLIENT not set`] }],
  ["no interface", [], { PLUTO_INTERFACE: "" }, { status: 1, lines: [`${P}PLUTO_INTERFACE not set`] }],
  ["a peer's client that is none", [], { PLUTO_PEER_CLIENT: "10.2.0.0/33" }, {
    status: 1,
    lines: [`${P}PLUTO_PEER_CLIENT is \`10.2.0.0/33': subnet mask bit count too large`],
  }],
  ["a port over 65535", ["iptables"], { PLUTO_VERB: "up-client", PLUTO_MY_PORT: "70000" }, {
    status: 1,
    lines: [`${P}PLUTO_MY_PORT is \`70000', which is no number from 0 to 65535`],
  }],
];
for (const [what, args, environment, expected] of REFUSALS) {
  Deno.test(`builtinUpdown() refuses ${what}`, () => {
    const host = new Host();
    deepEqual(host.run("route-client", { args, ...environment }), expected);
    deepEqual(host.listed, []);
  });
}

const ROUTED: [what: string, verb: string, environment: Record<string, string>, expected: string[]][] = [
  ["a network", "route-client", {}, ["10.2.0.0/24 via 192.0.2.254 dev ipsec0 onlink"]],
  ["a host", "route-host", { PLUTO_PEER_CLIENT: "198.51.100.2/32" }, [
    "198.51.100.2 via 192.0.2.254 dev ipsec0 onlink",
  ]],
  ["a network without a next hop", "route-client", { PLUTO_NEXT_HOP: "" }, ["10.2.0.0/24 dev ipsec0"]],
  ["a network from a source address", "route-client", { PLUTO_MY_SOURCEIP: "10.1.0.1/24" }, [
    "10.2.0.0/24 via 192.0.2.254 dev ipsec0 src 10.1.0.1 onlink",
  ]],
  ["all there is", "route-client", { PLUTO_PEER_CLIENT: "0.0.0.0/0" }, [
    "0.0.0.0/1 via 192.0.2.254 dev ipsec0 onlink",
    "128.0.0.0/1 via 192.0.2.254 dev ipsec0 onlink",
  ]],
  ["an IPv6 network", "route-client-v6", { PLUTO_PEER_CLIENT: "fd01:2::/64", PLUTO_NEXT_HOP: "2001:db8::fe" }, [
    "fd01:2::/64 dev ipsec0 metric 1024",
  ]],
  ["all of IPv6", "route-host-v6", { PLUTO_PEER_CLIENT: "::/0", PLUTO_NEXT_HOP: "2001:db8::fe" }, [
    "::/1 dev ipsec0 metric 1024",
    "8000::/1 dev ipsec0 metric 1024",
  ]],
  ["an IPv4 network behind an IPv6 gateway", "route-client-v6", { PLUTO_NEXT_HOP: "2001:db8::fe" }, [
    "10.2.0.0/24 dev ipsec0",
  ]],
];
for (const [what, verb, environment, expected] of ROUTED) {
  Deno.test(`builtinUpdown() routes ${what}, and takes it back`, () => {
    const host = new Host();
    for (const round of ["first", "again, which changes nothing"]) {
      deepEqual(host.run(verb, environment), { status: 0, lines: [] }, round);
      deepEqual(host.listed, expected, round);
    }
    deepEqual(host.run(`un${verb}`, environment), { status: 0, lines: [] });
    deepEqual(host.listed, []);
    equal(host.log.join(), "closed,closed,closed");
  });
}

for (
  const [text, source] of [
    ["DEFAULTSOURCE=10.1.0.1\n", "10.1.0.1"],
    ["# ours\nexport DEFAULTSOURCE='10.1.0.9' # eth1\n", "10.1.0.9"],
    ["OTHER=10.1.0.1\n", undefined],
  ]
) {
  Deno.test(`builtinUpdown() reads ${JSON.stringify(text)} of the file of default sources`, () => {
    const host = new Host();
    host.defaultSource = text!;
    host.run("route-client");
    deepEqual(host.listed, [`10.2.0.0/24 via 192.0.2.254 dev ipsec0${source ? ` src ${source}` : ""} onlink`]);
  });
}

Deno.test("builtinUpdown() prepares by deleting the route that would be in the way", () => {
  const host = new Host().has(route("10.2.0.0/24", "eth0", "192.0.2.9")).has(route("10.2.0.0/16", "eth0"));
  deepEqual(host.run("prepare-client"), { status: 0, lines: [] });
  deepEqual(host.listed, ["10.2.0.0/16 dev eth0"]);
  deepEqual(host.run("prepare-client"), { status: 0, lines: [] });
});

Deno.test("builtinUpdown() leaves a route that leads into ipsecN until it is replaced: nothing goes past it", () => {
  const host = new Host().has(route("10.2.0.0/24", "ipsec0", "192.0.2.9"));
  deepEqual(host.run("prepare-client"), { status: 0, lines: [] });
  deepEqual(host.listed, ["10.2.0.0/24 via 192.0.2.9 dev ipsec0"]);
  deepEqual(host.run("route-client"), { status: 0, lines: [] });
  deepEqual(host.listed, ["10.2.0.0/24 via 192.0.2.254 dev ipsec0 onlink"]);
});

Deno.test("builtinUpdown() prepares for all there is by deleting halves; the default route stays", () => {
  const host = new Host().has(route("0.0.0.0/0", "eth0", "192.0.2.254")).has(route("128.0.0.0/1", "ipsec1"));
  host.run("prepare-client", { PLUTO_PEER_CLIENT: "0.0.0.0/0" });
  deepEqual(host.listed, ["default via 192.0.2.254 dev eth0"]);
});

Deno.test("builtinUpdown() leaves the kernel's own route to an interface's network, and says why it cannot add one", () => {
  const host = new Host().has(route("10.2.0.0/24", "eth1"), 2);
  equal(host.run("prepare-client").status, 0);
  deepEqual(host.run("route-client"), {
    status: 2,
    lines: [
      `${P}\`ip route add 10.2.0.0/24 via 192.0.2.254 dev ipsec0 onlink' failed (File exists)`,
      `${P}\tthere is \`10.2.0.0/24 dev eth1', the network of an interface: it cannot be behind the peer as well`,
    ],
  });
  deepEqual(host.listed, ["10.2.0.0/24 dev eth1"]);
});

Deno.test("builtinUpdown() names the route that exists already", () => {
  const host = new Host().has(route("10.2.0.0/24", "eth0", "192.0.2.9"));
  deepEqual(host.run("route-client"), {
    status: 2,
    lines: [
      `${P}\`ip route add 10.2.0.0/24 via 192.0.2.254 dev ipsec0 onlink' failed (File exists)`,
      `${P}\tthere is \`10.2.0.0/24 via 192.0.2.9 dev eth0', which \`ip route del' removes`,
    ],
  });
  deepEqual(host.listed, ["10.2.0.0/24 via 192.0.2.9 dev eth0"]);
});

Deno.test("builtinUpdown() points at the next hop where the kernel finds no way", () => {
  const host = new Host();
  host.refuses.set("10.2.0.0/24", ERRNO.ENETUNREACH);
  deepEqual(host.run("route-client").lines, [
    `${P}\`ip route add 10.2.0.0/24 via 192.0.2.254 dev ipsec0 onlink' failed (Network is unreachable)`,
    `${P}(incorrect or missing nexthop setting??)`,
  ]);
});

Deno.test("builtinUpdown() takes the first half back where the second is refused", () => {
  const host = new Host();
  host.refuses.set("128.0.0.0/1", ERRNO.EPERM);
  equal(host.run("route-client", { PLUTO_PEER_CLIENT: "0.0.0.0/0" }).status, 2);
  deepEqual(host.listed, []);
});

Deno.test("builtinUpdown() takes nothing back that was there before, where the second half is refused", () => {
  const host = new Host().has({ ...route("0.0.0.0/1", "ipsec0", "192.0.2.254"), onlink: true });
  host.refuses.set("128.0.0.0/1", ERRNO.EPERM);
  equal(host.run("route-client", { PLUTO_PEER_CLIENT: "0.0.0.0/0" }).status, 2);
  deepEqual(host.listed, ["0.0.0.0/1 via 192.0.2.254 dev ipsec0 onlink"]);
});

Deno.test("builtinUpdown() unroutes what is left of two halves", () => {
  const host = new Host().has(route("128.0.0.0/1", "ipsec0", "192.0.2.254"));
  deepEqual(host.run("unroute-client", { PLUTO_PEER_CLIENT: "0.0.0.0/0" }), { status: 0, lines: [] });
  deepEqual(host.listed, []);
});

Deno.test("builtinUpdown() unroutes what it can of two halves, and says what it could not", () => {
  const host = new Host().has(route("0.0.0.0/1", "eth0", "192.0.2.9")).has(
    route("128.0.0.0/1", "ipsec0", "192.0.2.254"),
  );
  deepEqual(host.run("unroute-client", { PLUTO_PEER_CLIENT: "0.0.0.0/0" }), {
    status: 2,
    lines: [
      `${P}\`ip route del 0.0.0.0/1 via 192.0.2.254 dev ipsec0' failed (No such process)`,
      `${P}\tthere is \`0.0.0.0/1 via 192.0.2.9 dev eth0', which is not this connection's and stays`,
    ],
  });
  deepEqual(host.listed, ["0.0.0.0/1 via 192.0.2.9 dev eth0"]);
});

Deno.test("builtinUpdown() does not unroute somebody else's route", () => {
  const host = new Host().has(route("10.2.0.0/24", "eth0", "192.0.2.9"));
  deepEqual(host.run("unroute-client"), {
    status: 2,
    lines: [
      `${P}\`ip route del 10.2.0.0/24 via 192.0.2.254 dev ipsec0' failed (No such process)`,
      `${P}\tthere is \`10.2.0.0/24 via 192.0.2.9 dev eth0', which is not this connection's and stays`,
    ],
  });
});

const PORTS = { PLUTO_MY_PORT: "1701", PLUTO_MY_PROTOCOL: "17", PLUTO_PEER_PORT: "0", PLUTO_PEER_PROTOCOL: "17" };
const FIREWALLED: [verb: string, args: string[], environment: Record<string, string>, expected: string[]][] = [
  ["up-client", [], {}, []],
  ["up-client", ["ipfwadm"], {}, ["open office forward ipsec0 10.1.0.0/24:0/0 10.2.0.0/24:0/0"]],
  ["up-client", ["ipchains"], {}, ["open office forward ipsec0 10.1.0.0/24:0/0 10.2.0.0/24:0/0"]],
  ["down-client", ["iptables"], {}, ["close office forward ipsec0 10.1.0.0/24:0/0 10.2.0.0/24:0/0"]],
  ["down-client", [], {}, []],
  ["up-client", ["nft"], PORTS, ["open office forward ipsec0 10.1.0.0/24:17/1701 10.2.0.0/24:17/0"]],
  ["up-host", ["ipfwadm"], {}, ["open office host ipsec0 10.1.0.0/24:0/0 10.2.0.0/24:0/0"]],
  ["up-host", ["custom", "word"], {}, []],
  ["down-host-v6", ["ipfwadm"], { PLUTO_MY_CLIENT: "fd01:1::1/128", PLUTO_PEER_CLIENT: "fd01:2::/64" }, [
    "close office host ipsec0 fd01:1::1/128:0/0 fd01:2::/64:0/0",
  ]],
];
for (const [verb, args, environment, expected] of FIREWALLED) {
  const asked = [verb, ...args, ...Object.values(environment)].join(" ");
  Deno.test(`builtinUpdown() ${expected.length ? `${expected[0].split(" ")[0]}s` : "leaves alone"} the firewall for ${asked}`, () => {
    const host = new Host();
    deepEqual(host.run(verb, { args, ...environment }), { status: 0, lines: [] });
    deepEqual(host.log, expected);
    deepEqual(host.listed, []);
  });
}

Deno.test("builtinUpdown() says what may still drop packets, and goes on", () => {
  const host = new Host();
  host.warnings = ["rules of iptables-legacy are not changed"];
  deepEqual(host.run("up-client", { args: ["ipfwadm"] }), {
    status: 0,
    lines: [`${P}rules of iptables-legacy are not changed`],
  });
});

Deno.test("builtinUpdown() fails where the firewall cannot be changed", () => {
  const host = new Host();
  host.openFirewall = () => {
    throw new SystemError("netlink", ERRNO.EPERM, "open the firewall for office", "run as root");
  };
  deepEqual(host.run("up-client", { args: ["ipfwadm"] }), {
    status: 1,
    lines: [`${P}Cannot open the firewall for office: Operation not permitted; run as root`],
  });
});

const GIVEN = { PLUTO_MY_CLIENT: "10.3.0.7/32", PLUTO_MY_SOURCEIP: "10.3.0.7", PLUTO_CFG_CLIENT: "1" };
const ROUTE = "10.2.0.0/24 via 192.0.2.254 dev ipsec0";
const UP = ["up-client", "prepare-client", "route-client"];

function at(text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

Deno.test("builtinUpdown() adds an assigned address, and removes it, without the route", () => {
  const host = new Host();
  for (const verb of UP) deepEqual(host.run(verb, GIVEN), { status: 0, lines: [] });
  deepEqual([host.addresses, host.listed], [["10.3.0.7 ipsec0 ipsec0:cfg"], [`${ROUTE} src 10.3.0.7 onlink`]]);
  deepEqual(host.run("down-client", GIVEN), { status: 0, lines: [] });
  deepEqual([host.addresses, host.listed], [[], [`${ROUTE} onlink`]]);
  host.run("up-client", GIVEN); // the route was there all the time
  deepEqual([host.addresses, host.listed], [["10.3.0.7 ipsec0 ipsec0:cfg"], [`${ROUTE} src 10.3.0.7 onlink`]]);
  for (const verb of ["down-client", "unroute-client"]) host.run(verb, GIVEN);
  deepEqual([host.addresses, host.listed], [[], []]);
});

Deno.test("builtinUpdown() makes both halves of everything anew when an assigned address goes", () => {
  const host = new Host();
  const all = { ...GIVEN, PLUTO_PEER_CLIENT: "0.0.0.0/0" };
  for (const verb of [...UP, "down-client"]) host.run(verb, all);
  deepEqual(host.listed, ["0.0.0.0/1", "128.0.0.0/1"].map((net) => `${net} via 192.0.2.254 dev ipsec0 onlink`));
});

const OTHERS: [where: string, device: string, label: string | undefined][] = [
  ["of another interface", "eth1", undefined],
  ["that an administrator has given to ipsecN", "ipsec0", undefined],
];
for (const [where, device, label] of OTHERS) {
  Deno.test(`builtinUpdown() leaves an address ${where}`, () => {
    const host = new Host();
    host.owns(device, at("10.3.0.7"), label);
    const before = [...host.addresses];
    deepEqual(host.run("up-client", GIVEN), {
      status: 0,
      lines: [
        `${P}10.3.0.7, which the peer has assigned, is an address of ${device} already: it is used, and stays there`,
      ],
    });
    deepEqual(host.run("down-client", GIVEN), { status: 0, lines: [] });
    deepEqual(host.addresses, before);
  });
}

Deno.test("builtinUpdown() says nothing of a leftsourceip= that the host has", () => {
  const host = new Host();
  host.owns("eth1", at("10.1.0.1"));
  deepEqual(host.run("up-client", { PLUTO_MY_SOURCEIP: "10.1.0.1" }), { status: 0, lines: [] });
});

Deno.test("builtinUpdown() leaves an assigned address while another connection sends from it", () => {
  const host = new Host();
  const nets = ["10.2.0.0/24", "10.4.0.0/24"].map((net) => ({ ...GIVEN, PLUTO_PEER_CLIENT: net }));
  for (const net of nets) for (const verb of UP) deepEqual(host.run(verb, net).lines, []);
  host.run("down-client", nets[0]);
  deepEqual(host.addresses, ["10.3.0.7 ipsec0 ipsec0:cfg"]);
  for (const verb of ["unroute-client", "down-client"]) host.run(verb, nets[verb === "down-client" ? 1 : 0]);
  deepEqual(host.addresses, []);
});

Deno.test("builtinUpdown() removes the assigned address of a pluto that was killed", () => {
  const host = new Host();
  for (const verb of UP) host.run(verb, GIVEN);
  for (const verb of UP) host.run(verb, { ...GIVEN, PLUTO_MY_SOURCEIP: "10.3.0.8" });
  deepEqual([host.addresses, host.listed], [["10.3.0.8 ipsec0 ipsec0:cfg"], [`${ROUTE} src 10.3.0.8 onlink`]]);
});

Deno.test("builtinUpdown() adds an IPv6 address, and removes what no other device has", () => {
  const host = new Host();
  const given = {
    PLUTO_MY_CLIENT: "2001:db8:3::7/128",
    PLUTO_MY_SOURCEIP: "2001:db8:3::7",
    PLUTO_PEER_CLIENT: "2001:db8:2::/64",
  };
  host.owns("eth0", at("2001:db8::1"));
  host.owns("ipsec0", at("2001:db8::1"));
  host.run("up-client-v6", given);
  deepEqual(host.addresses.slice(2), ["2001:db8:3::7 ipsec0 ipsec0"]);
  host.run("down-client-v6", given);
  host.run("down-client-v6", { ...given, PLUTO_MY_SOURCEIP: "2001:db8::1" });
  deepEqual(host.addresses, ["2001:db8::1 eth0 eth0", "2001:db8::1 ipsec0 ipsec0"]);
});
