// What a test waits for that starts a pushmail of its own: from the import to all listeners. Prints the milliseconds.
import { LineClient } from "./line-client.ts";

const startMs = performance.now();
const { startPushmail } = await import("pushmail");
const server = await startPushmail({ users: { "ann@example.org": "secret" } });
process.stdout.write(`${performance.now() - startMs}\n`);
if (server.imap === undefined) throw new Error("IMAP is off");
const client = await LineClient.connect(server.imap);
await client.until((line) => line.startsWith("* OK"));
client.close();
await server.close();
