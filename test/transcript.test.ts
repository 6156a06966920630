// Every transcript, on memory and on disk, whole and with the clients' bytes cut at each one.
import { fileURLToPath } from "node:url";
import { describe, it } from "@jest/globals";
import { openLevelDriver, openMemoryDriver } from "@pushmail/mailstore";
import { makeDataDirectory } from "./support/data-directory.ts";
import { isCuttable, play, readTranscripts } from "./support/transcript.ts";

const transcripts = readTranscripts(fileURLToPath(new URL("transcripts", import.meta.url)));

describe.each(transcripts.map((transcript) => ({ ...transcript, transcript })))("$name", ({ transcript }) => {
  it("is answered as written", async () => {
    await play(transcript, await openMemoryDriver(), "whole");
  });

  it("is answered as written from a store on disk", async () => {
    const directory = await makeDataDirectory([]);
    try {
      await play(transcript, await openLevelDriver({ directory: directory.data }), "whole");
    } finally {
      await directory.remove();
    }
  });

  if (isCuttable(transcript)) {
    it("is answered as written when it comes byte by byte", async () => {
      await play(transcript, await openMemoryDriver(), "byte by byte");
    });
  }
});
