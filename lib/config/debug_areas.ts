/** What `klipsdebug=` and `plutodebug=` may name beside `none` and `all`. */

/** klips.md §6; tests compare them with what `ipsec klipsdebug --set` takes. */
export const KLIPS_AREAS = [
  ..."tunnel tunnel-xmit netlink xform eroute spi radij esp ah rcv pfkey comp ipcomp verbose".split(" "),
];

/** pluto.md §3.4, and of later versions `natt`, `dpd` and `x509`. */
export const PLUTO_AREAS = [
  ..."raw crypt parsing emitting control lifecycle klips dns oppo controlmore pfkey private natt dpd x509".split(" "),
];
