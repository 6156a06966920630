// SCRAM against the examples of its RFCs, and what else can only be seen from inside.
import { describe, expect, it } from "@jest/globals";
import { deriveScramKey, type AccountInfo, type MailStore, type ScramHash } from "@pushmail/mailstore";
import { Sasl } from "./sasl.ts";

const ACCOUNT = { id: 7, address: "user@example.org", aliases: [] } as unknown as AccountInfo;

/** Plays the client's messages against SCRAM for a user whose password is `pencil`; resolves to the server's. */
async function play(hash: ScramHash, salt: string, nonce: string, messages: readonly string[]): Promise<string[]> {
  const salted = { salt: Buffer.from(salt, "base64"), iterations: 4_096 };
  const key = await deriveScramKey("pencil", hash, salted);
  const store = { scramLogin: async () => ({ ...salted, keys: [key], account: ACCOUNT }) };
  const sasl = new Sasl({ store: store as unknown as MailStore, nonce: () => nonce });
  const said: string[] = [];
  const left = [...messages];
  const account = await sasl.authenticate(`SCRAM-${hash}`, undefined, {
    channel: { isPrivate: true, tls: undefined },
    askForLine: async (challenge) => {
      said.push(Buffer.from(challenge, "base64").toString());
      return Buffer.from(left.shift() ?? "").toString("base64");
    },
    attempt: (_name, check) => check(),
  });
  expect(account).toBe(ACCOUNT);
  return said;
}

describe("an exchange", () => {
  it("is that of RFC 7677 3", async () => {
    const said = await play("SHA-256", "W22ZaJ0SNY7soEsUEjb6gQ==", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", [
      "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "",
    ]);
    expect(said).toEqual([
      "",
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ]);
  });

  it("is that of RFC 5802 5", async () => {
    const said = await play("SHA-1", "QSXCR+Q6sek8bf92", "3rfcNHYJY1ZVvWVs7j", [
      "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
      "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
      "",
    ]);
    expect(said).toEqual([
      "",
      "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
      "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ]);
  });

  it("fails where the proof goes on behind its end", async () => {
    const proof = Buffer.from("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "base64");
    const answers = (end: Buffer): readonly string[] => [
      "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
      `c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=${Buffer.concat([proof, end]).toString("base64")}`,
      "",
    ];
    const salt = "QSXCR+Q6sek8bf92";
    await play("SHA-1", salt, "3rfcNHYJY1ZVvWVs7j", answers(Buffer.alloc(0)));
    await expect(play("SHA-1", salt, "3rfcNHYJY1ZVvWVs7j", answers(Buffer.alloc(1)))).rejects.toMatchObject({
      code: "authenticationFailed",
    });
  });

  it("has another nonce each time", async () => {
    const store = { scramLogin: async () => ({ salt: Buffer.alloc(16), iterations: 4_096, keys: [] }) };
    const sasl = new Sasl({ store: store as unknown as MailStore });
    const nonces: string[] = [];
    for (let i = 0; i < 2; i++) {
      const login = sasl.authenticate("SCRAM-SHA-256", Buffer.from("n,,n=user,r=abc").toString("base64"), {
        channel: { isPrivate: true, tls: undefined },
        askForLine: async (challenge) => {
          nonces.push(/^r=abc([^,]{20,}),/.exec(Buffer.from(challenge, "base64").toString())?.[1] ?? "none");
          return "*";
        },
        attempt: (_name, check) => check(),
      });
      await expect(login).rejects.toThrow("cancelled");
    }
    expect(new Set(nonces).size).toBe(2);
    expect(nonces).not.toContain("none");
  });
});

it("is not to be had where others read along, nor any other mechanism", async () => {
  const sasl = new Sasl({ store: {} as MailStore });
  const channel = { isPrivate: false, tls: undefined };
  const host = { channel, askForLine: async () => "", attempt: () => Promise.reject(new Error("attempted")) };
  expect(sasl.mechanisms(channel)).toEqual([]);
  for (const name of sasl.mechanisms({ ...channel, isPrivate: true })) {
    await expect(sasl.authenticate(name, undefined, host)).rejects.toMatchObject({ code: "loginInsecure" });
  }
});
