/**
 * What whack asks of pluto: one object, as one line of JSON, over CTLBASE.ctl; answers are lines of three digits and a text
 * (whack.md §4, §5). Members are carried out in the order in which they stand here.
 */
import type { ConnectionDescription } from "./description.ts";

export const REQUEST_VERSION = 1;
export const LONGEST_REQUEST = 1 << 16;

export interface DebugSetting {
  /** Names of whack.md §2.1 without `debug-`; the impair-* ones too. Replaces what was set. */
  readonly flags: readonly string[];
}

export interface KeyRequest {
  readonly id: string;
  readonly add: boolean;
  /** Encoded data holding an RFC 3110 key; absent: ask the DNS. */
  readonly rsa?: string;
}

export type ListName = "pubkeys" | "certs" | "cacerts" | "crls" | "cards";

export interface WhackRequest {
  readonly version: typeof REQUEST_VERSION;
  /** Of the connection that the members below are about. */
  readonly name?: string;
  readonly debug?: DebugSetting;
  readonly myid?: string;
  readonly delete?: boolean;
  readonly deleteState?: number;
  readonly crash?: string;
  readonly connection?: ConnectionDescription;
  readonly listen?: boolean;
  readonly unlisten?: boolean;
  readonly rereadSecrets?: boolean;
  readonly rereadCacerts?: boolean;
  readonly rereadCrls?: boolean;
  readonly lists?: readonly ListName[];
  readonly utc?: boolean;
  readonly keys?: readonly KeyRequest[];
  readonly route?: boolean;
  readonly unroute?: boolean;
  readonly initiate?: boolean;
  readonly oppo?: { readonly here: string; readonly there: string };
  readonly terminate?: boolean;
  readonly status?: boolean | "json";
  readonly shutdown?: boolean;
  /** Do not wait for what was begun. */
  readonly async?: boolean;
  readonly xauth?: { readonly user?: string; readonly password?: string };
}

/** What a prompt (code 040 hidden, 041 shown) is answered with: one line. */
export interface PromptAnswer {
  readonly answer: string;
}
