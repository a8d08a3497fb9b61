/** What systemd is told by a service of Type=notify: sd_notify(3) without its library. */
import { UnixDatagram } from "../ffi/unix_datagram.ts";
import type { Environment } from "./paths.ts";

/**
 * @param state such as `READY=1` or `STATUS=words`, one on each line
 * @returns whether somebody was told: nobody is where NOTIFY_SOCKET is not set
 */
export function notifyService(env: Environment, state: string): boolean {
  const path = env("NOTIFY_SOCKET");
  if (!path) return false;
  try {
    using socket = new UnixDatagram(path);
    return socket.send(new TextEncoder().encode(state));
  } catch {
    return false; // a service goes on without its manager
  }
}
