import { describe, expect, it } from "@jest/globals";
import { PassThrough, Writable } from "node:stream";
import { CommandFault, exitCodes, explain } from "./command-fault.ts";
import type { ExitCode } from "./command-fault.ts";
import { defineCommand } from "./command.ts";
import type { CliIo } from "./command.ts";
import { clientCommands } from "./index.ts";
import { printLine } from "./print.ts";

interface Captured {
  readonly io: CliIo;
  readonly end: AbortController;
  readonly out: () => string;
  readonly err: () => string;
}

function capture(stdout: Writable = new PassThrough()): Captured {
  const end = new AbortController();
  const stderr = new PassThrough();
  const io: CliIo = { stdout, stderr, stdin: new PassThrough(), env: {}, signal: end.signal, stdoutIsTty: false };
  const read = (stream: Writable): string => String((stream as PassThrough).read() ?? "");
  return { io, end, out: () => read(stdout), err: () => read(stderr) };
}

function commandThat(run: (io: CliIo) => Promise<ExitCode>) {
  const options = { loud: { help: "be loud" } };
  return defineCommand<"loud">({ name: "try", summary: "", details: "", options, run: (_, io) => run(io) });
}

describe("a command", () => {
  it("describes itself, every option and every exit code", async () => {
    expect(clientCommands.map(({ name }) => name)).toEqual(["send", "tail", "poll", "contrast"]);
    for (const command of clientCommands) {
      const { io, out, err } = capture();
      expect(await command.run(["--help"], io)).toBe(0);
      expect(out()).toBe(command.usage);
      expect(err()).toBe("");
      expect(command.usage).toMatch(/--host HOST[^]*Exit codes:/);
      expect(Math.max(...command.usage.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
    }
  });

  it("refuses a wrong command line with one line and code 2", async () => {
    for (const command of clientCommands) {
      const { io, out, err } = capture();
      expect(await command.run(["--bogus\n\u001b[2J"], io)).toBe(2);
      expect(out()).toBe("");
      expect(err()).toMatch(/^pushmail \w+: Unknown option '--bogus ␛\[2J' \(see pushmail \w+ --help\)\n$/);
    }
  });

  it("ends with the fault's code and one safe line", async () => {
    const { io, err } = capture();
    const command = commandThat(async () => {
      throw new CommandFault(exitCodes.loginRefused, "no\r\n\u001b[2Jentry");
    });
    expect(await command.run([], io)).toBe(77);
    expect(err()).toBe("pushmail try: no ␛[2Jentry\n");
  });

  it("calls a fault of its own an internal error", async () => {
    const { io, err } = capture();
    const command = commandThat(async () => {
      throw new TypeError("x is undefined");
    });
    expect(await command.run([], io)).toBe(70);
    expect(err()).toBe("pushmail try: internal error: x is undefined\n");
  });

  it("is interrupted by the signal", async () => {
    const { io, end, err } = capture();
    const command = commandThat(async (inner) => {
      end.abort();
      inner.signal.throwIfAborted();
      return exitCodes.done;
    });
    expect(await command.run([], io)).toBe(130);
    expect(err()).toBe("");
  });

  it("ends quietly when nobody reads its output any more", async () => {
    const gone = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    const closed = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => done(gone) });
    const { io, err } = capture(closed);
    const command = commandThat(async (inner) => {
      while (!inner.signal.aborted) await printLine(inner.stdout, "line");
      inner.signal.throwIfAborted();
      return exitCodes.done;
    });
    expect(await command.run([], io)).toBe(0);
    expect(err()).toBe("");
  });
});

describe("what the libraries' errors mean", () => {
  const cases: [object, ExitCode, string][] = [
    [{ code: "ECONNREFUSED", message: "connect refused" }, 69, "cannot reach peer: connect refused"],
    [{ code: "NoConnection", message: "gone" }, 69, "cannot reach peer: gone"],
    [{ code: "ERR_SSL_WRONG_VERSION_NUMBER", message: "ssl" }, 69, "cannot reach peer: ssl"],
    [{ tlsFailed: true, message: "no STARTTLS" }, 69, "cannot reach peer: no STARTTLS"],
    [{ code: "DEPTH_ZERO_SELF_SIGNED_CERT", message: "self-signed" }, 69, "--insecure"],
    [{ code: "ESOCKET", originalCode: "CERT_HAS_EXPIRED", message: "expired" }, 69, "--insecure"],
    [{ authenticationFailed: true, responseText: "wrong" }, 77, "peer refuses the login: wrong"],
    [{ code: "EAUTH", responseCode: 535, response: "535 5.7.8 no" }, 77, "peer refuses the login: 535 5.7.8 no"],
    [{ authenticationFailed: true, serverResponseCode: "UNAVAILABLE", responseText: "later" }, 75, "peer says: later"],
    [{ code: "EENVELOPE", responseCode: 550, response: "550 unknown" }, 1, "peer says: 550 unknown"],
    [{ code: "EMESSAGE", responseCode: 451, response: "451 later" }, 75, "peer says: 451 later"],
    [{ responseStatus: "NO", responseText: "no such mailbox" }, 1, "peer says: no such mailbox"],
    [{ code: "ParserError12", message: "garbage" }, 1, "peer: garbage"],
  ];

  it.each(cases)("%j", (error, exitCode, message) => {
    expect(explain(Object.assign(new Error(), error), "peer")).toMatchObject({
      exitCode,
      message: expect.stringContaining(message),
    });
  });

  it("leaves faults and our own errors as they are", () => {
    const fault = new CommandFault(1, "said");
    const bug = new TypeError("bug");
    const wrongCall = Object.assign(new Error("arg"), { code: "ERR_INVALID_ARG_TYPE" });
    for (const error of [fault, bug, wrongCall, undefined]) expect(explain(error, "peer")).toBe(error);
  });
});
