import { deepEqual, equal } from "node:assert/strict";
import { notifyService } from "../../lib/system/service_notify.ts";
import { Syslog, syslogMessage } from "../../lib/system/syslog.ts";
import { parseSyslogPriority } from "../../lib/text/syslog_priority.ts";
import { UnixReceiver } from "../_unix_receiver.ts";

const PRIORITIES: [text: string, priority: number | undefined][] = [
  ["daemon.error", 27],
  ["kern.emerg", 0],
  ["authpriv.info", 86],
  ["local7.debug", 191],
  ["security.panic", 32],
  ["DAEMON.Err", 27],
  ["daemon", undefined],
  ["daemon.", undefined],
  ["daemon.error.more", undefined],
  ["demon.error", undefined],
  ["daemon.loud", undefined],
  ["constructor.error", undefined],
];
for (const [text, priority] of PRIORITIES) {
  Deno.test(`parseSyslogPriority() of ${text} is ${priority ?? "refused"}`, () => {
    const parsed = parseSyslogPriority(text);
    equal(parsed.ok ? parsed.value : undefined, priority);
  });
}

const NOW = new Date(2026, 2, 4, 5, 6, 7);

async function withFolder(use: (folder: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Syslog sends a message for each line, as RFC 3164 has them", () =>
  withFolder((folder) => {
    const path = `${folder}/log`;
    using receiver = new UnixReceiver(path);
    using syslog = new Syslog({ priority: 27, tag: "ipsec_setup", path, now: () => NOW });
    syslog.write("one\ntwo");
    deepEqual(receiver.messages, ["<27>Mar  4 05:06:07 ipsec_setup: one", "<27>Mar  4 05:06:07 ipsec_setup: two"]);
  }));

Deno.test("Syslog finds a daemon that comes later, and one that is started anew", () =>
  withFolder((folder) => {
    const path = `${folder}/log`;
    using syslog = new Syslog({ priority: 27, tag: "t", path, now: () => NOW });
    syslog.write("nobody hears this");
    {
      using first = new UnixReceiver(path);
      syslog.write("first");
      equal(first.messages.length, 1);
    }
    Deno.removeSync(path);
    using second = new UnixReceiver(path);
    syslog.write("second");
    deepEqual(second.messages, ["<27>Mar  4 05:06:07 t: second"]);
  }));

Deno.test("syslogMessage() cuts what no receiver must take", () => {
  equal(syslogMessage(27, "t", "x".repeat(5000), NOW).length, 1024);
});

for (const abstract of [false, true]) {
  Deno.test(`notifyService() tells a service manager at ${abstract ? "an abstract name" : "a path"}`, () =>
    withFolder((folder) => {
      const path = abstract ? `@${folder}` : `${folder}/notify`;
      using receiver = new UnixReceiver(path);
      equal(notifyService((name) => name === "NOTIFY_SOCKET" ? path : undefined, "READY=1"), true);
      deepEqual(receiver.messages, ["READY=1"]);
    }));
}

Deno.test("notifyService() does nothing where no manager listens, or there is none", () => {
  equal(notifyService(() => "/nonexistent/notify", "READY=1"), false);
  equal(notifyService(() => undefined, "READY=1"), false);
});
