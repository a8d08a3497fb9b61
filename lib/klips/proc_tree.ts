/**
 * What KLIPS had under /proc/net/ipsec and /proc/sys/net/ipsec (klips.md §10, §11), as a table of paths. Each listing
 * also has a twin with ".json" behind its name.
 */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import { SATYPES } from "../pfkey/constants.ts";
import type { ErouteTable } from "./eroute_table.ts";
import {
  chainLine,
  counterJson,
  counterText,
  type DeviceDescription,
  deviceJson,
  deviceLine,
  erouteJson,
  erouteLine,
  saJson,
  saLine,
} from "./listing.ts";
import type { Sa } from "./sa.ts";
import type { Sad } from "./sad.ts";
import { SYSCTL_FILES, type Sysctls } from "./sysctl.ts";
import { formatSaId } from "../text/sa_id.ts";

export interface ProcSources {
  readonly sad: Sad;
  readonly eroutes: ErouteTable;
  readonly sysctls: Sysctls;
  readonly version: string;
  now(): number;
  devices(): readonly DeviceDescription[];
  /** Clients of the PF_KEY socket with the SA types that they registered for. */
  clients(): Iterable<{ readonly id: number; readonly pid: number; readonly registered: Iterable<number> }>;
  /** ACQUIREs wanted and sent. */
  traps(): { readonly count: number; readonly sent: number };
}

interface Node {
  text(): string;
  json(): unknown;
  /** @returns whether the text was acceptable */
  write?(text: string): boolean;
}

const BIRTH_BYTES = 256;
const LARGEST_WORD = 0xffffffff;
/** Variables of the klipsdebug listing, in order (klips.md §6). */
const DEBUG_LISTED = ["tunnel", "xform", "eroute", "spi", "radij", "esp", "ah", "rcv", "pfkey"] as const;

export class ProcTree {
  readonly #nodes: Readonly<Record<string, Node>>;
  readonly #birth: Record<"ipv4" | "ipv6", string> = { ipv4: "", ipv6: "" };

  constructor(readonly sources: ProcSources) {
    const s = sources;
    this.#nodes = {
      "eroute/all": {
        text: () => s.eroutes.list().map(erouteLine).join(""),
        json: () => s.eroutes.list().map(erouteJson),
      },
      "spi/all": {
        text: () => [...s.sad].map((sa) => saLine(sa, s.now(), s.sysctls.debugXform !== 0)).join(""),
        json: () => [...s.sad].map((sa) => saJson(sa, s.now())),
      },
      "spigrp/all": {
        text: () => this.#chains().map(chainLine).join(""),
        json: () => this.#chains().map((chain) => chain.map((sa) => formatSaId(sa.id, "x"))),
      },
      tncfg: {
        text: () => s.devices().map(deviceLine).join(""),
        json: () => s.devices().map(deviceJson),
      },
      klipsdebug: {
        text: () => DEBUG_LISTED.map((name) => `debug_${name}=${hex32(this.#debug(name))}.\n`).join(""),
        json: () => Object.fromEntries(DEBUG_LISTED.map((name) => [name, this.#debug(name)])),
      },
      version: {
        text: () => `FreeS/WAN version: ${s.version}\n`,
        json: () => ({ version: s.version }),
      },
      "birth/ipv4": this.#birthNode("ipv4"),
      "birth/ipv6": this.#birthNode("ipv6"),
      "stats/trap_count": { text: () => `${hex32(s.traps().count)}\n`, json: () => s.traps().count },
      "stats/trap_sendcount": { text: () => `${hex32(s.traps().sent)}\n`, json: () => s.traps().sent },
      "stats/interfaces": {
        text: () => s.devices().filter((device) => device.mtu > 0).map(counterText).join(""),
        json: () => s.devices().filter((device) => device.mtu > 0).map(counterJson),
      },
      pf_key: {
        text: () => this.#clients(),
        json: () => [...s.clients()].map(({ id, pid }) => ({ socket: id, pid })),
      },
      pf_key_registered: {
        text: () => this.#registrations(),
        json: () => this.#registered().map(({ id, pid, satype }) => ({ satype, socket: id, pid })),
      },
      pf_key_supported: { text: supportedTable, json: supportedAlgorithms },
      ...Object.fromEntries(
        Object.entries(SYSCTL_FILES).map(([file, field]) => [`sys/net/ipsec/${file}`, {
          text: () => `${s.sysctls[field]}\n`,
          json: () => s.sysctls[field],
          write: (text: string) => {
            const value = Number(text);
            if (text.trim() === "" || !Number.isInteger(value) || Math.abs(value) > LARGEST_WORD) return false;
            s.sysctls[field] = value;
            return true;
          },
        }]),
      ),
    };
  }

  /** Names of all files, without their twins in JSON. */
  paths(): string[] {
    return Object.keys(this.#nodes);
  }

  /** @returns undefined where there is no such file */
  read(path: string): string | undefined {
    const json = path.endsWith(".json");
    const name = json ? path.slice(0, -".json".length) : path;
    if (!Object.hasOwn(this.#nodes, name)) return undefined;
    const node = this.#nodes[name];
    if (!json) return node.text();
    return `${JSON.stringify(node.json())}\n`;
  }

  /** @returns false where there is no such file, or it takes no such text */
  write(path: string, text: string): boolean {
    return Object.hasOwn(this.#nodes, path) && (this.#nodes[path].write?.(text) ?? false);
  }

  #chains(): Sa[][] {
    return [...this.sources.sad].filter((sa) => !sa.inner).map((sa) => this.sources.sad.chainOf(sa));
  }

  #debug(name: typeof DEBUG_LISTED[number]): number {
    return this.sources.sysctls[SYSCTL_FILES[`debug_${name}`]];
  }

  #birthNode(family: "ipv4" | "ipv6"): Node {
    return {
      text: () => this.#birth[family],
      json: () => this.#birth[family],
      write: (text) => {
        const bytes = new TextEncoder().encode(text).subarray(0, BIRTH_BYTES);
        this.#birth[family] = new TextDecoder().decode(bytes, { stream: true }); // drops half a character at the end
        return true;
      },
    };
  }

  /** klips.md §10: a longer form while debug_verbose is set. What a user-space socket does not have is 0. */
  #clients(): string {
    const verbose = this.sources.sysctls.debugVerbose !== 0;
    const lines = [...this.sources.clients()].map(({ id, pid }) => {
      const socket = hex32(id), none = hex32(0);
      return verbose
        ? `${socket} ${pad(pid, 5)} 0 ${none} ${socket} ${none} ${none} 0 0 0 0 2     0 0.000000 00000000        3  1\n`
        : `${socket} ${pad(pid, 5)} ${socket} ${none} ${none} 0 0 2     0 00000000        3  1\n`;
    });
    const header = verbose
      ? "    sock   pid d    sleep   socket     next     prev e r z n p sndbf    stamp    Flags     Type St\n"
      : "    sock   pid   socket     next     prev e n p sndbf    Flags     Type St\n";
    return header + lines.join("");
  }

  #registered() {
    return [...this.sources.clients()].flatMap(({ id, pid, registered }) =>
      [...registered].map((satype) => ({ id, pid, satype }))
    );
  }

  #registrations(): string {
    const lines = this.#registered().map(({ id, pid, satype }) =>
      `    ${pad(satype, 2)} ${hex32(id)} ${pad(pid, 5)} ${hex32(id)}\n`
    );
    return `satype   socket   pid       sk\n${lines.join("")}`;
  }
}

/** One row per algorithm of an SA type: numbers, IV and key lengths in bits. */
export interface SupportedRow {
  readonly satype: number;
  readonly kind: "auth" | "encrypt";
  readonly id: number;
  readonly ivBits: number;
  readonly minBits: number;
  readonly maxBits: number;
}

/** What KLIPS can do, from the algorithm tables; several key lengths of one number make one row. */
export function supportedAlgorithms(): SupportedRow[] {
  const rows: SupportedRow[] = [];
  const auth = (satype: number) => {
    for (const { pfkey, keyBits } of Object.values(AUTHENTICATORS)) {
      rows.push({ satype, kind: "auth", id: pfkey, ivBits: 0, minBits: keyBits, maxBits: keyBits });
    }
  };
  auth(SATYPES.AH.number);
  const satype = SATYPES.ESP.number;
  for (const id of new Set(Object.values(CIPHERS).map((row) => row.pfkey))) {
    const same = Object.values(CIPHERS).filter((row) => row.pfkey === id);
    const bits = same.map((row) => row.keyBits);
    rows.push({
      satype,
      kind: "encrypt",
      id,
      ivBits: same[0].ivBytes * 8,
      minBits: Math.min(...bits),
      maxBits: Math.max(...bits),
    });
  }
  auth(satype);
  for (let mode = 1; mode <= 4; mode++) {
    const bits = mode === 1 ? 32 : 128;
    rows.push({ satype: SATYPES.IPIP.number, kind: "encrypt", id: mode, ivBits: 0, minBits: bits, maxBits: bits });
  }
  rows.push({ satype: SATYPES.COMP.number, kind: "encrypt", id: 2, ivBits: 0, minBits: 1, maxBits: 1 });
  return rows;
}

/** klips.md §10. */
function supportedTable(): string {
  const AUTH = 14, ENCRYPT = 15;
  const lines = supportedAlgorithms().map(({ satype, kind, id, ivBits, minBits, maxBits }) =>
    `${pad(satype, 6)} ${pad(kind === "auth" ? AUTH : ENCRYPT, 7)} ${pad(id, 6)} ${pad(ivBits, 5)} ` +
    `${pad(minBits, 7)} ${pad(maxBits, 7)}\n`
  );
  return `satype exttype alg_id ivlen minbits maxbits\n${lines.join("")}`;
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

function pad(value: number, width: number): string {
  return String(value).padStart(width);
}
