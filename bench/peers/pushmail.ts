// pushmail as built, with its durable store.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "../line-client.ts";
import type { Peer, PeerOptions } from "../peer.ts";
import { PASSWORD, usersOf } from "./accounts.ts";
import { ProcessTree } from "./process-tree.ts";

const MAIN = "packages/pushmail/dist/main.js";
/** Where the passwords' hashes are not what is measured, a thousand accounts must not take minutes to be made. */
const CHEAP_HASHES = "[limits.scrypt]\nN = 16\nr = 1\np = 1\n[limits.scram]\niterations = 16\n";

type Ready = Record<"lmtp" | "imap", Endpoint> & { readonly imaps?: Endpoint };

export async function startPushmail(options: PeerOptions = {}): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), "bench-pushmail-"));
  const users = join(directory, "users");
  const configuration = join(directory, "pushmail.toml");
  const data = join(directory, "data");
  writeFileSync(
    users,
    usersOf(options)
      .map((user) => `${user}:${PASSWORD}\n`)
      .join(""),
  );
  writeFileSync(configuration, options.realHashes === true ? "" : CHEAP_HASHES);
  const { searchIndex = "on" } = options;
  const base = ["--config", configuration, "--data", data, "--log-level", "warn", "--search-index", searchIndex];
  const off = ["smtp", "submission", "submissions"].flatMap((name) => [`--${name}`, "off"]);
  let tree: ProcessTree;
  const start = async (own: readonly string[]): Promise<Ready> => {
    const node = [process.execPath, ...(options.nodeArguments ?? []), MAIN, "serve"];
    tree = ProcessTree.start([...node, ...base, ...off, ...own]);
    return tree.readyLine<Ready>();
  };
  const first = await start([
    "--users",
    users,
    "--lmtp",
    "0",
    "--imap",
    "0",
    "--imaps",
    options.tls === true ? "0" : "off",
  ]);
  const { lmtp, imap, imaps = null } = first;
  return {
    name: "pushmail",
    lmtp,
    imap,
    imaps,
    directory: data,
    usage: async () => tree.usage(),
    async restart(how) {
      await tree.end(how);
      // The accounts are there: naming them again would check each password anew.
      const startedMs = performance.now();
      await start(["--lmtp", `${lmtp.port}`, "--imap", `${imap.port}`, "--imaps", `${imaps?.port ?? "off"}`]);
      return { startMs: performance.now() - startedMs };
    },
    async end() {
      await tree.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
