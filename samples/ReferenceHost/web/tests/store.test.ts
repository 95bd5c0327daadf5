import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceMetrics, Snapshot } from '../src/model';
import { effectsOf, isHarmful } from '../src/store/effects';
import { plainText } from '../src/store/plain-text';
import { instanceSample, nodeSample, rate, whyMissing } from '../src/store/rates';
import { snapshotTree } from '../src/store/snapshot-tree';
import { emptyForm, parseLabels, serverErrors, toSpec, validate } from '../src/views/create-spec';

const metrics = (second: number, more: Partial<InstanceMetrics>): InstanceMetrics => ({ id: 'a', at: new Date(1_000_000 + second * 1000).toISOString(), ...more });

test('a rate needs two readings, time between them, and a counter that did not go back', () => {
  assert.equal(rate(100, 300, 2), 100);
  for (const [before, after, seconds] of [[undefined, 1, 1], [1, undefined, 1], [5, 4, 1], [1, 2, 0]] as const) {
    assert.equal(rate(before, after, seconds), undefined);
  }
});

test('the processor figure is a share of all processors, and what is not measured is absent', () => {
  const sample = instanceSample(metrics(0, { cpuTime: 10 }), metrics(2, { cpuTime: 12, memoryUsed: 77 }), 4);
  assert.equal(sample.cpu, 0.25);
  assert.equal(sample.memory, 77);
  assert.equal('netReceived' in sample, false);
  assert.equal('cpu' in instanceSample(undefined, metrics(2, { cpuTime: 12 }), 4), false);
});

test('a node’s memory is known only where both halves are', () => {
  const at = new Date(0).toISOString();
  assert.equal(nodeSample(undefined, { node: 'n', at, memoryTotal: 100, memoryAvailable: 30 }).memory, 70);
  assert.equal('memory' in nodeSample(undefined, { node: 'n', at, memoryTotal: 100 }), false);
});

test('the reason for a missing value is found whatever the case of its name', () => {
  const unavailable = { NetworkReceivedBytes: 'no counters' };
  assert.equal(whyMissing(metrics(0, { unavailable }), 'networkReceivedBytes'), 'no counters');
  assert.equal(whyMissing(metrics(0, { unavailable }), 'cpuTime'), undefined);
  assert.equal(whyMissing(undefined, 'cpuTime'), undefined);
});

const snapshot = (name: string, parent?: string): Snapshot => ({ name, createdAt: `2026-01-01T00:00:0${name.length}Z`, ...(parent === undefined ? {} : { parent }) });
const drawn = (snapshots: Snapshot[]) => snapshotTree(snapshots).map(({ snapshot: { name }, depth }) => `${depth}${name}`);

test('snapshots stand beneath their parents, each once', () => {
  assert.deepEqual(drawn([snapshot('ccc', 'bb'), snapshot('dddd', 'a'), snapshot('bb', 'a'), snapshot('a')]), ['0a', '1bb', '2ccc', '1dddd']);
  assert.deepEqual(drawn([snapshot('a', 'gone')]), ['0a']);
});

test('a circle of parents is drawn and does not hang', () => {
  assert.deepEqual(drawn([snapshot('a', 'bb'), snapshot('bb', 'a')]).sort(), ['0a', '0bb']);
  assert.deepEqual(drawn([snapshot('a', 'a')]), ['0a']);
});

test('effects come once and in order, and an unknown one counts as harmful', () => {
  const effects = effectsOf([{ property: 'x', effects: ['destroysData', 'live'] }, { property: 'y', effects: ['live', 'meltsServer'] }]);
  assert.deepEqual(effects, ['live', 'destroysData', 'meltsServer']);
  assert.deepEqual(effects.filter(isHarmful), ['destroysData', 'meltsServer']);
});

test('the console log loses its control sequences and keeps its lines', () => {
  const text = plainText(new TextEncoder().encode('\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07loading 1%\rloading 99%\r\nend\x07\t!'));
  assert.equal(text, 'red\nloading 99%\nend\t!');
});

test('the form becomes a specification with only what was filled in', () => {
  assert.deepEqual(toSpec({ ...emptyForm, name: ' web ', boot: 'kernel', kernelPath: '/k', commandLine: 'quiet', disk: '2', network: 'user', labels: 'a=b' }), {
    kind: 'virtualMachine', name: 'web', sizing: { kind: 'explicit', cpus: 1, memory: 2 ** 28 }, boot: { kind: 'kernel', kernelPath: '/k', commandLine: 'quiet' },
    disks: [{ content: { kind: 'blank', size: 2 ** 31 } }], networks: [{ network: 'user' }], labels: { a: 'b' },
  });
  assert.deepEqual(toSpec({ ...emptyForm, name: 'x', boot: 'image', image: 'base.qcow2', network: '' })['disks'], [{ content: { kind: 'fromImage', image: 'base.qcow2' } }]);
});

test('the form names the fields that cannot be right', () => {
  assert.deepEqual(Object.keys(validate({ ...emptyForm, cpus: '0', memory: 'much', boot: 'iso', labels: 'x' })).sort(), ['cpus', 'image', 'labels', 'memory', 'name']);
  assert.deepEqual(validate({ ...emptyForm, name: 'a', kernelPath: '/k' }), {});
});

test('the server’s complaints land beside their inputs, in either spelling of a path', () => {
  const { known, other } = serverErrors({ 'sizing.memory': 'small', '/disks/0/content/size': 'big', '$.name': 'taken', 'extensions': 'odd' });
  assert.deepEqual(known, { memory: 'small', disk: 'big', name: 'taken' });
  assert.deepEqual(other, ['extensions: odd']);
});

test('labels are pairs', () => {
  assert.deepEqual(parseLabels('a=b, c = d=e ,\nf='), { a: 'b', c: 'd=e', f: '' });
  assert.equal(parseLabels('=b'), undefined);
});
