// The built server on a file system that is really full: a small tmpfs, where the machine lets one be mounted.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";

const USER = "ann@example.org";
const PASSWORD = "secret";
const DISK_MIB = 24;
/** Mails until a full disk must have shown: what was filled ahead of the log takes some of them. */
const MAILS_MAX = 200;

let directory: DataDirectory;
let disk: string;
let whyNot: string | undefined;

beforeAll(async () => {
  directory = await makeDataDirectory([`${USER}:${PASSWORD}`]);
  disk = join(directory.path, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", disk], { stdio: "pipe" });
  } catch (error) {
    whyNot = String((error as { stderr?: Buffer }).stderr ?? error).trim();
  }
});
afterAll(async () => {
  ServerProcess.killAll();
  if (whyNot === undefined) execFileSync("umount", ["--lazy", disk]);
  await directory.remove();
});

/** A file that takes all the space there is. */
async function fillDisk(): Promise<string> {
  const path = join(disk, "filler");
  const file: FileHandle = await open(path, "a");
  const isFull = (error: NodeJS.ErrnoException): boolean => {
    if (error.code !== "ENOSPC") throw error;
    return true;
  };
  for (const piece of [Buffer.alloc(256 * 1024), Buffer.alloc(4096)])
    while (!(await file.appendFile(piece).then(() => false, isFull)));
  await file.close();
  return path;
}

function textOf(subject: string, size: number): string {
  return `Subject: ${subject}\r\n\r\n${`${"x".repeat(70)}\r\n`.repeat(size / 72)}`;
}

async function subjects(session: RawImap): Promise<string[]> {
  await session.ok("NOOP");
  const lines = await session.ok("UID FETCH 1:* (BODY.PEEK[])");
  return lines.flatMap((line) => /Subject: (\S+)\r\n/.exec(line)?.[1] ?? []);
}

describe("a server on a full file system", () => {
  it("tells senders and clients, serves what it has, and takes mail again when there is space", async () => {
    if (whyNot !== undefined) {
      console.warn(`not run, since no file system can be mounted here: ${whyNot}`);
      return;
    }
    const start = (): Promise<ServerProcess> =>
      ServerProcess.start([`--data=${join(disk, "data")}`, `--users=${directory.users}`]);
    const server = await start();
    const { smtp, imap } = server.ready as { smtp: Address; imap: Address };
    const login = { user: USER, password: PASSWORD, mailbox: "INBOX" };
    const sender = await RawSmtp.connect(smtp);
    const session = await RawImap.open(imap, login);
    const idler = await RawImap.open(imap, login);
    await idler.idle();
    const kept: string[] = [];
    let count = 0;
    const send = async (size: number): Promise<string> => {
      const subject = `mail-${++count}`;
      const reply = await sender.send(USER, textOf(subject, size));
      if (reply.startsWith("250")) kept.push(subject);
      return reply;
    };
    for (const size of [100, 20_000, 1_500_000]) expect(await send(size)).toMatch(/^250/);

    const filler = await fillDisk();
    let reply = "250";
    for (let i = 0; reply.startsWith("250") && i < MAILS_MAX; i++) reply = await send(200_000);
    expect(reply).toBe("452 4.3.1 The server's disk is full, try again later");
    expect(await send(1_500_000)).toMatch(/^452 4\.3\.1 /);
    const text = textOf("append", 300_000);
    const { status } = await session.command(`APPEND INBOX {${text.length}+}\r\n${text}`);
    expect(status).toBe("NO [OVERQUOTA] The server's disk is full, try again later");
    const other = await RawImap.open(imap, login);
    for (const reader of [session, other]) expect(await subjects(reader)).toEqual(kept);
    other.close();

    await rm(filler);
    for (const size of [200_000, 1_500_000, 100]) expect(await send(size)).toMatch(/^250/);
    await idler.until((line) => line === `* ${kept.length} EXISTS`, "the last mail");
    expect(await subjects(session)).toEqual(kept);
    // Killed while it is full, it starts when there is space, and has what it had.
    const again = await fillDisk();
    reply = "250";
    for (let i = 0; reply.startsWith("250") && i < MAILS_MAX; i++) reply = await send(200_000);
    await server.end("SIGKILL");
    await fillDisk();
    await expect(start()).rejects.toThrow(
      /cannot open the data directory .*No space left on device\. Make room and try again: nothing is lost/,
    );
    await rm(again);
    const next = await start();
    const reader = await RawImap.open(next.ready.imap as Address, login);
    expect(await subjects(reader)).toEqual(kept);
    reader.close();
    expect(await next.end()).toBe(0);
  }, 120_000);
});
