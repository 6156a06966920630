// What Node itself needs for a socket: a server that only holds them. Usage: bare-sockets.js [KEY CERTIFICATE]
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";

const [key, certificate] = process.argv.slice(2);
const held = new Set<Socket>();

function hold(socket: Socket): void {
  held.add(socket);
  socket.on("data", () => undefined).on("error", () => undefined);
  socket.on("close", () => held.delete(socket));
  socket.write("* OK\r\n");
}

const options = { noDelay: true };
const server: Server =
  key === undefined || certificate === undefined
    ? createServer(options, hold)
    : createSecureServer({ ...options, key: readFileSync(key), cert: readFileSync(certificate) }, hold);
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
