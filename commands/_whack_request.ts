/** A command line of whack as one request to pluto (whack.md §2, §3). */
import { formatAddress, isAnyAddress, type NameLookup, resolveAddress } from "../lib/text/address.ts";
import { readNumber } from "../lib/text/c_number.ts";
import { parseData } from "../lib/text/data.ts";
import { type KeyRequest, LONGEST_REQUEST, REQUEST_VERSION, type WhackRequest } from "../lib/pluto/request.ts";
import { UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { OptionFiles } from "./_options_from.ts";
import { ConnectionReader } from "./_whack_connection.ts";
import { refuse, type Speaker } from "./_whack_error.ts";
import { DEBUG_ALL, LISTS, WHACK_OPTIONS } from "./_whack_options.ts";

export interface WhackWords {
  readonly request: WhackRequest;
  readonly ctlBase?: string;
  readonly json: boolean;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const TABLE = Object.fromEntries(
  Object.entries(WHACK_OPTIONS).map(([name, { takesValue }]) => [name, takesValue ?? false]),
);
const EXTENSIONS = new Set(Object.keys(WHACK_OPTIONS).filter((name) => WHACK_OPTIONS[name].extension));
/** Options whose member of the request is `true`. */
const FLAGS: Readonly<Record<string, keyof WhackRequest>> = {
  route: "route",
  unroute: "unroute",
  initiate: "initiate",
  terminate: "terminate",
  delete: "delete",
  asynchronous: "async",
  listen: "listen",
  unlisten: "unlisten",
  utc: "utc",
  rereadsecrets: "rereadSecrets",
  rereadcacerts: "rereadCacerts",
  rereadcrls: "rereadCrls",
  shutdown: "shutdown",
};
const REREADS = ["rereadSecrets", "rereadCacerts", "rereadCrls"] as const;
/** Members that are about the connection of `--name`. */
const NAMED = ["route", "unroute", "initiate", "terminate", "delete", "connection"] as const;
/** Members that make no request by themselves. */
const NO_ACTIONS = ["version", "name", "utc", "async"];

/** @returns "help" or "version" where that was asked for. Throws the user's complaint. */
export async function readWhackWords(
  args: readonly string[],
  lookup: NameLookup,
): Promise<WhackWords | "help" | "version"> {
  return await new WordsReader(args, lookup).read();
}

class WordsReader {
  readonly #getopt: Getopt<typeof TABLE>;
  readonly #lookup: NameLookup;
  readonly #connection: ConnectionReader;
  readonly #seen = new Set<string>();
  readonly #request: Writable<WhackRequest> = { version: REQUEST_VERSION };
  readonly #debug = new Set<string>();
  readonly #lists = new Set<typeof LISTS[number]>();
  #key: Writable<Partial<KeyRequest>> = {};
  #oppo: { here?: string; there?: string } = {};
  #password: string | undefined;
  #speaker: Speaker = {};
  #ctlBase: string | undefined;
  #json = false;

  constructor(args: readonly string[], lookup: NameLookup) {
    this.#getopt = new Getopt(args, TABLE, { prog: "whack", extensions: EXTENSIONS });
    this.#lookup = lookup;
    this.#connection = new ConnectionReader(lookup, (message, operand) => this.#refuse(message, operand));
  }

  async read(): Promise<WhackWords | "help" | "version"> {
    const files = new OptionFiles("whack");
    for (let one = this.#getopt.next(); one; one = this.#getopt.next()) {
      if (one.kind === "error") throw new UserError(one.message);
      if (one.kind === "word") this.#refuse("unexpected argument", one.value);
      if (one.name === "help" || one.name === "version") return one.name;
      if (one.name === "optionsfrom") this.#getopt.splice(files.read(one.value));
      else await this.#option(one.name, one.value);
    }
    return this.#finish();
  }

  async #option(name: string, value: string): Promise<void> {
    const { of, repeats, alias } = WHACK_OPTIONS[name];
    if (of === "end") return await this.#connection.end(name, value);
    if (of === "connection") {
      // Its complaint has the name that was typed.
      if (alias && this.#seen.has(alias)) this.#refuse("duplicated flag", name);
      if (alias) this.#seen.add(alias);
      return await this.#connection.whole(alias ?? name, value, () => this.#number(value));
    }
    if (this.#seen.has(name) && !repeats) this.#refuse("duplicated flag", name);
    this.#seen.add(name);
    const request = this.#request;
    const list = LISTS.find((one) => name === `list${one}`);
    if (Object.hasOwn(FLAGS, name)) Object.assign(request, { [FLAGS[name]]: true });
    else if (/^(debug|impair)-/.test(name)) this.#debugging(name);
    else if (list) this.#lists.add(list);
    else await this.#member(name, value);
  }

  async #member(name: string, value: string): Promise<void> {
    const request = this.#request;
    switch (name) {
      case "label":
        this.#speaker = { ...this.#speaker, label: value };
        return;
      case "name":
        this.#speaker = { ...this.#speaker, name: value };
        request.name = value;
        return;
      case "ctlbase":
        this.#ctlBase = value;
        return;
      case "json":
        this.#json = true;
        return;
      case "status":
        request.status = true;
        return;
      case "myid":
        request.myid = value;
        return;
      case "deletestate":
        request.deleteState = this.#number(value);
        return;
      case "crash":
        request.crash = await this.#peer(value);
        return;
      case "oppohere":
        this.#oppo.here = await this.#connection.opportunistic(name, value);
        return;
      case "oppothere":
        this.#oppo.there = await this.#connection.opportunistic(name, value);
        return;
      case "xauthpass":
        this.#password = value;
        return;
      case "keyid":
        this.#key.id = value;
        return;
      case "addkey":
        this.#key.add = true;
        return;
      case "pubkeyrsa": {
        const parsed = parseData(value, 0);
        if (!parsed.ok) this.#refuse(`RSA public-key data malformed (${parsed.error})`, value);
        this.#key.rsa = value;
        return;
      }
      case "listall":
        for (const list of LISTS) this.#lists.add(list);
        return;
      case "rereadall":
        for (const member of REREADS) request[member] = true;
    }
  }

  /** They add up, except that `none` takes back what stands before it. */
  #debugging(name: string): void {
    const flag = name.replace(/^debug-/, "");
    this.#request.debug ??= { flags: [] };
    if (flag === "none") this.#debug.clear();
    else for (const one of flag === "all" ? DEBUG_ALL : [flag]) this.#debug.add(one);
  }

  #finish(): WhackWords {
    const request = this.#request;
    const { here, there } = this.#oppo;
    if ((here === undefined) !== (there === undefined)) {
      this.#refuse("--oppohere and --oppothere must be used together");
    }
    if (here !== undefined && there !== undefined) request.oppo = { here, there };
    this.#login();
    if (!request.xauth?.user && this.#connection.isBegun(here !== undefined)) {
      request.connection = this.#connection.finish();
    }
    if (request.debug) request.debug = { flags: [...this.#debug] };
    if (this.#lists.size) request.lists = LISTS.filter((list) => this.#lists.has(list));
    if (NAMED.some((member) => request[member] !== undefined)) {
      if (request.name === undefined) this.#refuse("missing --name <connection_name>");
    } else if (request.name !== undefined && !request.debug) this.#refuse("no reason for --name");
    this.#keys();
    if (this.#json && !request.status) this.#refuse("--json requires --status");
    if (this.#json) request.status = "json";
    if (Object.keys(request).every((member) => NO_ACTIONS.includes(member))) {
      this.#refuse("no action specified; try --help for hints");
    }
    this.#connection.checkLifetimes();
    if (JSON.stringify(request).length >= LONGEST_REQUEST) {
      this.#refuse("too many bytes of strings to fit in message to pluto");
    }
    return { request, json: this.#json, ...(this.#ctlBase !== undefined && { ctlBase: this.#ctlBase }) };
  }

  /** `--xauthname` is of an end where one is described, else of the initiation. */
  #login(): void {
    const { initiate } = this.#request;
    const user = initiate ? this.#connection.loneUser : undefined;
    const password = this.#password;
    if (password !== undefined && !initiate) this.#refuse("--xauthpass requires --initiate");
    if (user === undefined && password === undefined) return;
    this.#request.xauth = { ...(user !== undefined && { user }), ...(password !== undefined && { password }) };
  }

  #keys(): void {
    const { id, add = false, rsa } = this.#key;
    if (id !== undefined) this.#request.keys = [{ id, add, ...(rsa !== undefined && { rsa }) }];
    else if (add || rsa !== undefined) this.#refuse("--addkey and --pubkeyrsa require --keyid");
  }

  async #peer(value: string): Promise<string> {
    const parsed = await resolveAddress(value, value.includes(":") ? "inet6" : "inet", this.#lookup);
    if (!parsed.ok) this.#refuse(parsed.error, value);
    if (isAnyAddress(parsed.value)) this.#refuse("0.0.0.0 or 0::0 isn't a valid client address", value);
    return formatAddress(parsed.value);
  }

  #number(value: string): number {
    const number = value === "" ? undefined : readNumber(value);
    if (number === undefined || number < 0) this.#refuse("badly formed numeric argument", value);
    return number;
  }

  #refuse(message: string, operand?: string): never {
    refuse(this.#speaker, message, operand);
  }
}
