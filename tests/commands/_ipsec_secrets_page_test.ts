/** What ipsec.secrets(5) says is what the reader does. */
import { deepEqual, ok } from "node:assert/strict";
import { ipsecSecretsPage } from "../../commands/_ipsec_secrets_page.ts";
import { readSecrets } from "../../lib/config/secrets.ts";
import { formatIdentity, parseIdentity } from "../../lib/text/identity.ts";
import { secretFiles } from "../config/_secret_files.ts";

const page = ipsecSecretsPage();

/** The lines of code that begin with a line of that text, without their indent. */
function codeFrom(text: string): string {
  const lines = page.slice(page.indexOf(`    ${text}`)).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("    "));
  return `${lines.slice(0, end).map((line) => line.slice(4)).join("\n")}\n`;
}

Deno.test("the example of ipsec.secrets(5) reads without complaint, but for an include that matches nothing", () => {
  const { entries, complaints } = readSecrets("/s", secretFiles({ "/s": codeFrom("# two gateways") }));
  deepEqual(entries.map(({ ids, key }) => [key.kind, ids.map(formatIdentity).join(" ")]), [
    ["PSK", "10.0.0.1 10.0.0.2"],
    ["PSK", "10.0.0.1 %any"],
    ["PSK", "www.example.com @gateway.example.com 10.6.0.1 10.7.0.1"],
    ["RSA file", "@east.example.com"],
    ["XAUTH", ""],
  ]);
  deepEqual(complaints.map(({ severity, message }) => [severity, message]), [
    ["warning", 'no secrets filename matched "/ipsec.*.secrets"'],
  ]);
});

Deno.test("every index that ipsec.secrets(5) shows is one", () => {
  const [, section] = page.split("## INDICES\n");
  const shown = [...section.split("\n## ")[0].matchAll(/^(`.*)$/gm)].flatMap(([line]) =>
    [...line.matchAll(/`([^`]+)`/g)].map(([, index]) => index)
  );
  ok(shown.length >= 9, shown.join());
  deepEqual(shown.filter((index) => !parseIdentity(index).ok), []);
});
