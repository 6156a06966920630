// A password in memory: it prints redacted, whatever prints it.

const redacted = "[secret]";

/** A value that only `reveal` gives away. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }
}
