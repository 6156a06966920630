// The other side of `Apart`: calls what it is told to. It ends with the process that started it.
import type { Call, Reply } from "./apart.ts";
import * as clients from "./clients.ts";

const byName = clients as unknown as Record<string, (input: unknown) => Promise<unknown>>;

process.on("message", ({ id, name, input }: Call) => {
  const reply = (how: Omit<Reply, "id">): void => void process.send?.({ id, ...how });
  const call = byName[name];
  if (call === undefined) throw new Error(`clients.ts exports no ${name}`);
  call(input).then(
    (result) => reply({ result }),
    (error: unknown) => reply({ fault: String(error instanceof Error ? error.stack : error) }),
  );
});
process.once("disconnect", () => process.exit());
