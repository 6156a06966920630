// What peers need of the machine: programs, kernel settings that their experts raise, a certificate.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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

/** Makes a self-signed pair: `key.pem` and `certificate.pem` in the folder. */
export function makeCertificate(directory: string): void {
  const files = ["-keyout", join(directory, "key.pem"), "-out", join(directory, "certificate.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", "-subj", "/CN=localhost", ...kind, ...files], { stdio: "ignore" });
}
