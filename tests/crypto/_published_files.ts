/**
 * Files of published vectors as Debian's python3-cryptography-vectors installs them: NIST CAVP response files and texts
 * of the same shape. Records of `name = value` lines are set apart by blank lines; `[name = value]` holds for all that
 * follow; a bare word such as FAIL is a field without a value.
 */

const FOLDER = "/usr/lib/python3/dist-packages/cryptography_vectors";

/** Field names in lower case; values are hexadecimal, or numbers as written. */
export type VectorRecord = ReadonlyMap<string, string>;

const read = new Map<string, readonly VectorRecord[]>();

/** The records of one file below the package's folder; read once. */
export function publishedRecords(file: string): readonly VectorRecord[] {
  const records = read.get(file) ?? parseRecords(Deno.readTextFileSync(`${FOLDER}/${file}`));
  read.set(file, records);
  return records;
}

function parseRecords(text: string): VectorRecord[] {
  const settings = new Map<string, string>();
  const records: VectorRecord[] = [];
  let fields = new Map<string, string>();
  for (const line of [...text.split(/\r?\n/), ""]) {
    if (line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      const [name, value] = split(line.slice(1, -1));
      settings.set(name, value);
    } else if (line.trim() !== "") {
      const [name, value] = split(line);
      fields.set(name, value);
    } else if (fields.size > 0) {
      records.push(new Map([...settings, ...fields]));
      fields = new Map();
    }
  }
  return records;
}

function split(line: string): [name: string, value: string] {
  const at = line.indexOf("=");
  if (at < 0) return [line.trim().toLowerCase(), ""];
  return [line.slice(0, at).trim().toLowerCase(), hex(line.slice(at + 1).trim())];
}

/** BoringSSL writes some values as quoted text. */
function hex(value: string): string {
  return value.startsWith('"') ? new TextEncoder().encode(value.slice(1, -1)).toHex() : value;
}

/** The first of `names` that the record has. */
export function field(record: VectorRecord, ...names: string[]): string {
  const name = names.find((each) => record.has(each));
  if (name === undefined) throw new Error(`no ${names.join(" or ")} among ${[...record.keys()].join(", ")}`);
  return record.get(name)!;
}
