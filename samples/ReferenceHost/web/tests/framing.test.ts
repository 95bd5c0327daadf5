import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOffSeconds, decodeFrame, encodeFrame, maxPayloadBytes, ReceiveWindow, SendWindow, windowBytes } from '../src/socket/framing';

test('a frame is four bytes channel, big endian, and the payload', () => {
  assert.deepEqual([...encodeFrame(0x01020304, Uint8Array.of(9, 8))], [1, 2, 3, 4, 9, 8]);
  assert.deepEqual([...encodeFrame(7, new Uint8Array())], [0, 0, 0, 7]);
});

test('decoding gives back what was encoded, for the highest channel too', () => {
  for (const channel of [0, 1, 255, 65_536, 0xffffffff]) {
    const decoded = decodeFrame(encodeFrame(channel, Uint8Array.of(1, 2, 3)).buffer);
    assert.equal(decoded?.channel, channel);
    assert.deepEqual([...decoded!.payload], [1, 2, 3]);
  }
});

test('a frame shorter than its channel is no frame', () => {
  for (let length = 0; length < 4; length++) {
    assert.equal(decodeFrame(new ArrayBuffer(length)), undefined);
  }
});

function collect(maxQueuedBytes?: number) {
  const sent: number[] = [];
  const bytes: number[] = [];
  const window = new SendWindow((payload) => {
    sent.push(payload.length);
    bytes.push(...payload);
  }, maxQueuedBytes);
  return { sent, bytes, window, total: () => sent.reduce((sum, size) => sum + size, 0) };
}

test('a sender stops at the window and goes on with the credit', () => {
  const { window, total, sent } = collect();
  assert.equal(window.send(new Uint8Array(windowBytes + 1000)), true);
  assert.equal(total(), windowBytes);
  assert.ok(sent.every((size) => size <= maxPayloadBytes));
  window.credit(400);
  assert.equal(total(), windowBytes + 400);
  window.credit(10_000);
  assert.equal(total(), windowBytes + 1000);
});

test('bytes keep their order across partial credit', () => {
  const { window, bytes } = collect();
  window.send(new Uint8Array(windowBytes));
  window.send(Uint8Array.of(1, 2, 3));
  window.send(Uint8Array.of(4, 5));
  window.credit(2);
  window.credit(2);
  window.credit(100);
  assert.deepEqual(bytes.slice(windowBytes), [1, 2, 3, 4, 5]);
});

test('credit that nobody is owed does not widen the window', () => {
  const { window, total } = collect();
  window.credit(1_000_000);
  window.send(new Uint8Array(2 * windowBytes));
  assert.equal(total(), windowBytes);
});

test('what waits is bounded: a send that does not fit is refused whole', () => {
  const { window, total } = collect(windowBytes);
  assert.equal(window.send(new Uint8Array(windowBytes)), true);
  assert.equal(window.send(new Uint8Array(windowBytes)), true);
  assert.equal(window.send(Uint8Array.of(1)), false);
  assert.equal(total(), windowBytes);
});

test('a receiver credits what it has consumed, in few messages and completely', () => {
  const grants: number[] = [];
  const window = new ReceiveWindow((bytes) => grants.push(bytes), 1000);
  window.consumed(999);
  assert.deepEqual(grants, []);
  window.consumed(500);
  assert.deepEqual(grants, [1499]);
  window.consumed(1000);
  assert.deepEqual(grants, [1499, 1000]);
});

test('two ends that obey the window never stall', () => {
  let received = 0;
  const credit = new ReceiveWindow((bytes) => sender.credit(bytes));
  const sender: SendWindow = new SendWindow((payload) => {
    received += payload.length;
    queueMicrotask(() => credit.consumed(payload.length));
  }, 64 * 1024 * 1024);
  sender.send(new Uint8Array(5_000_000));
  return new Promise<void>((resolve) => setImmediate(resolve)).then(() => assert.equal(received, 5_000_000));
});

test('the back-off grows, has a ceiling and is never nothing', () => {
  assert.equal(backOffSeconds(0, () => 0), 0.5);
  assert.equal(backOffSeconds(3, () => 0), 4);
  assert.equal(backOffSeconds(500, () => 0), 15);
  assert.ok(backOffSeconds(0, () => 0.999) > 0.37);
});
