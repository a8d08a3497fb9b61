/** Where pluto's SPIs come from. */
import { ok, strictEqual as equal, throws } from "node:assert/strict";
import { SpiSource } from "../../lib/pluto/spi_source.ts";

const LOWEST_CPI = 256, HIGHEST_CPI = 61439, CPIS = HIGHEST_CPI - LOWEST_CPI + 1;

/** @param at where SPIs and CPIs begin */
function source(at: number): SpiSource {
  return new SpiSource((bytes) => {
    const view = new DataView(new ArrayBuffer(bytes));
    for (let i = 0; i < bytes; i += 4) view.setUint32(i, at);
    return new Uint8Array(view.buffer);
  });
}

Deno.test("SpiSource gives ESP and AH one sequence, which goes round above the reserved numbers", () => {
  const spis = source(0xffffffff - 0x1000 - 1);
  const given = (["esp", "ah", "esp"] as const).map((protocol) => spis.take(protocol, () => new Set()));
  equal(given.map((spi) => spi.toString(16)).join(" "), "fffffffe ffffffff 1000");
});

Deno.test("SpiSource gives each CPI once, and again what is free by then", () => {
  const spis = source(77);
  const given = new Set<number>();
  for (let i = 0; i < CPIS; i++) given.add(spis.take("ipcomp", () => given));
  equal(given.size, CPIS);
  ok(given.has(LOWEST_CPI) && given.has(HIGHEST_CPI));
  given.delete(4711);
  given.delete(4712);
  equal(spis.take("ipcomp", () => given), 4711);
  given.add(4711);
  equal(spis.take("ipcomp", () => given), 4712);
  given.add(4712);
  throws(() => spis.take("ipcomp", () => given), /Cannot allocate an SPI for ipcomp/);
});
