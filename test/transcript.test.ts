// Every transcript, whole and with the clients' bytes cut at each one.
import { fileURLToPath } from "node:url";
import { describe, it } from "@jest/globals";
import { openMemoryDriver } from "@pushmail/mailstore";
import { isCuttable, play, readTranscripts } from "./support/transcript.ts";

const transcripts = readTranscripts(fileURLToPath(new URL("transcripts", import.meta.url)));

describe.each(transcripts.map((transcript) => ({ ...transcript, transcript })))("$name", ({ transcript }) => {
  it("is answered as written", async () => {
    await play(transcript, await openMemoryDriver(), "whole");
  });

  if (isCuttable(transcript)) {
    it("is answered as written when it comes byte by byte", async () => {
      await play(transcript, await openMemoryDriver(), "byte by byte");
    });
  }
});
