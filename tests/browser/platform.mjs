// Starts the built binary on free ports with a data folder of its own, for tests of the pages.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const TARGET = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../../target");
const BINARY = join(TARGET, "debug/millrace");
const PATIENCE_MS = 60_000;

/** Asks until the answer is not undefined. */
export async function eventually(what, ask) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what} did not come about`);
    await pause(50);
  }
}

export class Platform {
  static async start(password) {
    const folder = mkdtempSync(join(tmpdir(), "millrace-browser-"));
    const platform = new Platform();
    platform.folder = folder;
    platform.data = join(folder, "data");
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, password);
    const doors = ["tcp", "udp", "http", "api", "metrics"].flatMap((door) => [`--${door}-listen`, "127.0.0.1:0"]);
    const flags = ["up", "--data", platform.data, "--admin-password-file", passwordFile, "--no-default-doors", ...doors];
    platform.process = spawn(BINARY, flags, { stdio: ["ignore", "ignore", "inherit"] });
    platform.addresses = await eventually("the start", () => {
      if (platform.process.exitCode !== null) throw new Error(`it ended with ${platform.process.exitCode}`);
      try {
        return JSON.parse(readFileSync(join(platform.data, "run/addresses.json"), "utf8"));
      } catch {
        return undefined;
      }
    });
    return platform;
  }

  tool(...flags) {
    return execFileSync(BINARY, [...flags, "--data", this.data], { encoding: "utf8" });
  }

  /** Sends events and waits until that many more can be found. */
  async send(events) {
    const before = this.count();
    const response = await fetch(`http://${this.addresses.http}/v1/logs`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: events.map((event) => JSON.stringify(event)).join("\n"),
    });
    if (!response.ok) throw new Error(await response.text());
    await eventually("the events", () => (this.count() >= before + events.length ? true : undefined));
  }

  count() {
    return Number(this.tool("query", "", "--count", "--from", "1970-01-02T00:00:00Z"));
  }

  async stop() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
