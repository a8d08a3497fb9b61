/**
 * How this very program is started again: a daemon or a helper is the same executable with other arguments.
 * The kind is told by where this module lies, so that an inherited IPSEC_SELF does not mislead a checkout.
 */
export type SelfKind = "checkout" | "compile" | "extract";

/** What every `deno run` of the program is given: all it needs lies beside it, and nobody is there to answer prompts. */
export const RUN_FLAGS = ["-A", "--no-prompt", "--no-config", "--no-lock", "--cached-only"] as const;

const HERE = "/lib/system/self.ts";

/** What node:url's fileURLToPath does, whose loading takes longer than the rest of a short command. */
function pathOf(fileUrl: string): string {
  return decodeURIComponent(new URL(fileUrl).pathname);
}

export function selfKind(): SelfKind {
  if (Deno.build.standalone) return "compile";
  return import.meta.url.endsWith(HERE) ? "checkout" : "extract";
}

/** @returns the words that start `ipsec`, to be followed by the subcommand; the first is an absolute path */
export function selfCommand(): [program: string, ...words: string[]] {
  switch (selfKind()) {
    case "compile":
      return [Deno.execPath()];
    case "checkout": {
      const root = pathOf(import.meta.url.slice(0, -HERE.length));
      // no --no-config here: deno.json of the checkout names the packages
      return [Deno.execPath(), "run", "-A", "--no-prompt", `${root}/ipsec.ts`];
    }
    case "extract": {
      const file = Deno.env.get("IPSEC_SELF");
      return file ? [file] : [Deno.execPath(), "run", ...RUN_FLAGS, pathOf(Deno.mainModule)];
    }
  }
}

/** @returns the path of the single file; undefined in a checkout */
export function singleFile(): string | undefined {
  return selfKind() === "checkout" ? undefined : selfCommand()[0];
}
