// COMPRESS (RFC 4978): from the end of its answer on, what both sides send is deflated.
import { command, type Command } from "../command.ts";
import { no, ok } from "../replies.ts";

export const compress: Command = command({
  name: "COMPRESS",
  in: ["authenticated", "selected"],
  capability: "COMPRESS=DEFLATE",
  parse(scan) {
    scan.space();
    scan.expect("DEFLATE");
  },
  async run(session) {
    return session.startCompression() ? ok("Deflate now") : no("COMPRESSIONACTIVE", "Compression is on already");
  },
});
