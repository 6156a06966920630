// Trees that are linked and cut, and whose roots are asked for: in time that grows with the logarithm of how much there is,
// however deep they are (the link-cut trees of Sleator and Tarjan). The way from a node to its root lies in balanced trees.

const NONE = -1;

export class LinkedTrees {
  /** In a balanced tree the node above, or for its topmost node the parent of the shallowest one in it. */
  readonly #up: number[] = [];
  /** What is nearer to the root, and what is farther from it. */
  readonly #nearer: number[] = [];
  readonly #farther: number[] = [];

  /** A new node that is a root; they are numbered from 0 on. */
  add(): void {
    this.#up.push(NONE);
    this.#nearer.push(NONE);
    this.#farther.push(NONE);
  }

  /** Puts a root below a node of another tree. */
  link(parent: number, root: number): void {
    this.#expose(root);
    this.#up[root] = parent;
  }

  /** Makes a root of a node that is none. */
  cut(node: number): void {
    this.#expose(node);
    this.#up[this.#nearer[node] as number] = NONE;
    this.#nearer[node] = NONE;
  }

  rootOf(node: number): number {
    this.#expose(node);
    let root = node;
    for (let at = node; at !== NONE; at = this.#nearer[at] as number) root = at;
    this.#splay(root);
    return root;
  }

  /** Puts the way from the root to a node into one balanced tree, with the node on top. */
  #expose(node: number): void {
    let farther = NONE;
    for (let at = node; at !== NONE; at = this.#up[at] as number) {
      this.#splay(at);
      this.#farther[at] = farther;
      farther = at;
    }
    this.#splay(node);
  }

  #splay(node: number): void {
    while (!this.#isTop(node)) {
      const above = this.#up[node] as number;
      if (!this.#isTop(above)) this.#lift(this.#isNearer(node) === this.#isNearer(above) ? above : node);
      this.#lift(node);
    }
  }

  /** Turns a node and the one above it. */
  #lift(node: number): void {
    const above = this.#up[node] as number;
    const top = this.#up[above] as number;
    const [mine, its] = this.#isNearer(node) ? [this.#farther, this.#nearer] : [this.#nearer, this.#farther];
    if (!this.#isTop(above)) (this.#isNearer(above) ? this.#nearer : this.#farther)[top] = node;
    const moved = mine[node] as number;
    its[above] = moved;
    if (moved !== NONE) this.#up[moved] = above;
    mine[node] = above;
    this.#up[above] = node;
    this.#up[node] = top;
  }

  #isNearer(node: number): boolean {
    return this.#nearer[this.#up[node] as number] === node;
  }

  #isTop(node: number): boolean {
    const above = this.#up[node] as number;
    return above === NONE || (this.#nearer[above] !== node && this.#farther[above] !== node);
  }
}
