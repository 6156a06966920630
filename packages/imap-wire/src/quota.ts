// What a server tells of quotas (RFC 9208 4.2): use and limit of each resource, and which roots a mailbox counts for.
import type { MailboxNameOptions } from "./mailbox-name.ts";
import { printMailbox } from "./mailbox-name.ts";
import { printAstring } from "./string.ts";

/** STORAGE is in units of 1,024 octets. */
export interface QuotaResource {
  readonly name: "MESSAGE" | "STORAGE";
  readonly usage: number;
  readonly limit: number;
}

/** Of one resource at least: the grammar has no empty list (RFC 9208 7). */
export function printQuota(root: string, resources: readonly QuotaResource[]): string {
  const list = resources.map(({ name, usage, limit }) => `${name} ${usage} ${limit}`);
  return `* QUOTA ${printAstring(root)} (${list.join(" ")})\r\n`;
}

/** A mailbox and the root that it counts for, if any. */
export interface QuotaRootEntry extends MailboxNameOptions {
  readonly name: string;
  readonly root: string | null;
}

export function printQuotaRoot({ name, root, ...options }: QuotaRootEntry): string {
  return `* QUOTAROOT ${printMailbox(name, options)}${root === null ? "" : ` ${printAstring(root)}`}\r\n`;
}
