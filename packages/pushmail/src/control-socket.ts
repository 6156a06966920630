// What the owner of a data directory asks of the server that runs on it: by a socket in the directory, which nobody else
// may write to. One line of JSON asks, one answers.
import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Log } from "@pushmail/imap-idle-server";
import type { MailStore } from "@pushmail/mailstore";
import { changeAppPasswords, type AppPasswordAnswer, type AppPasswordRequest } from "./app-passwords.ts";

/** Of what is asked; an answer is as long as it has to be. */
const REQUEST_LENGTH_MAX = 4_096;
const SILENCE_MS = 10_000;
/** What the system takes for the name of a socket, on Linux 107 octets. */
const PATH_BYTES_MAX = 100;

/** Compaction waits until the connection ends. */
interface HoldRequest {
  readonly hold: "compaction";
}

type Request = AppPasswordRequest | HoldRequest;
type Answer = AppPasswordAnswer | { readonly held: true } | { readonly error: string };

interface Asked {
  readonly store: MailStore;
  readonly log: Log;
  /** How long whoever connects may take to ask. */
  readonly silenceMs?: number;
}

export interface ControlSocket {
  close(): Promise<void>;
}

/** Opens it; the caller has the directory to itself. Undefined where there can be none: all else goes on without. */
export async function openControlSocket(directory: string, asked: Asked): Promise<ControlSocket | undefined> {
  const { log } = asked;
  const path = pathIn(directory);
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    log.warn({ path }, "no control socket: its name would be too long");
    return undefined;
  }
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    void serve(socket, asked);
  });
  try {
    // One that was killed may have left it.
    await rm(path, { force: true });
    await once(server.listen(path), "listening");
    await chmod(path, 0o600);
  } catch (error) {
    log.warn({ path, err: error }, "no control socket");
    server.close();
    return undefined;
  }
  server.on("error", (error) => log.warn({ path, err: error }, "the control socket has trouble with a connection"));
  return {
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function serve(socket: Socket, { store, log, silenceMs = SILENCE_MS }: Asked): Promise<void> {
  try {
    const line = await readLine(socket, { silenceMs, lengthMax: REQUEST_LENGTH_MAX });
    // What is asked for may take its time, and so may whoever asked.
    socket.setTimeout(0);
    const request = requestIn(JSON.parse(line));
    if ("hold" in request) return await hold(socket, store);
    const answer = await changeAppPasswords(store, request);
    log.info({ ...request, code: answer.code }, "app passwords asked for by the control socket");
    socket.end(lineOf(answer));
  } catch (error) {
    socket.end(lineOf({ error: (error as Error).message }));
  }
}

function requestIn(asked: Partial<Readonly<Record<string, unknown>>> | null): Request {
  if (asked?.["hold"] === "compaction") return { hold: "compaction" };
  const { address, name, remove } = asked ?? {};
  const isName = name === undefined || typeof name === "string";
  if (typeof address === "string" && isName && typeof remove === "boolean") return { address, name, remove };
  throw new Error("that cannot be asked for here");
}

async function hold(socket: Socket, store: MailStore): Promise<void> {
  const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()).resume());
  const release = await store.holdCompaction();
  if (!socket.destroyed) {
    socket.write(lineOf({ held: true }));
    await ended;
  }
  release();
}

/** Asks the server on a directory. Undefined where none can be reached. */
export async function askServer(
  directory: string,
  request: AppPasswordRequest,
): Promise<AppPasswordAnswer | undefined> {
  const asked = await ask<AppPasswordAnswer>(directory, request);
  asked?.socket.destroy();
  return asked?.answer;
}

/** Keeps the server on a directory, where there is one, from compacting until what is returned is called. */
export async function holdCompaction(directory: string): Promise<() => void> {
  // One that ends before it answers compacts no more.
  const asked = await ask(directory, { hold: "compaction" }).catch(() => undefined);
  return () => void asked?.socket.destroy();
}

async function ask<Asked>(
  directory: string,
  request: Request,
): Promise<{ readonly socket: Socket; readonly answer: Asked } | undefined> {
  const socket = connect(pathIn(directory));
  try {
    await once(socket, "connect");
  } catch {
    return undefined;
  }
  socket.on("error", () => socket.destroy());
  socket.write(lineOf(request));
  const answer = JSON.parse(await readLine(socket, { silenceMs: 0, lengthMax: Infinity })) as
    | Asked
    | { readonly error: string };
  if (typeof answer === "object" && answer !== null && "error" in answer) {
    socket.destroy();
    throw new Error(answer.error);
  }
  return { socket, answer };
}

async function readLine(
  socket: Socket,
  { silenceMs, lengthMax }: { readonly silenceMs: number; readonly lengthMax: number },
): Promise<string> {
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.setEncoding("utf8");
  let text = "";
  for await (const piece of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    text += piece;
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
    if (text.length > lengthMax) break;
  }
  throw new Error("the other side did not say anything that makes sense");
}

function lineOf(said: Request | Answer): string {
  return `${JSON.stringify(said)}\n`;
}

function pathIn(directory: string): string {
  return join(directory, "control.sock");
}
