// The remote control of Mozilla's programs (Marionette): scripts run inside of Thunderbird, with all that it can do.
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { DEADLINE_MS, within } from "../../support/deadline.ts";

type Answer = readonly [kind: 1, id: number, error: { readonly message: string } | null, result: unknown];

export class Marionette {
  readonly #socket: Socket;
  readonly #waiting: Map<number, (answer: Answer) => void> = new Map();
  #bytes: Buffer = Buffer.alloc(0);
  #commands = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => undefined);
    socket.on("data", (data: Buffer) => this.#take(data));
  }

  static async connect(port: number): Promise<Marionette> {
    const socket = connect({ host: "127.0.0.1", port });
    await within(once(socket, "connect"), "Marionette");
    const marionette = new Marionette(socket);
    await marionette.#command("WebDriver:NewSession", {});
    await marionette.#command("Marionette:SetContext", { value: "chrome" });
    await marionette.#command("WebDriver:SetTimeouts", { script: 2 * DEADLINE_MS });
    return marionette;
  }

  /** Runs the body of an async function, which may `return` something; `args` are what was given. */
  async run(script: string, ...args: readonly unknown[]): Promise<unknown> {
    const wrapped = `const args = [...arguments]; const done = args.pop();
      (async () => {${script}})().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const answer = await this.#command("WebDriver:ExecuteAsyncScript", { script: wrapped, args, sandbox: "system" });
    const { value, error } = (answer as { value: { value?: unknown; error?: string } }).value;
    if (error !== undefined) throw new Error(`in Thunderbird: ${error}`);
    return value;
  }

  /** Has the program end as its users end it. */
  async quit(): Promise<void> {
    await this.#command("Marionette:Quit", { flags: ["eAttemptQuit"] });
    this.#socket.destroy();
  }

  #command(name: string, parameters: object): Promise<unknown> {
    const id = ++this.#commands;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, ([, , error, result]) => {
        if (error === null) resolve(result);
        else reject(new Error(`${name}: ${error.message}`));
      });
    });
    const text = JSON.stringify([0, id, name, parameters]);
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`);
    return within(answered, `Marionette's answer to ${name}`, 3 * DEADLINE_MS);
  }

  /** A message is its length in octets, a colon, and JSON; the greeting is an object, an answer a list. */
  #take(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const start = this.#bytes.indexOf(":") + 1;
      const end = start + Number(this.#bytes.toString("latin1", 0, start - 1));
      if (start === 0 || this.#bytes.length < end) return;
      const message = JSON.parse(this.#bytes.toString("utf8", start, end)) as Answer | object;
      this.#bytes = this.#bytes.subarray(end);
      if (Array.isArray(message)) this.#waiting.get((message as unknown as Answer)[1])?.(message as unknown as Answer);
    }
  }
}
