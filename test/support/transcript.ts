// Transcripts: what clients send (`1C:`) and what the server answers (`1S:`), line for line, in several numbered
// sessions. `$...` stands for any text; `$name` takes a word where it first stands, and is that word from then on.
// Lines that begin with `!` are orders to the runner: see ORDERS.
import { readdirSync, readFileSync } from "node:fs";
import type { StoreDriver } from "@pushmail/mailstore";
import type { Cut } from "./line-client.ts";
import { TEST_CLIENTS } from "./test-client-certificates.ts";
import { TranscriptRun } from "./transcript-run.ts";

type Step =
  | { readonly kind: "client" | "server"; readonly line: number; readonly session: string; readonly text: string }
  | { readonly kind: "order"; readonly line: number; readonly name: string; readonly args: readonly string[] };

export interface Transcript {
  readonly name: string;
  readonly steps: readonly Step[];
}

const ORDERS: Readonly<Record<string, (run: TranscriptRun, args: readonly string[]) => Promise<void> | void>> = {
  /** `!limit name value`: sets a bound, before the first session. */
  limit: (run, [name = "", value]) => run.setLimit(name, Number(value)),
  /** `!account address`: one besides alice@example.org, with the same password. */
  account: (run, [address = ""]) => run.addAccount(address),
  /** `!login session [address]`: connects and logs in. */
  login: (run, [session = "", address = "alice@example.org"]) => run.command(session, `LOGIN ${address} secret`),
  /** `!select session mailbox` */
  select: (run, [session = "", ...mailbox]) => run.command(session, `SELECT ${mailbox.join(" ")}`),
  /** `!deliver mailbox subject`: a mail arrives for alice. */
  deliver: (run, [mailbox = "", ...subject]) => run.deliver(mailbox, subject.join(" ")),
  /** `!quota bytes messages`: what alice may keep from now on; 0 is no limit. */
  quota: (run, [bytes, messages]) => run.setQuota(Number(bytes), Number(messages)),
  /** `!clock ms`: so much time passes. */
  clock: (run, [ms]) => run.passTime(Number(ms)),
  /** `!tls session [client]`: the client goes on in TLS, and shows the certificate of TEST_CLIENTS that has this name. */
  tls: async (run, [session = "", client]) => {
    const certificate = Object.entries(TEST_CLIENTS).find(([name]) => name === client)?.[1];
    await (await run.client(session)).startTls(certificate);
  },
  /** `!deflate session`: the client goes on deflated. */
  deflate: async (run, [session = ""]) => (await run.client(session)).startCompression(),
  /** `!clear session`: the client goes on without compression. */
  clear: async (run, [session = ""]) => (await run.client(session)).endCompression(),
  /** `!hangup session`: the client sends no more, and still reads. */
  hangup: async (run, [session = ""]) => (await run.client(session)).end(),
  /** `!ended session`: the server has ended the connection. */
  ended: (run, [session = ""]) => run.expectEnd(session),
  /** `!close`: the server is closed. */
  close: (run) => run.closeServer(),
  /** `!uncut`: it makes sense only if each write of a client arrives as one. */
  uncut: () => undefined,
};

/** All transcripts of a directory. */
export function readTranscripts(directory: string): readonly Transcript[] {
  const files = readdirSync(directory).filter((file) => file.endsWith(".txt"));
  return files.sort().map((name) => ({ name, steps: parseSteps(name, readFileSync(`${directory}/${name}`, "utf8")) }));
}

function parseSteps(name: string, text: string): readonly Step[] {
  return text.split("\n").flatMap((source, i): Step[] => {
    if (source === "" || source.startsWith("#")) return [];
    const line = i + 1;
    const [, session, side, said = ""] = /^(\d+)([CS]):(?: (.*))?$/.exec(source) ?? [];
    if (session !== undefined) return [{ kind: side === "C" ? "client" : "server", line, session, text: said }];
    const [order = "", ...args] = source.startsWith("!") ? source.slice(1).split(" ") : [];
    if (!(order in ORDERS)) throw new Error(`${name}:${line}: no line of a transcript: ${source}`);
    return [{ kind: "order", line, name: order, args }];
  });
}

/** Whether it may be cut at every byte. */
export function isCuttable({ steps }: Transcript): boolean {
  return !steps.some((step) => step.kind === "order" && step.name === "uncut");
}

/** Plays a transcript against a server of its own; throws at the first line that is not as written. */
export async function play(transcript: Transcript, driver: StoreDriver, cut: Cut): Promise<void> {
  const run = new TranscriptRun(driver, cut);
  let line = 0;
  try {
    for (const [i, step] of transcript.steps.entries()) {
      line = step.line;
      const next = transcript.steps[i + 1];
      if (step.kind === "server") await run.expect(step.session, step.text);
      else if (step.kind === "order") await ORDERS[step.name]?.(run, step.args);
      else await run.say(step.session, step.text, { more: next?.kind === "client" && next.session === step.session });
    }
    await run.finish();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new Error(`${transcript.name}:${line}: ${problem}`, { cause: error });
  } finally {
    await run.close();
  }
}
