import { deepEqual, equal } from "node:assert/strict";
import { BoundedWriter } from "../../lib/system/bounded_writer.ts";

/** Takes two bytes at a time, once it is let; fails where told. */
class SlowStream {
  readonly written: number[] = [];
  readonly open = Promise.withResolvers<void>();

  async write(bytes: Uint8Array): Promise<number> {
    await this.open.promise;
    const taken = bytes.subarray(0, 2);
    this.written.push(...taken);
    return taken.length;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("messages are written whole and in order", async () => {
  const stream = new SlowStream();
  const writer = new BoundedWriter(stream, 100);
  equal(writer.send(Uint8Array.of(1, 2, 3)), true);
  equal(writer.send(Uint8Array.of(4)), true);
  stream.open.resolve();
  await settled();
  equal(writer.send(Uint8Array.of(5, 6)), true);
  await settled();
  deepEqual(stream.written, [1, 2, 3, 4, 5, 6]);
});

Deno.test("what is too much is lost, until there is room again", async () => {
  const stream = new SlowStream();
  const writer = new BoundedWriter(stream, 4);
  equal(writer.send(Uint8Array.of(1, 2, 3)), true);
  equal(writer.send(Uint8Array.of(8, 8)), false);
  stream.open.resolve();
  await settled();
  equal(writer.send(Uint8Array.of(4, 5)), true);
  await settled();
  deepEqual(stream.written, [1, 2, 3, 4, 5]);
});

Deno.test("a stream that fails is told of once, and what waited is lost", async () => {
  const stream = new SlowStream();
  let failures = 0;
  const writer = new BoundedWriter(stream, 100, () => failures++);
  writer.send(Uint8Array.of(1));
  writer.send(Uint8Array.of(2));
  stream.open.reject(new Error("broken pipe"));
  await settled();
  equal(failures, 1);
  deepEqual(stream.written, []);
});
