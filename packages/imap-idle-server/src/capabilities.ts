// What CAPABILITY lists: the sum of the table, and what the state of the session allows.
import type { Client, SessionState } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";

export interface CapabilityFacts {
  readonly state: SessionState;
  readonly client: Client;
  /** Whether the server has a certificate. */
  readonly hasTls: boolean;
  /** The SASL mechanisms that the client may use now. */
  readonly mechanisms: readonly string[];
  readonly allowsUnauthenticate: boolean;
  /** The largest message that APPEND takes. */
  readonly messageBytesMax: number;
}

const FROM_COMMANDS: readonly string[] = [...COMMANDS.values()].flatMap(({ capability }) => capability ?? []);

export function capabilitiesOf(facts: CapabilityFacts): readonly string[] {
  const { state, client, hasTls, mechanisms, messageBytesMax } = facts;
  const capabilities = ["IMAP4rev1", "IMAP4rev2", "LITERAL+", `APPENDLIMIT=${messageBytesMax}`, ...FROM_COMMANDS];
  if (state.name !== "notAuthenticated") {
    // RFC 8437 3: it may be listed after login alone.
    return facts.allowsUnauthenticate ? [...capabilities, "UNAUTHENTICATE"] : capabilities;
  }
  if (hasTls && !client.isSecure) capabilities.push("STARTTLS");
  // RFC 9051 6.2.3: LOGINDISABLED as long as a password could be read on the way.
  if (mechanisms.length === 0) capabilities.push("LOGINDISABLED");
  capabilities.push(...mechanisms.map((name) => `AUTH=${name}`));
  return capabilities;
}
