import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatPercent, formatRate, formatTime, formatUptime, formatWord, parseBytes, unknown } from '../src/format';

test('formatBytes takes the largest unit that keeps the number below 1024, with at most one decimal', () => {
  const expected: [number, string][] = [
    [0, '0 B'], [1, '1 B'], [1023, '1023 B'], [1024, '1 KiB'], [1536, '1.5 KiB'], [102_400, '100 KiB'], [1_048_575, '1 MiB'], [268_435_456, '256 MiB'],
    [2 ** 30, '1 GiB'], [1.5 * 2 ** 40, '1.5 TiB'], [2 ** 60, '1024 PiB'], [-2048, '-2 KiB'],
  ];
  for (const [bytes, text] of expected) {
    assert.equal(formatBytes(bytes), text);
  }
});

test('what is not known is a dash, never zero', () => {
  for (const text of [formatBytes(undefined), formatBytes(NaN), formatRate(undefined), formatPercent(undefined), formatPercent(Infinity), formatUptime(undefined), formatTime(undefined), formatTime('no date')]) {
    assert.equal(text, unknown);
  }
});

test('formatUptime says the two largest units', () => {
  const expected: [number, string][] = [[0, '0 s'], [-3, '0 s'], [59.9, '59 s'], [60, '1 min'], [61, '1 min 1 s'], [3599, '59 min 59 s'], [3600, '1 h'], [3725, '1 h 2 min'], [86_400, '1 d'], [200_000, '2 d 7 h']];
  for (const [seconds, text] of expected) {
    assert.equal(formatUptime(seconds), text);
  }
});

test('formatPercent keeps a decimal where it matters', () => {
  assert.equal(formatPercent(0), '0.0 %');
  assert.equal(formatPercent(0.0342), '3.4 %');
  assert.equal(formatPercent(0.0996), '10 %');
  assert.equal(formatPercent(1), '100 %');
});

test('formatTime shows the date only when it is not today’s', () => {
  const now = new Date(2026, 10, 21, 12, 0, 0);
  assert.equal(formatTime(new Date(2026, 10, 21, 2, 3, 4).toISOString(), now), '02:03:04');
  assert.equal(formatTime(new Date(2026, 10, 20, 23, 59, 59).toISOString(), now), '2026-11-20 23:59:59');
});

test('parseBytes takes what people type and nothing else', () => {
  assert.equal(parseBytes('2GiB'), 2 ** 31);
  assert.equal(parseBytes(' 512 MiB '), 2 ** 29);
  assert.equal(parseBytes('1.5g'), 1.5 * 2 ** 30);
  assert.equal(parseBytes('1024'), 1024);
  assert.equal(parseBytes('256', 'M'), 2 ** 28);
  assert.equal(parseBytes('256 B', 'M'), 256);
  for (const text of ['', 'G', '-1', '1e9', '1 GiB!', '0x10', '1,5 GiB', '99999999P']) {
    assert.equal(parseBytes(text), undefined, text);
  }
});

test('every size that is shown can be typed again', () => {
  for (const bytes of [1, 512, 1024, 1536, 2 ** 20, 256 * 2 ** 20, 2 ** 30, 20 * 2 ** 30, 2 ** 40]) {
    assert.equal(parseBytes(formatBytes(bytes)), bytes);
  }
});

test('formatWord reads camelCase and kebab-case as words', () => {
  assert.equal(formatWord('atNextStart'), 'at next start');
  assert.equal(formatWord('not-found'), 'not found');
});
