// Threads while they are put together: nodes by number, first the rows of the messages, then nodes that stand for
// messages which are not there.

const NO_CHILDREN: readonly number[] = [];

export class Forest {
  readonly #rows: number;
  readonly #children: (number[] | undefined)[] = [];
  #count: number;
  roots: Uint32Array = new Uint32Array(0);

  constructor(rows: number) {
    this.#rows = rows;
    this.#count = rows;
  }

  /** How many nodes there are. */
  get count(): number {
    return this.#count;
  }

  /** Whether a node stands for a message that is not there. */
  isDummy(node: number): boolean {
    return node >= this.#rows;
  }

  addDummy(): number {
    return this.#count++;
  }

  addChild(parent: number, child: number): void {
    const children = this.#children[parent];
    if (children === undefined) this.#children[parent] = [child];
    else children.push(child);
  }

  childrenOf(node: number): readonly number[] {
    return this.#children[node] ?? NO_CHILDREN;
  }

  setChildren(node: number, children: Iterable<number>): void {
    this.#children[node] = [...children];
  }

  /** The row that tells the date and subject of a node: of a dummy that of its first child. */
  rowOf(node: number): number {
    return this.isDummy(node) ? (this.childrenOf(node)[0] as number) : node;
  }
}
