// A flood of connections from a process of its own: opens them, sends a byte on each now and then, and says over IPC
// when all have been tried and when all are gone, with what the server said to them; any message makes it end them.
// argv: a FloodOrder as JSON.
import { connect, type Socket } from "node:net";

export interface FloodOrder {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** Taken in turn: what the connections come from. */
  readonly from: readonly string[];
  /** Sent at once, as latin1; and then so many octets more, all the same. */
  readonly opening: string;
  readonly fillBytes: number;
  /** Sent on each connection every so often. */
  readonly drip: string;
  readonly everyMs: number;
}

export interface FloodReport {
  readonly stage: "tried" | "gone";
  /** Last lines of the server, without digits' detail, and how often each was said. */
  readonly words: Readonly<Record<string, number>>;
}

const AT_ONCE = 500;

const order = JSON.parse(process.argv[2] ?? "") as FloodOrder;
const opening = order.opening + "x".repeat(order.fillBytes);
const open = new Set<Socket>();
const words: Record<string, number> = {};
let tried = 0;
let left = order.connections;

for (let i = 0; i < AT_ONCE; i++) next();
process.once("message", () => {
  for (const socket of open) socket.destroy();
});
setInterval(() => {
  for (const socket of open) socket.write(order.drip, "latin1");
}, order.everyMs);

function next(): void {
  if (left === 0) return;
  const localAddress = order.from[left-- % order.from.length] as string;
  const socket = connect({ host: order.host, port: order.port, localAddress, noDelay: true });
  let said = "";
  socket.on("data", (data: Buffer) => (said += data.toString("latin1")));
  socket.on("error", () => undefined);
  socket.once("connect", () => {
    open.add(socket);
    socket.write(opening, "latin1");
  });
  const oneTried = (): void => {
    socket.off("connect", oneTried).off("close", oneTried);
    next();
    if (++tried < order.connections) return;
    report("tried");
  };
  socket.once("connect", oneTried).once("close", oneTried);
  socket.once("close", () => {
    open.delete(socket);
    const word = said.trimEnd().split("\r\n").at(-1) as string;
    words[word] = (words[word] ?? 0) + 1;
    if (open.size === 0 && tried === order.connections) report("gone", () => process.exit());
  });
}

function report(stage: FloodReport["stage"], done: () => void = () => undefined): void {
  process.send?.({ stage, words } satisfies FloodReport, done);
}
