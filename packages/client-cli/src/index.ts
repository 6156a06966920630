// The client side of the `pushmail` command: subcommands that speak SMTP and IMAP to any server.
import type { CliCommand } from "./command.ts";
import { contrast } from "./contrast.ts";
import { poll } from "./poll.ts";
import { send } from "./send.ts";
import { tail } from "./tail.ts";

export type { CliCommand, CliIo } from "./command.ts";
export { exitCodes } from "./command-fault.ts";
export type { ExitCode } from "./command-fault.ts";

/** The subcommands, in the order in which help lists them. */
export const clientCommands: readonly CliCommand[] = [send, tail, poll, contrast];
