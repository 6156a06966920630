// Where a backup has a segment: there are two places for each.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";

export async function segmentInBackup(backup: string, name: string): Promise<string> {
  const { segments } = JSON.parse(await readFile(join(backup, "backup.json"), "utf8")) as { segments: string[] };
  return join(backup, "segments", segments.find((file) => basename(file) === name) as string);
}
