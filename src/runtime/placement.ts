/**
 * Memory for activations: which of them share a buffer, because one is dead before the other is written.
 *
 * @module
 */

/** From the first to the last dispatch that touches something; both count. */
export interface Life {
  readonly first: number;
  readonly last: number;
}

/** Something that wants memory for a part of a run. */
export interface Tenant extends Life {
  /** In any unit. */
  readonly size: number;
}

/** Where tenants went. */
export interface Placement<T> {
  /** Buffers, each as large as its first and largest tenant. */
  readonly pools: readonly { readonly size: number; readonly tenants: readonly T[] }[];
  /** Each tenant's buffer, largest tenant first. */
  readonly poolOf: ReadonlyMap<T, number>;
}

/**
 * When each thing is touched for the first and the last time by a list of dispatches.
 *
 * @param touched what each dispatch reads and writes, in the order in which they run
 */
export function livesOf<T>(touched: Iterable<Iterable<T>>): Map<T, Life> {
  const lives = new Map<T, Life>();
  let i = 0;
  for (const things of touched) {
    for (const thing of things) {
      lives.set(thing, { first: lives.get(thing)?.first ?? i, last: i });
    }
    i++;
  }
  return lives;
}

/**
 * Places largest first, each in the first buffer whose other tenants live at other times. A tenant has a whole buffer: WebGPU
 * refuses a buffer that one dispatch reads and writes, even in disjoint ranges.
 */
export function place<T extends Tenant>(tenants: Iterable<T>): Placement<T> {
  const pools: { size: number; tenants: T[] }[] = [];
  const poolOf = new Map<T, number>();
  for (const tenant of [...tenants].sort((a, b) => b.size - a.size)) {
    let at = pools.findIndex(({ tenants }) =>
      tenants.every((other) => other.last < tenant.first || tenant.last < other.first)
    );
    if (at < 0) {
      at = pools.length;
      pools.push({ size: tenant.size, tenants: [] });
    }
    pools[at].tenants.push(tenant);
    poolOf.set(tenant, at);
  }
  return { pools, poolOf };
}
