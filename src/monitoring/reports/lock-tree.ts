/** A session as it waits for others, or keeps others waiting. */
export interface LockNode {
  readonly pid: number;
  /** Those that it waits for; empty for who waits for nobody. */
  readonly blockers: readonly number[];
}

/** A session at its place below the one that it waits for. */
export interface Placed<Node> {
  readonly node: Node;
  readonly depth: number;
  /** The session at the top of its tree. */
  readonly root: number;
}

/**
 * Puts sessions into trees, each below the last in the queue of those that it waits for, and each once. Those of a
 * deadlock, which wait for one another, begin with the first of them.
 * @returns from the top down, whatever hangs below a session right after it
 */
export function lockTree<Node extends LockNode>(nodes: readonly Node[]): Placed<Node>[] {
  const byPid = new Map(nodes.map((node) => [node.pid, node]));
  const depths = new Map<number, number>();
  const depthOf = (pid: number): number => {
    const known = depths.get(pid);
    if (known !== undefined) return known;
    depths.set(pid, 0); // met again only in a deadlock
    const below = (byPid.get(pid)?.blockers ?? []).filter((blocker) => byPid.has(blocker)).map(depthOf);
    const depth = below.length === 0 ? 0 : Math.max(...below) + 1;
    depths.set(pid, depth);
    return depth;
  };
  nodes.forEach(({ pid }) => depthOf(pid));
  const parents = new Map(nodes.map(({ pid, blockers }) => [pid, deepest(blockers, byPid, depths)]));
  const placed = new Map<number, Placed<Node>>();
  const place = (node: Node, depth: number, root: number): void => {
    if (placed.has(node.pid)) return;
    placed.set(node.pid, { node, depth, root });
    for (const child of nodes) if (parents.get(child.pid) === node.pid) place(child, depth + 1, root);
  };
  for (const node of nodes) if (parents.get(node.pid) === undefined) place(node, 0, node.pid);
  for (const node of nodes) place(node, 0, node.pid);
  return [...placed.values()];
}

function deepest(
  blockers: readonly number[],
  known: ReadonlyMap<number, unknown>,
  depths: ReadonlyMap<number, number>,
): number | undefined {
  const depthOf = (pid: number): number => depths.get(pid) ?? 0;
  return blockers.filter((pid) => known.has(pid)).toSorted((a, b) => depthOf(b) - depthOf(a) || a - b)[0];
}
