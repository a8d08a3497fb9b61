/** The shell script that does what `ipsec manual` does (klips.md §9). Keys are never part of it. */
import { formatAddress } from "../text/address.ts";
import { formatSaId, type SaId } from "../text/sa_id.ts";
import { formatSubnet } from "../text/subnet.ts";
import type { ManualConn } from "./manual_conn.ts";
import { type ManualAction, type ManualFlow, manualPlan, type ManualStep } from "./manual_plan.ts";
import type { ManualSa } from "./manual_sas.ts";

/** Variables of the updown command for a verb, PLUTO_VERB among them. */
export type VariablesOf = (verb: Extract<ManualStep, { kind: "updown" }>["verb"]) => Readonly<Record<string, string>>;

const PATH = "/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/bin:/usr/bin";
/** Those that are words of a shell whatever they hold; the others are quoted. */
const PLAIN = /^[\w.,:/@%+-]+$/;
const EXPORTED_PER_LINE = 4;

export function manualScript(action: ManualAction, conn: ManualConn, variablesOf: VariablesOf): string {
  const lines = [...keysNote(action, conn), ...header(variablesOf), "{", ...block(action, conn, variablesOf)];
  if (action === "up") lines.push("} || {", ...block("down", conn, variablesOf), "} 2>/dev/null");
  else lines.push("}");
  return `${lines.join("\n")}\n`;
}

function keysNote(action: ManualAction, { outbound, inbound }: ManualConn): string[] {
  const hasKeys = [...outbound, ...inbound].some(({ authKey, encryptionKey }) => authKey || encryptionKey);
  return action === "up" && hasKeys ? ["# keys are not shown: each <secret, ...> stands for one"] : [];
}

function header(variablesOf: VariablesOf): string[] {
  const { PLUTO_VERB: _, ...variables } = variablesOf("up");
  const names = Object.keys(variables);
  const exports: string[] = [];
  for (let at = 0; at < names.length; at += EXPORTED_PER_LINE) {
    exports.push(`export ${names.slice(at, at + EXPORTED_PER_LINE).join(" ")}`);
  }
  return [
    `PATH="${PATH}"`,
    "export PATH",
    ...names.map((name) => `${name}=${name === "PLUTO_CONNECTION" ? `"${variables[name]}"` : quoted(variables[name])}`),
    ...exports,
  ];
}

function quoted(value: string): string {
  return PLAIN.test(value) || value === "" ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

/** Steps that must all succeed end in `&&`; those that take a connection down are each tried. */
function block(action: ManualAction, conn: ManualConn, variablesOf: VariablesOf): string[] {
  const steps = manualPlan(action, conn).map((step) => stepCommand(step, conn, variablesOf));
  if (action !== "down") return [...steps.map((command) => `${command} &&`), "true"];
  const [updown, ...rest] = steps;
  return [`${updown} `, "# do not delete route", ...rest];
}

/** One step as a command, over several lines. */
export function stepCommand(step: ManualStep, conn: ManualConn, variablesOf: VariablesOf): string {
  const label = `--label "${conn.name}"`;
  switch (step.kind) {
    case "addSa":
      return `ipsec spi ${label} --af ${familyOf(step.sa.id)} --said ${said(step.sa.id)} \\\n\t${saWords(step.sa)}`;
    case "group":
      return `ipsec spigrp ${label} --said ${step.ids.map(said).join(" ")} `;
    case "policy":
      return `ipsec eroute ${label} ${flowFamily(step.flow)} --addin \\\n\t${flowWords(step.flow)} --said ${
        said(step.id)
      }`;
    case "replaceEroute":
      return `ipsec eroute ${label} ${flowFamily(step.flow)} --replace \\\n\t${flowWords(step.flow)} --said ${
        said(step.id)
      }`;
    case "deleteEroute":
      return `ipsec eroute ${label} ${flowFamily(step.flow)} --del \\\n\t${flowWords(step.flow)}`;
    case "deleteSa":
      return `ipsec spi ${label} --af ${familyOf(step.id)} --del --said ${said(step.id)}   # ${step.direction}`;
    case "updown":
      return `PLUTO_VERB=${variablesOf(step.verb).PLUTO_VERB} ${conn.updown}`;
  }
}

function saWords({ kind, algorithm, id, source, replayWindow, authKey, encryptionKey }: ManualSa): string {
  const from = `--src ${formatAddress(source)}`;
  if (kind === "tunnel") {
    return `${familyOf(id) === "inet" ? "--ip4" : "--ip6"} ${from} --dst ${formatAddress(id.destination)}`;
  }
  return [
    `--${kind} ${algorithm} ${from}`,
    ...(authKey ? [`--authkey '${authKey}'`] : []),
    ...(replayWindow ? [`--replay_window ${replayWindow}`] : []),
    ...(encryptionKey ? [`--enckey '${encryptionKey}'`] : []),
  ].join(" \\\n\t");
}

function said(id: SaId): string {
  return formatSaId(id, "x");
}

function familyOf({ destination }: SaId): string {
  return destination.family;
}

function flowFamily({ source }: ManualFlow): string {
  return `--eraf ${source.address.family}`;
}

function flowWords({ source, destination }: ManualFlow): string {
  return `--src ${formatSubnet(source)} --dst ${formatSubnet(destination)}`;
}
