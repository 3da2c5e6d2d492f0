// Starts a demo of its own on a free port with its own data folder, and a Chromium to look at it with.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const hap = process.env.HAP ?? resolve(import.meta.dirname, "../../../../target/debug/hap");

/** Walks the whole chain through a demo. */
export async function tour(url) {
  const child = spawn(hap, ["tour", "--url", url], { stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((done) => child.once("exit", done));
  if (code !== 0) throw new Error(`hap tour ended with ${code}`);
}

/** @returns {Promise<{url: string, stop: () => Promise<void>}>} */
export async function startDemo(persons = 2000) {
  if (process.env.HAP_URL) return { url: process.env.HAP_URL, stop: async () => {} };
  const data = await mkdtemp(join(tmpdir(), "hap-e2e-"));
  const child = spawn(hap, ["demo", "--data", data, "--port", "0", "--persons", String(persons)], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((found, failed) => {
    child.once("exit", (code) => failed(new Error(`hap demo ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const address = line.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (address) found(address[0]);
    });
  });
  const stop = async () => {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  return { url, stop };
}

export function startBrowser() {
  return chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** Logs in as a persona of the demo through the page that people use. */
export async function login(page, url, persona) {
  await page.goto(`${url}/login`);
  await page.locator(`button[name="persona"][value="${persona}"]`).click();
  await page.waitForLoadState();
}
