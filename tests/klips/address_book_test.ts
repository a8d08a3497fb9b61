import { deepEqual, equal, notEqual } from "node:assert/strict";
import { AddressBook } from "../../lib/klips/address_book.ts";
import { SmallBytes } from "../../lib/packet/small_bytes.ts";
import { EAST, espExtensions, ip, WEST } from "./_station.ts";

const FORGETS_AFTER = 1024;
const other = (i: number) => ip(`10.0.${i >>> 8}.${i & 0xff}`);

Deno.test("AddressBook.share() gives one object for equal addresses, and others for others", () => {
  const book = new AddressBook(new SmallBytes());
  const first = book.share(ip(WEST));
  deepEqual(first, ip(WEST));
  equal(book.share(ip(WEST)), first);
  notEqual(book.share(ip(EAST)), first);
  notEqual(book.share(ip("::c001:0217")), first);
});

Deno.test("AddressBook.share() does not depend on what the caller does with its own bytes", () => {
  const book = new AddressBook(new SmallBytes());
  const mine = ip(WEST);
  const shared = book.share(mine);
  mine.bytes.fill(0);
  deepEqual(shared, ip(WEST));
});

Deno.test("AddressBook.share() remembers what is asked for now and then, and forgets the rest", () => {
  const book = new AddressBook(new SmallBytes());
  const busy = book.share(ip(WEST)), idle = book.share(ip(EAST));
  for (let i = 0; i < 2 * FORGETS_AFTER; i++) {
    book.share(other(i));
    if (i % 100 === 0) equal(book.share(ip(WEST)), busy);
  }
  notEqual(book.share(ip(EAST)), idle);
});

Deno.test("AddressBook.shareAll() changes nothing but which objects addresses are", () => {
  const book = new AddressBook(new SmallBytes());
  const given = espExtensions(0x100);
  const shared = book.shareAll(given);
  deepEqual(shared, given);
  equal(shared.source!.address, book.share(ip(WEST)));
  equal(shared.destination!.address, book.share(ip(EAST)));
});
