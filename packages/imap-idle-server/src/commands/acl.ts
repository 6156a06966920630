// The commands of RFC 4314 3: who may do what with a mailbox. For all but MYRIGHTS it takes the right `a`.
import {
  parseAclIdentifier,
  parseMailbox,
  parseSetAclArguments,
  printAcl,
  printListRights,
  printMyRights,
} from "@pushmail/imap-wire";
import { ALL_RIGHTS, type AccountInfo } from "@pushmail/mailstore";
import { reachKnown, reachMailbox, type Reached } from "../access.ts";
import { command, type Command, type Session } from "../command.ts";

const STATES = ["authenticated", "selected"] as const;

export const setAcl: Command = command({
  name: "SETACL",
  in: STATES,
  // RFC 4314 2.2: those that RFC 2086 did not know.
  capability: ["ACL", "RIGHTS=texk"],
  parse(scan) {
    scan.space();
    return parseSetAclArguments(scan);
  },
  async run(session, { mailbox, ...change }, { account }) {
    const reached = await administer(session, account, mailbox);
    await session.store.setRights({ account: reached.owner.id, mailbox: reached.status.id }, change);
  },
});

export const deleteAcl: Command = command({
  name: "DELETEACL",
  in: STATES,
  parse(scan) {
    scan.space();
    return parseAclIdentifier(scan);
  },
  async run(session, { mailbox, identifier }, { account }) {
    const reached = await administer(session, account, mailbox);
    const at = { account: reached.owner.id, mailbox: reached.status.id };
    await session.store.setRights(at, { identifier, mode: "replace", rights: "" });
  },
});

export const getAcl: Command = command({
  name: "GETACL",
  in: STATES,
  parse(scan) {
    scan.space();
    return parseMailbox(scan);
  },
  async run(session, mailbox, { account }) {
    const { owner, status } = await administer(session, account, mailbox);
    const rights = [{ identifier: owner.address, rights: ALL_RIGHTS }, ...status.rights];
    await session.write(printAcl({ name: status.name, rights, ...session.names }));
  },
});

export const listRights: Command = command({
  name: "LISTRIGHTS",
  in: STATES,
  parse(scan) {
    scan.space();
    return parseAclIdentifier(scan);
  },
  async run(session, { mailbox, identifier }, { account }) {
    const { owner, status } = await administer(session, account, mailbox);
    const isOwner = identifier.toLowerCase() === owner.address;
    const [always, grantable] = isOwner ? [ALL_RIGHTS, ""] : ["", ALL_RIGHTS];
    await session.write(printListRights({ name: status.name, identifier, always, grantable, ...session.names }));
  },
});

export const myRights: Command = command({
  name: "MYRIGHTS",
  in: STATES,
  parse(scan) {
    scan.space();
    return parseMailbox(scan);
  },
  async run(session, mailbox, { account }) {
    const { status, rights } = await reachKnown(session, account, mailbox);
    await session.write(printMyRights({ name: status.name, rights, ...session.names }));
  },
});

function administer(session: Session, account: AccountInfo, name: string): Promise<Reached> {
  return reachMailbox(session, account, { name, right: "a" });
}
