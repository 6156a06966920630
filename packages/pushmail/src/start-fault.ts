/** The process cannot start as it was asked to; `message` is one line for whoever asked. */
export class StartFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartFault";
  }
}
