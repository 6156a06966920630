// CANCELUPDATE (RFC 5267 4.3.5): the results of these searches are told no more.
import { command, type Command, type Completion } from "../command.ts";
import { no } from "../replies.ts";

export const cancelUpdate: Command = command({
  name: "CANCELUPDATE",
  in: ["selected"],
  parse(scan) {
    const tags: string[] = [];
    do {
      scan.space();
      tags.push(scan.string());
    } while (!scan.atEnd);
    return tags;
  },
  async run(_session, tags, { view }): Promise<Completion | void> {
    const isLive = (tag: string): boolean => view.live.some(({ parts }) => parts.tag === tag);
    if (!tags.every(isLive)) return no("NONEXISTENT", "No search of this tag is updated");
    view.live = view.live.filter(({ parts }) => !tags.includes(parts.tag));
  },
});
