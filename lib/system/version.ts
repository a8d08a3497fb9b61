/** The version: deno.json is the one place that has it. */
import project from "../../deno.json" with { type: "json" };

/** @returns for example "0.1.0" */
export function versionCode(): string {
  return project.version;
}
