// Memory into which octets of messages are read, used again and again. V8 counts buffers as heap: where each read had one
// of its own, a search of 274 MB was thirteen collections of the whole heap, of 3 to 10 ms, in place of three.

export class ReadRoom {
  readonly #octets: Buffer;
  #taken = 0;

  constructor(octets: number) {
    this.#octets = Buffer.allocUnsafeSlow(octets);
  }

  /** Undefined where so much is not left. */
  readonly take = (octets: number): Buffer | undefined => {
    const end = this.#taken + octets;
    if (end > this.#octets.length) return undefined;
    const taken = this.#octets.subarray(this.#taken, end);
    this.#taken = end;
    return taken;
  };

  clear(): void {
    this.#taken = 0;
  }
}

export class ReadRooms {
  readonly #free: ReadRoom[] = [];
  readonly #keptMax: number;
  readonly #octets: number;

  /** Of so many octets each; so many are kept while nobody needs them. */
  constructor({ keptMax, octets }: { readonly keptMax: number; readonly octets: number }) {
    this.#keptMax = keptMax;
    this.#octets = octets;
  }

  take(): ReadRoom {
    return this.#free.pop() ?? new ReadRoom(this.#octets);
  }

  /** What lies in it is not looked at any more. */
  giveBack(room: ReadRoom): void {
    room.clear();
    if (this.#free.length < this.#keptMax) this.#free.push(room);
  }
}
