import type { Snapshot } from '../model';

export interface SnapshotRow {
  snapshot: Snapshot;
  depth: number;
}

/** Parents before children, oldest first; a snapshot whose parent is not known stands at the root, and nothing is drawn twice or for ever. */
export function snapshotTree(snapshots: readonly Snapshot[]): SnapshotRow[] {
  const names = new Set(snapshots.map((snapshot) => snapshot.name));
  const children = new Map<string, Snapshot[]>();
  for (const snapshot of [...snapshots].sort((a, b) => a.createdAt.localeCompare(b.createdAt))) {
    const parent = snapshot.parent !== undefined && names.has(snapshot.parent) && snapshot.parent !== snapshot.name ? snapshot.parent : '';
    children.set(parent, [...(children.get(parent) ?? []), snapshot]);
  }
  const rows: SnapshotRow[] = [];
  const seen = new Set<string>();
  const add = (parent: string, depth: number) => {
    for (const snapshot of children.get(parent) ?? []) {
      if (!seen.has(snapshot.name)) {
        seen.add(snapshot.name);
        rows.push({ snapshot, depth });
        add(snapshot.name, depth + 1);
      }
    }
  };
  add('', 0);
  // A circle of parents has no root.
  rows.push(...snapshots.filter((snapshot) => !seen.has(snapshot.name)).map((snapshot) => ({ snapshot, depth: 0 })));
  return rows;
}
