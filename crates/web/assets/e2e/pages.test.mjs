// Every page of the site, as the persona it is for: no axe violation in light or dark, nothing wider than a phone's screen,
// no error on the console, no request to another host, at most 100 kB compressed (script workspace 250 kB).
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { login, startBrowser, startDemo, tour } from "./demo.mjs";
import { pages } from "./pages.mjs";

const shots = resolve(import.meta.dirname, "../../../../target/screenshots");
let demo, browser;
before(async () => {
  await mkdir(shots, { recursive: true });
  demo = await startDemo();
  // The tour fills the demo with cases, permits and deliveries, so that no page is looked at empty.
  await tour(demo.url);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

for (const { name, persona, path, limit = 100 } of pages) {
  test(`${name} (${persona ?? "anyone"})`, async () => {
    for (const scheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: scheme, locale: "nb-NO", reducedMotion: "reduce" });
      const page = await context.newPage();
      const faults = [];
      page.on("console", (m) => m.type() === "error" && faults.push(m.text()));
      page.on("pageerror", (e) => faults.push(String(e)));
      page.on("request", (r) => new URL(r.url()).origin !== demo.url && !r.url().startsWith("data:") && faults.push(`request to ${r.url()}`));
      if (persona) await login(page, demo.url, persona);
      const address = typeof path === "function" ? await path(page, demo.url) : path;
      const answer = await page.goto(demo.url + address);
      assert.equal(answer.status(), 200, `${address} answers ${answer.status()}`);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => n.html).slice(0, 3).join("\n    ")}`);
      assert.deepEqual(found, [], `${address} in ${scheme}`);
      if (scheme === "light") {
        await page.screenshot({ path: `${shots}/${name}-1280.png`, fullPage: true });
        await page.setViewportSize({ width: 360, height: 780 });
        await page.screenshot({ path: `${shots}/${name}-360.png`, fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 360, `${address} is ${wide} px wide on a phone of 360 px`);
        await smallEnough(page, limit);
      }
      assert.deepEqual(faults, [], address);
      await context.close();
    }
  });
}

/** What a first visit of the page transfers, from the browser's own measurements. */
async function smallEnough(page, limit) {
  const bytes = await page.evaluate(() =>
    performance.getEntries().filter((e) => e.entryType === "navigation" || e.entryType === "resource").reduce((sum, e) => sum + e.encodedBodySize, 0));
  assert.ok(bytes <= limit * 1024, `${page.url()} is ${bytes} bytes`);
}

test("the front page can be walked with the keyboard alone", async () => {
  const page = await browser.newPage();
  await page.goto(demo.url);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => location.hash), "#main");
  await page.close();
});
