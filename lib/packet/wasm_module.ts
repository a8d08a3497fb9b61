/** The frame of WebAssembly modules that are assembled by hand (WebAssembly core specification §5). */

/** A whole module. */
export function wasmModule(...sections: readonly number[][]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

export function section(id: number, ...content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** One entry of the code section: locals and instructions. */
export function code(body: readonly number[]): number[] {
  return [...unsigned(body.length), ...body];
}

/** LEB128 of a number below 2^32. */
export function unsigned(number: number): number[] {
  const bytes: number[] = [];
  for (; number > 0x7f; number >>>= 7) bytes.push(number & 0x7f | 0x80);
  return [...bytes, number];
}

/** Signed LEB128 of a number of 64 bits. */
export function signed(number: bigint): number[] {
  const bytes: number[] = [];
  for (; number < -0x40n || number > 0x3fn; number >>= 7n) bytes.push(Number(number & 0x7fn) | 0x80);
  return [...bytes, Number(number & 0x7fn)];
}
