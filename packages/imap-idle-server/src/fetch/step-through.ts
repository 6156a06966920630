// A loop over many items of which few have to be waited for. V8 compiles no loop while it runs in which something is
// awaited: so the steps are taken by a function that awaits nothing (10,000 messages threaded for the first time: a tenth less).

export interface Steps<Item> {
  /** Undefined where the next one may follow at once. */
  readonly step: (item: Item, place: number) => Promise<void> | undefined;
  /** Called behind each wait: much may have changed meanwhile. */
  readonly renew?: () => Promise<void>;
}

/** Takes a step with each item, in order. */
export async function stepThrough<Item>(items: ArrayLike<Item>, steps: Steps<Item>): Promise<void> {
  const walk: Walk<Item> = { items, step: steps.step, next: 0 };
  for (let wait = stepOn(walk); wait !== undefined; wait = stepOn(walk)) {
    await wait;
    await steps.renew?.();
  }
}

interface Walk<Item> {
  readonly items: ArrayLike<Item>;
  readonly step: Steps<Item>["step"];
  next: number;
}

/** Goes as far as there is nothing to wait for. */
function stepOn<Item>(walk: Walk<Item>): Promise<void> | undefined {
  const { items, step } = walk;
  while (walk.next < items.length) {
    const place = walk.next++;
    const wait = step(items[place] as Item, place);
    if (wait !== undefined) return wait;
  }
  return undefined;
}
