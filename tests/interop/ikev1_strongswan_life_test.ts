/**
 * IKEv1 with strongSwan: keys are replaced by either end while data flows, the dead are found out by either end, and
 * either end may vanish and come back.
 */
import { equal, match, ok } from "node:assert/strict";
import { fourHosts, until } from "../../tools/_net.ts";
import { murder } from "../netns/_setup.ts";
import { scenario } from "../netns/_scenario.ts";
import { AT, ourConn, SECRETS, startOffice, theirOffice } from "./_office.ts";
import { SteadyPing } from "./_steady_ping.ts";

const CHILD_UP = /CHILD_SA net\{(\d+)\} established/g;
const IKE_UP = /IKE_SA office\[(\d+)\] established/g;
/** A second. */
const MOMENT_OF_PINGS = 20;
const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

scenario("strongSwan: ours replaces the keys of both phases while data flows", fourHosts, async (four) => {
  // phase 2 is replaced after 3 seconds, phase 1 after 5
  const lives = { keylife: "6s", ikelifetime: "8s", rekeymargin: "3s", rekeyfuzz: "0%" };
  const { pluto, charon } = await startOffice(
    four,
    { conns: [ourConn("office", lives)], secrets: SECRETS },
    theirOffice(),
  );
  await pluto.up("office");
  const ping = await SteadyPing.start(four.sunset, AT.sunrise);
  await until("both phases are replaced twice", () => {
    return count(charon.log, CHILD_UP) >= 3 && count(charon.log, IKE_UP) >= 3;
  }, 30_000);
  await ping.goesOn();
  await ping.lostWhatOvertook(count(pluto.log, /initiating Quick Mode .* to replace/g));
  match(pluto.log, /initiating Quick Mode .* to replace #\d+/);
  match(pluto.log, /initiating Main Mode to replace #\d+/);
  await until("what was replaced is gone", async () => (await pluto.established("ipsec")).length <= 2);
}, ["charon"]);

scenario("strongSwan: it replaces the keys of both phases, and no ping is lost", fourHosts, async (four) => {
  const { pluto, charon } = await startOffice(
    four,
    { conns: [ourConn()], secrets: SECRETS },
    theirOffice(),
  );
  await charon.swanctl("--initiate --child net");
  const ping = await SteadyPing.start(four.sunset, AT.sunrise);
  for (const words of ["--child net", "--child net", "--ike office", "--child net"]) {
    const before = charon.log.length;
    await charon.swanctl(`--rekey ${words}`);
    await charon.says(
      words.startsWith("--child") ? /CHILD_SA net\{\d+\} established/ : /IKE_SA office\[\d+\] established/,
      before,
    );
    await ping.goesOn();
  }
  await ping.lostNothing();
  ok((await pluto.established("ipsec")).length >= 1);
  await charon.swanctl("--terminate --ike office");
  await until("ours has no state left", async () => (await pluto.states()).length === 0);
}, ["charon"]);

// One asks at a time: whoever hears a question has no reason to ask.
scenario("strongSwan: we ask an idle peer, and find out that it is dead", fourHosts, async (four) => {
  const dpd = { dpddelay: "1", dpdtimeout: "3", dpdaction: "restart", keyingtries: "0" };
  const { pluto, charon } = await startOffice(
    four,
    { conns: [ourConn("office", dpd)], secrets: SECRETS },
    theirOffice(),
  );
  await pluto.up("office");
  await charon.says(/parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD\) \]/);

  await charon.kill();
  await pluto.says(/DPD: No response from peer - declaring peer dead/);
  await charon.again();
  await charon.established();
  await until("data flows again", () => four.sunset.canPing(AT.sunrise));
}, ["charon"]);

scenario("strongSwan: an idle peer asks us, is answered, and finds out that we are dead", fourHosts, async (four) => {
  const { pluto, charon } = await startOffice(
    four,
    { conns: [ourConn("office")], secrets: SECRETS },
    theirOffice({ dpd_delay: "1s", dpd_timeout: "3s" }, { dpd_action: "clear" }),
  );
  await pluto.up("office");
  await charon.says(/parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD_ACK\) \]/);

  // a pluto that is stopped, not one that is killed: the supervisor would start another
  Deno.kill(pluto.pid, "SIGSTOP");
  try {
    await charon.says(/DPD check timed out/);
    await until("strongSwan has no SA left", async () => (await charon.sas()).length === 0);
  } finally {
    Deno.kill(pluto.pid, "SIGCONT");
  }
}, ["charon"]);

scenario("strongSwan: each end restarts, with and without a word to the other", fourHosts, async (four) => {
  const { sunset, west, step } = four;
  const { pluto, charon } = await startOffice(
    four,
    { conns: [ourConn("office", { auto: "start", keyingtries: "0" })], secrets: SECRETS },
    theirOffice(),
  );
  await charon.established();
  const flows = () => until("data flows", () => sunset.canPing(AT.sunrise));
  await flows();

  await step("pluto is killed: KLIPS goes on, the supervisor starts another one, which keys anew", async () => {
    const ping = await SteadyPing.start(sunset, AT.sunrise);
    const before = charon.log.length;
    await murder(pluto.pid);
    await charon.says(/CHILD_SA net\{\d+\} established/, before);
    await ping.goesOn();
    // our INITIAL-CONTACT has strongSwan forget its SAs a moment before there are others
    ok(await ping.stop() < MOMENT_OF_PINGS);
    await pluto.has(1, "office");
  });

  await step("ipsec setup restart", async () => {
    const before = charon.log.length;
    await west.ipsec("setup restart");
    await charon.says(/received DELETE for IKE_SA/, before);
    await charon.says(/CHILD_SA net\{\d+\} established/, before);
    await flows();
    equal((await charon.sas()).length, 1);
  });

  await step("strongSwan is killed and begins anew: its earlier SAs are forgotten", async () => {
    const [{ number: former }] = await pluto.has(1, "office");
    await charon.kill();
    await charon.again();
    await charon.swanctl("--initiate --child net");
    await flows();
    await until("the earlier ones are gone", async () => {
      return (await pluto.established("ipsec")).every(({ number }) => number > former);
    });
  });

  await step("strongSwan stops: its Delete is obeyed", async () => {
    await charon.stop();
    await pluto.says(/received Delete SA payload/);
    await until("no IPsec SA is left, or it is being replaced", async () => {
      return (await pluto.established("isakmp")).length === 0;
    });
  });
}, ["charon"]);
