/** Files of a test, in place of a disk. */
import type { SecretsFileSystem } from "../../lib/config/secrets.ts";

export type Contents = Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>;

export function secretFiles(contents: Contents): SecretsFileSystem {
  return {
    read(path) {
      if (!Object.hasOwn(contents, path)) return "No such file or directory";
      const file = contents[path];
      const { text, mode } = typeof file === "string" ? { text: file, mode: 0o600 } : file;
      return { text, mode, identity: path };
    },
    list(directory) {
      const folder = directory.endsWith("/") ? directory : `${directory}/`;
      return Object.keys(contents).filter((path) => path.startsWith(folder) && !path.slice(folder.length).includes("/"))
        .map((path) => path.slice(folder.length));
    },
  };
}
