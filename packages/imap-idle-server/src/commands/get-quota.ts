// GETQUOTA and GETQUOTAROOT (RFC 9208 4.1): one root, the account, for all of its mailboxes. A resource without a limit is
// not told of, and an account without any has no root.
import { parseMailbox, printQuota, printQuotaRoot, type QuotaResource } from "@pushmail/imap-wire";
import type { AccountId } from "@pushmail/mailstore";
import { reachMailbox } from "../access.ts";
import { command, type Command, type Session } from "../command.ts";
import { no } from "../replies.ts";

/** The name of the client's own quota root; that of another account is its address. */
const ROOT = "";
/** RFC 9208 5.1: the unit of STORAGE. */
const STORAGE_OCTETS = 1_024;

export const getQuota: Command = command({
  name: "GETQUOTA",
  in: ["authenticated", "selected"],
  capability: ["QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"],
  parse(scan) {
    scan.space();
    return scan.astring();
  },
  async run(session, root, { account }) {
    const resources = root === ROOT ? await limitedOf(session, account.id) : [];
    if (resources.length === 0) return no("NONEXISTENT", "No such quota root");
    await session.write(printQuota(ROOT, resources));
    return undefined;
  },
});

export const getQuotaRoot: Command = command({
  name: "GETQUOTAROOT",
  in: ["authenticated", "selected"],
  parse(scan) {
    scan.space();
    return parseMailbox(scan);
  },
  async run(session, name, { account }) {
    // RFC 9208 4.1.2
    const { owner, prefix, status } = await reachMailbox(session, account, { name, right: "r" });
    const resources = await limitedOf(session, owner.id);
    const root = prefix === "" ? ROOT : owner.address;
    const isLimited = resources.length > 0;
    await session.write(printQuotaRoot({ name: status.name, root: isLimited ? root : null, ...session.names }));
    if (isLimited) await session.write(printQuota(root, resources));
  },
});

async function limitedOf(session: Session, account: AccountId): Promise<readonly QuotaResource[]> {
  const { bytes, bytesMax, messages, messagesMax } = await session.store.quota(account);
  const resources: QuotaResource[] = [];
  if (bytesMax > 0) {
    const [usage, limit] = [Math.ceil(bytes / STORAGE_OCTETS), Math.floor(bytesMax / STORAGE_OCTETS)];
    resources.push({ name: "STORAGE", usage, limit });
  }
  if (messagesMax > 0) resources.push({ name: "MESSAGE", usage: messages, limit: messagesMax });
  return resources;
}
