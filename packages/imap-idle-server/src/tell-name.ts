// What a mailbox is called, to a client of IMAP4rev2 that has called it perhaps by another form of its name.
import { printList } from "@pushmail/imap-wire";
import type { Session } from "./command.ts";

/** RFC 9051 6.3.2, 6.3.4, 6.3.6: LIST, with the name that the client has used where it is not the same. */
export async function tellName(session: Session, name: string, asked: string): Promise<void> {
  const oldName = asked === name ? {} : { oldName: asked };
  await session.write(printList("LIST", { name, attributes: [], ...oldName, ...session.names }));
}
