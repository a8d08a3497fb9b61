/** A line of ipsec.d/passwd: a password as crypt(3) has it, by openssl. */
export function passwordLine(user: string, password: string): string {
  const { success, stdout } = new Deno.Command("openssl", {
    args: ["passwd", "-6", "-salt", "forthetests", password],
    stdin: "null",
  }).outputSync();
  if (!success) throw new Error("openssl passwd failed");
  return `${user}:${new TextDecoder().decode(stdout).trim()}\n`;
}
