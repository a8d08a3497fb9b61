import { match, ok } from "node:assert/strict";
import { eroute } from "../../commands/eroute.ts";
import { klipsdebug } from "../../commands/klipsdebug.ts";
import { look } from "../../commands/look.ts";
import { pfKey } from "../../commands/pf_key.ts";
import { spi } from "../../commands/spi.ts";
import { spigrp } from "../../commands/spigrp.ts";
import { tncfg } from "../../commands/tncfg.ts";
import { AUTHENTICATORS, CIPHERS } from "../../lib/crypto/algorithms.ts";

for (const command of [eroute, klipsdebug, look, pfKey, spi, spigrp, tncfg]) {
  Deno.test(`the manual of ${command.name} has its sections and every option of the usage text`, () => {
    for (const title of ["DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"]) {
      match(command.manual, new RegExp(`^## ${title}$`, "m"));
    }
    for (const [option] of command.usage().matchAll(/--[a-z_0-9]+[-a-z_0-9]*/g)) {
      ok(command.manual.includes(option), option);
    }
  });
}

Deno.test("the manual of spi names every algorithm with the bits of its key", () => {
  for (const [name, { keyBits }] of [...Object.entries(CIPHERS), ...Object.entries(AUTHENTICATORS)]) {
    ok(spi.manual.includes(`\`${name}\``), name);
    ok(spi.manual.includes(String(keyBits)), `${name}: ${keyBits}`);
  }
});
