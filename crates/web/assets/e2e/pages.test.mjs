// Every page of the site, as the persona it is for: no axe violation in light or dark, nothing wider than a phone's screen,
// no error on the console, no request to another host, at most 100 kB compressed (script workspace 250 kB).
import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { login, startBrowser, startDemo, tour } from "./demo.mjs";
import { pages } from "./pages.mjs";

const shots = resolve(import.meta.dirname, "../../../../target/screenshots");
const texts = resolve(import.meta.dirname, "../../texts/nb");
let demo, browser, keys;
before(async () => {
  await mkdir(shots, { recursive: true });
  demo = await startDemo();
  // The tour fills the demo with cases, permits and deliveries, so that no page is looked at empty.
  await tour(demo.url);
  browser = await startBrowser();
  const files = await Promise.all((await readdir(texts)).map((file) => readFile(resolve(texts, file), "utf8")));
  keys = new Set(files.flatMap((file) => [...file.matchAll(/^([a-z][a-z0-9-]*-[a-z0-9-]+) =/gm)].map((m) => m[1])));
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
      if (scheme === "dark") await translated(context, page, address);
      assert.deepEqual(faults, [], address);
      await context.close();
    }
  });
}

/** The page in the other languages: nothing that stands for a text is shown in its place. */
async function translated(context, page, address) {
  for (const lang of ["nn", "en"]) {
    await context.addCookies([{ name: "hap_lang", value: lang, url: demo.url }]);
    const html = await (await page.request.get(demo.url + address)).text();
    assert.match(html, new RegExp(`<html lang="${lang}"`), address);
    const raw = [...html.matchAll(/>\s*([a-z][a-z0-9-]*-[a-z0-9-]+)\s*</g)].map((m) => m[1]).filter((text) => keys.has(text));
    assert.deepEqual(raw, [], `${address} in ${lang}`);
  }
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

test("without JavaScript an application is begun from the cart, and what is written is kept", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "nb-NO" });
  const page = await context.newPage();
  await login(page, demo.url, "student");
  await page.goto(`${demo.url}/find/variable/npr.somatikk.hovedtilstand`);
  await page.locator('main form[action="/cart/add"] button').first().click();
  await page.goto(`${demo.url}/apply`);
  await page.locator('form[action="/apply/new"] button:not(.second)').click();
  const draft = page.url();
  await page.goto(`${draft}/pub`);
  await page.locator('[name="pub.title"]').fill("Uten skript");
  await page.locator(`.actions button[name="go"][value="stay"]`).click();
  assert.equal(await page.locator('[name="pub.title"]').inputValue(), "Uten skript");
  await context.close();
});

test("a parent sees and chooses for the child, and comes back to the own pages", async () => {
  const context = await browser.newContext({ locale: "en-GB" });
  const page = await context.newPage();
  await login(page, demo.url, "citizen");
  await page.goto(`${demo.url}/me`);
  await page.getByRole("button", { name: "Your child" }).click();
  const notice = page.locator("main .notice");
  assert.equal(await notice.count(), 1);
  await page.goto(`${demo.url}/me/choices`);
  assert.equal(await notice.count(), 1);
  await page.locator('form[action="/me/choices"]').nth(1).getByRole("button").click();
  assert.match(page.url(), /\/me\/receipts\//);
  await page.goto(`${demo.url}/me/uses`);
  await page.getByRole("button", { name: "Back to my own" }).click();
  assert.equal(await notice.count(), 0);
  await context.close();
});
