/** `ipsec showhostkey --pem` and `--from`: openssl(1) reads our key, and we read what it writes. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { newhostkey } from "../../commands/newhostkey.ts";
import { showhostkey } from "../../commands/showhostkey.ts";
import { run } from "../../tools/_net.ts";
import { ConfFolder } from "../commands/_conf_folder.ts";
import { testWith } from "./_needs.ts";

const openssl = (...args: string[]) => run(["openssl", ...args]);

testWith(["openssl"], "showhostkey --pem: openssl reads it, and --from reads it again", async () => {
  using folder = new ConfFolder();
  equal((await folder.run(newhostkey, ["--bits", "2048"])).status, 0);
  const line = (await folder.run(showhostkey, ["--right"])).stdout.replace(/^.*\n/, "");
  const { stdout: pem } = await folder.run(showhostkey, ["--pem"]);
  folder.write("own.pem", pem);
  equal(await openssl("pkey", "-pubin", "-in", folder.file("own.pem"), "-pubout"), pem);
  deepEqual(await folder.run(showhostkey, ["--right", "--from", folder.file("own.pem")]), {
    status: 0,
    stdout: line,
    stderr: "",
  });
});

const REFUSED: Readonly<Record<string, string>> = {
  key: "holds a private key; its public one is made with: openssl pkey -pubout",
  ec: "holds a public key, but none of RSA",
  damaged: "is damaged, or no public key",
  empty: "holds no public key in PEM",
};

testWith(["openssl"], "showhostkey --from: keys and certificates of openssl, and what is none", async () => {
  using folder = new ConfFolder();
  folder.write("key", await openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"));
  const spki = await openssl("pkey", "-in", folder.file("key"), "-pubout");
  const forms = {
    spki,
    pkcs1: await openssl("rsa", "-in", folder.file("key"), "-RSAPublicKey_out"),
    certificate: await openssl("req", "-x509", "-key", folder.file("key"), "-subj", "/CN=east"),
  };
  for (const [name, text] of Object.entries(forms)) {
    folder.write(name, text);
    const ran = await folder.run(showhostkey, ["--pem", "--from", folder.file(name)]);
    deepEqual(ran, { status: 0, stdout: spki, stderr: "" }, name);
  }
  folder.write("ec-key", await openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"));
  folder.write("ec", await openssl("pkey", "-in", folder.file("ec-key"), "-pubout"));
  folder.write("damaged", spki.replace(/\n[A-Za-z0-9+/]{40}/, "\n"));
  folder.write("empty", "");
  for (const [name, why] of Object.entries(REFUSED)) {
    const stderr = `ipsec showhostkey: ${folder.file(name)} ${why}\n`;
    deepEqual(await folder.run(showhostkey, ["--right", "--from", folder.file(name)]), {
      status: 1,
      stdout: "",
      stderr,
    });
  }
});
