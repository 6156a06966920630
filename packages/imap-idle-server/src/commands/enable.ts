// ENABLE (RFC 5161): what is unknown is passed over, so that the answer may be an empty ENABLED.
import { printEnabled } from "@pushmail/imap-wire";
import { command, type Command, type Extension } from "../command.ts";

const EXTENSIONS: readonly Extension[] = ["CONDSTORE", "IMAP4rev2", "METADATA", "QRESYNC", "UIDONLY", "UTF8=ACCEPT"];

export const enable: Command = command({
  name: "ENABLE",
  in: ["authenticated", "selected"],
  capability: ["ENABLE", "UIDONLY", "UTF8=ACCEPT"],
  parse(scan) {
    const names: string[] = [];
    do {
      scan.space();
      names.push(scan.atom().toUpperCase());
    } while (!scan.atEnd);
    return names;
  },
  async run(session, names) {
    // RFC 5161 3.2: only what this command turned on is listed.
    const enabled = EXTENSIONS.filter(
      (extension) => names.includes(extension.toUpperCase()) && !session.isEnabled(extension),
    );
    // It has nothing to tell, and may fail.
    if (enabled.includes("METADATA")) await session.enable("METADATA");
    await session.write(printEnabled(enabled));
    for (const extension of enabled) await session.enable(extension);
  },
});
