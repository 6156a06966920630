// What a client sends at once is worked on no faster than others, and who reads its mail, can bear.
import { describe, expect, it } from "@jest/globals";
import { CommandStream } from "./command-stream.ts";

function streamOf(oncommand: (command: Buffer, done: () => void) => void): CommandStream {
  const stream = new CommandStream({ commandBytesMax: 1_000, lineEnds: "refuse" });
  stream.oncommand = (command, done) => oncommand(command, done ?? (() => undefined));
  return stream;
}

const written = (stream: CommandStream, chunk: string): Promise<void> =>
  new Promise((resolve) => stream.write(chunk, () => resolve()));

describe("a stream of commands", () => {
  it("leaves a turn to others behind a hundred", async () => {
    let commands = 0;
    const stream = streamOf((_, done) => (commands++, done()));
    const all = written(stream, "NOOP\r\n".repeat(300));
    const atTurns: number[] = [];
    while (commands < 300) {
      await new Promise(setImmediate);
      atTurns.push(commands);
    }
    await all;
    expect(atTurns.slice(0, 3)).toEqual([100, 200, 300]);
  });

  it("takes no more of a mail than its reader does", async () => {
    const stream = streamOf((_, done) => (stream.startDataMode(), done()));
    await written(stream, "DATA\r\n");
    const content = stream._dataStream;
    let taken = false;
    const all = written(stream, "x".repeat(1_000_000)).then(() => (taken = true));
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect(taken).toBe(false);
    content?.resume();
    await all;
  });
});
