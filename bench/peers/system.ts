// What peers need of the machine: programs that are installed, and kernel settings that their experts raise.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/** Says how to install what is not there. */
export function requireProgram(name: string): void {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
  } catch {
    throw new Error(`${name} is not installed: run bench/peers/install.sh`);
  }
}

/** Raises a kernel setting to at least `value`; where that is not allowed, says so and goes on. */
export function raiseSysctl(name: string, value: number): void {
  const path = `/proc/sys/${name.replaceAll(".", "/")}`;
  const now = Number(readFileSync(path, "utf8"));
  if (now >= value) return;
  try {
    writeFileSync(path, `${value}\n`);
  } catch {
    console.warn(`${name} stays at ${now}: not allowed to raise it to ${value}`);
  }
}
