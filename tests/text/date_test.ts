import { equal } from "node:assert/strict";
import { ctime } from "../../lib/text/date.ts";

Deno.test("ctime() writes dates as C does", () => {
  equal(ctime(new Date(2003, 0, 2, 12, 41, 4)), "Thu Jan  2 12:41:04 2003");
  equal(ctime(new Date(2026, 10, 24, 0, 0, 0)), "Tue Nov 24 00:00:00 2026");
});

for (const zone of ["UTC", "America/New_York"]) {
  Deno.test(`dateText() writes what date(1) does in ${zone}`, async () => {
    const env = { TZ: zone, LC_ALL: "C" };
    const words = { args: ["-d", "@1795766482", "+%a %b %e %H:%M:%S %Z %Y"], env };
    const { stdout } = await new Deno.Command("date", words).output();
    const source = `import { dateText } from ${JSON.stringify(import.meta.resolve("../../lib/text/date.ts"))};
      console.log(dateText(new Date(1795766482000)));`;
    const ours = await new Deno.Command(Deno.execPath(), { args: ["eval", source], env }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    equal(text(ours.stdout), text(stdout), text(ours.stderr));
  });
}
