// The client side of the `pushmail` command: subcommands that speak SMTP and IMAP to any server.
import type { CliCommand } from "./command.ts";
import { contrast } from "./contrast.ts";
import { clientLimits } from "./limits.ts";
import type { ClientLimits } from "./limits.ts";
import { poll } from "./poll.ts";
import { send } from "./send.ts";
import { tail } from "./tail.ts";

export type { CliCommand, CliIo } from "./command.ts";
export { exitCodes } from "./command-fault.ts";
export type { ExitCode } from "./command-fault.ts";
export { clientLimits } from "./limits.ts";
export type { ClientLimits } from "./limits.ts";

/** The subcommands, in the order in which help lists them, with limits other than the usual ones. */
export function createClientCommands(limits: ClientLimits): readonly CliCommand[] {
  return [send(limits), tail(limits), poll(limits), contrast(limits)];
}

/** The subcommands. */
export const clientCommands: readonly CliCommand[] = createClientCommands(clientLimits);
