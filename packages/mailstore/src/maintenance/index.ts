// What is done to a data directory beside serving it: by a door of its own, as who serves it needs none of it.
export { backupStore, restoreStore, type BackupSummary, type RestoreOptions } from "./backup-store.ts";
export { checkStore, requireStore, type CheckOptions, type CheckSummary } from "./check-store.ts";
export { findingLine, type Finding } from "./finding.ts";
export { repairStore, type RepairOptions, type RepairSummary } from "./repair-store.ts";
