// ID (RFC 2971): who the client says it is goes to the log, for whoever looks into a client's trouble.
import { parseIdParameters, printId } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

/** RFC 2971 3.3: at most 30 fields; names of up to 30 octets, values of up to 1024. */
const FIELDS_MAX = 30;
const NAME_CHARS_MAX = 30;
const VALUE_CHARS_MAX = 200;

export const id: Command = command({
  name: "ID",
  in: ["notAuthenticated", "authenticated", "selected"],
  capability: "ID",
  parse(scan) {
    scan.space();
    return parseIdParameters(scan);
  },
  async run(session, parameters) {
    const fields = (parameters ?? []).slice(0, FIELDS_MAX).map(([name, value]) => {
      return [legible(name, NAME_CHARS_MAX), value === null ? null : legible(value, VALUE_CHARS_MAX)] as const;
    });
    session.log.info({ client: session.client.address, id: Object.fromEntries(fields) }, "client identified");
    await session.write(printId([["name", "pushmail"]]));
  },
});

function legible(octets: string, charsMax: number): string {
  return octets.slice(0, charsMax).replace(/[^\x20-\x7e]/g, "?");
}
