// What one check found that a repair knows how to deal with.
import type { AccountHead, DirectoryEntry } from "../driver.ts";
import type { StoreLock } from "../level/store-lock.ts";
import type { SegmentsRead } from "./check-segments.ts";
import { checkLocked, type CheckSummary } from "./check-store.ts";
import type { Finding } from "./finding.ts";
import type { LostMessage, LostRows, MailboxFault } from "./mail-listener.ts";
import type { StatedProperties } from "./mend-heads.ts";

export interface Wounds {
  read: SegmentsRead | undefined;
  readonly findings: Finding[];
  readonly lost: LostMessage[];
  readonly rowless: LostRows[];
  readonly miscounted: MailboxFault[];
  readonly missummed: AccountHead[];
  readonly unnoted: DirectoryEntry[];
  readonly misstated: StatedProperties[];
}

export interface WoundsFound {
  readonly summary: CheckSummary;
  readonly wounds: Wounds;
}

export async function findWounds(directory: string, lock: StoreLock): Promise<WoundsFound> {
  const wounds: Wounds = {
    read: undefined,
    findings: [],
    lost: [],
    rowless: [],
    miscounted: [],
    missummed: [],
    unnoted: [],
    misstated: [],
  };
  const options = { directory, onFinding: (finding: Finding) => wounds.findings.push(finding) };
  const summary = await checkLocked(options, lock, {
    segmentsRead: (read) => (wounds.read = read),
    lost: (message) => wounds.lost.push(message),
    rowless: (messages) => wounds.rowless.push(messages),
    miscounted: (fault) => wounds.miscounted.push(fault),
    missummed: (head) => wounds.missummed.push(head),
    unnoted: (note) => wounds.unnoted.push(note),
    misstated: (stated) => wounds.misstated.push(stated),
  });
  return { summary, wounds };
}

export function hasGaps({ findings }: Wounds): boolean {
  return findings.some(({ what }) => what.startsWith("the log lacks the changes"));
}
