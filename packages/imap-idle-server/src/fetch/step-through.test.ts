import { describe, expect, it } from "@jest/globals";
import { stepThrough } from "./step-through.ts";

describe("stepThrough", () => {
  it("takes each item with its place, and renews behind each wait alone", async () => {
    const seen: string[] = [];
    const step = (item: string, place: number): Promise<void> | undefined => {
      seen.push(`${item}${place}`);
      return item === "waits" ? Promise.resolve().then(() => void seen.push("waited")) : undefined;
    };
    const renew = async (): Promise<void> => void seen.push("renewed");
    await stepThrough(["a", "waits", "b", "waits"], { step, renew });
    expect(seen).toEqual(["a0", "waits1", "waited", "renewed", "b2", "waits3", "waited", "renewed"]);
  });

  it("ends where a step fails, at once or later", async () => {
    const seen: number[] = [];
    const step = (item: number): Promise<void> | undefined => {
      seen.push(item);
      if (item === 2) throw new Error("at once");
      return item === 5 ? Promise.reject(new Error("later")) : undefined;
    };
    await expect(stepThrough([1, 2, 3], { step })).rejects.toThrow("at once");
    await expect(stepThrough([4, 5, 6], { step })).rejects.toThrow("later");
    expect(seen).toEqual([1, 2, 4, 5]);
  });
});
