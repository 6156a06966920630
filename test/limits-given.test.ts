// Limits that make no sense are refused where they enter, by name, and not found out by what they do.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startImapServer } from "@pushmail/imap-idle-server";
import { LoginThrottle, openMailStore, openMemoryDriver, type MailStore, type StoreDriver } from "@pushmail/mailstore";
import { createTokenChecker } from "@pushmail/sasl";
import { openSearchIndex } from "@pushmail/search-index";
import { startSmtpIngest } from "@pushmail/smtp-ingest";

const log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const address = { host: "127.0.0.1", port: 0, hostname: "mail.example.org" };

let driver: StoreDriver;
let store: MailStore;
beforeAll(async () => {
  driver = await openMemoryDriver();
  store = openMailStore(driver);
});
afterAll(() => store.close());

/** What takes limits when it is opened, with one that must be at least 1. */
const OPENERS: Readonly<Record<string, readonly [name: string, open: (limits: object) => unknown]>> = {
  driver: ["segmentBytesMax", (limits) => openMemoryDriver({ limits })],
  store: ["rowsPerTurnMax", (limits) => openMailStore(driver, { limits })],
  throttle: ["loginMemoryMax", (limits) => new LoginThrottle({ limits })],
  IMAP: ["changeRecordsMax", (limits) => startImapServer({ ...address, store, log, limits })],
  SMTP: ["recipientsMax", (limits) => startSmtpIngest({ ...address, kind: "smtp", store, log, limits })],
  tokens: [
    "answerBytesMax",
    (limits) => createTokenChecker({ issuer: "i", audience: "a", claim: "c", source: { keys: { keys: [] } }, limits }),
  ],
  "search index": [
    "packMessagesMax",
    (limits) => openSearchIndex({ store, directory: "none", describe: async function* () {}, format: "", log, limits }),
  ],
};

describe.each(Object.entries(OPENERS))("a limit of the %s", (_, [name, open]) => {
  it.each([0, -1, 1.5, Number.NaN, Infinity])("is refused where it is %p", async (limit) => {
    const opening = (async () => open({ [name]: limit }))();
    await expect(opening).rejects.toThrow(`${name} must be a whole number of at least 1, not ${limit}`);
  });
});

it("that stands in a part of others is refused as well", async () => {
  const limits = { wire: { literalsMax: 0 } } as never;
  const opening = startImapServer({ ...address, store, log, limits });
  await expect(opening).rejects.toThrow("wire.literalsMax must be a whole number of at least 1, not 0");
});
