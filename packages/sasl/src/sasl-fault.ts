// What breaks the grammar of an exchange, or takes it back: the client's fault, and no wrong password.

export class SaslFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SaslFault";
  }
}
