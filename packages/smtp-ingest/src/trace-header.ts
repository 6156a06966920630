// The trace header that goes in front of a received message (RFC 5321 4.4).
import { domainToASCII } from "node:url";
import { addressLiteral } from "./address-literal.ts";
import type { MailCommand } from "./engine/receiver.ts";

export interface Trace {
  readonly mail: MailCommand;
  readonly protocol: "smtp" | "lmtp";
  /** The name of this host. */
  readonly hostname: string;
  /** The recipient, where there is but one: others must not learn of each other (RFC 5321 7.2). */
  readonly recipient: string | null;
  readonly receivedAtMs: number;
}

/** `Return-Path`, for every mail gets to its end here, and `Received`. */
export function traceHeader(trace: Trace): string {
  const { mail, hostname, recipient } = trace;
  const { address, cipher } = mail.client;
  const literal = addressLiteral(address);
  const path = (value: string): string => `<${mail.utf8 ? value : asciiAddress(value)}>`;
  const lines = [
    `Return-Path: ${path(mail.sender)}`,
    `Received: from ${helloDomain(mail.client.helloName) ?? literal} (${literal})`,
    `\tby ${hostname} with ${receivedProtocol(trace)} id ${mail.id}`,
  ];
  // RFC 8314 4.3
  if (cipher !== null) lines.push(`\ttls ${cipher}`);
  if (recipient !== null) lines.push(`\tfor ${path(recipient)}`);
  const date = new Date(trace.receivedAtMs).toUTCString().replace("GMT", "+0000");
  return `${lines.join("\r\n")};\r\n\t${date}\r\n`;
}

/** The WITH protocol types of RFC 3848, and of RFC 6531 4.3 where SMTPUTF8 was asked for. */
function receivedProtocol({ mail, protocol }: Trace): string {
  const { client, utf8 } = mail;
  const suffix = (client.cipher === null ? "" : "S") + (client.user === null ? "" : "A");
  if (protocol === "lmtp") return (utf8 ? "UTF8LMTP" : "LMTP") + suffix;
  // RFC 3848 names no plain SMTP with TLS or AUTH.
  if (!client.extended) return "SMTP";
  return (utf8 ? "UTF8SMTP" : "ESMTP") + suffix;
}

/** What the client calls itself, where a Received field can hold it (RFC 5321 4.1.2). */
function helloDomain(name: string): string | null {
  if (/^\[(?:[\d.]+|IPv6:[\da-f:.]+)\]$/i.test(name)) return name;
  // What is ASCII stays as it is: of some numbers an address would be made.
  const domain = /^[ -~]*$/.test(name) ? name : domainToASCII(name);
  return /^[\w-]+(?:\.[\w-]+)*$/.test(domain) ? domain : null;
}

/** The address with its domain in ASCII where there is such a form; the local part as it is. */
export function asciiAddress(address: string): string {
  const at = address.lastIndexOf("@") + 1;
  const domain = address.slice(at);
  return /^[\x20-\x7e]*$/.test(domain) ? address : address.slice(0, at) + (domainToASCII(domain) || domain);
}
