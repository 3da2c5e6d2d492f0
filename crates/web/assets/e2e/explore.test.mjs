// The script workspace as people use it: with the keyboard alone, without JavaScript, and the way from a mistake to a
// shared result.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { login, startBrowser, startDemo } from "./demo.mjs";

const script = "require no.ssb.fdb:1 as db\ncreate-dataset people\nimport db/BEFOLKNING_KJOENN as sex\nimport db/SIVSTANDFDT_SIVSTAND 2020-01-01 as marital\ntabulate marital sex\n";
let demo, browser;
before(async () => {
  demo = await startDemo();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

async function open(address, options = {}) {
  const context = await browser.newContext({ locale: "nb-NO", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  await login(page, demo.url, "researcher");
  await page.goto(demo.url + address);
  return page;
}

const withScript = (text) => `/explore?script=${encodeURIComponent(text)}`;

test("a script is run from the keyboard, and its results come without leaving the page", async () => {
  const page = await open(withScript(script));
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector("[data-results] article.result table");
  assert.match(page.url(), /\/explore\/run\/[0-9A-Z]{26}$/);
  assert.equal(await page.locator("[data-progress]").isHidden(), true);
  const bar = await page.locator(".run-bar").innerText();
  assert.match(bar, /no\.ssb\.fdb:1/);
  assert.match(bar, /Populasjon/);
  const folded = page.locator("[data-results] details.code").first();
  assert.match(await folded.locator("summary").innerText(), /Linje 1/);
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0]?.html}`), []);

  // From here: only what stands at the line of the cursor and below it is shown.
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("tabulate sex\n");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Control+Shift+Enter");
  await page.waitForFunction(() => document.querySelectorAll("[data-results] article.result").length === 1);
  assert.match(await page.locator("[data-results] article.result .command").innerText(), /tabulate sex/);
  await page.context().close();
});

test("a mistake is explained, and the suggestion is applied by a button", async () => {
  const page = await open(withScript(script.replace("tabulate", "tabulat")));
  const apply = page.locator("[data-problems] button", { hasText: "tabulate" });
  await apply.waitFor();
  await apply.focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("[data-problems] li").length === 0);
  assert.match(await page.locator(".cm-content").innerText(), /tabulate marital sex/);
  await page.context().close();
});

test("the shortcuts are shown on ? and closed with Escape", async () => {
  const page = await open("/explore");
  await page.locator("h1").click();
  await page.keyboard.press("?");
  const dialog = page.locator("[data-shortcuts-dialog]");
  assert.equal(await dialog.isVisible(), true);
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => v.id), []);
  await page.keyboard.press("Escape");
  assert.equal(await dialog.isVisible(), false);
  await page.context().close();
});

test("layout is tidied from the keyboard", async () => {
  const page = await open(withScript("require no.ssb.fdb:1   as db\ncreate-dataset people\n"));
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Shift+Alt+F");
  await page.waitForFunction(() => document.querySelector(".cm-content")?.textContent?.includes("no.ssb.fdb:1 as db"));
  await page.context().close();
});

test("without JavaScript a script is run, and the page turns into its results", async () => {
  const page = await open(withScript(script), { javaScriptEnabled: false });
  await page.locator("button[data-run]").click();
  await page.waitForSelector("article.result table", { timeout: 20_000 });
  assert.match(page.url(), /\/explore\/run\//);
  await page.context().close();
});

test("a run is shared by a link that others can open, with its files", async () => {
  const page = await open("/explore");
  const run = await (await page.request.post(`${demo.url}/api/v1/explore/run`, { data: { script } })).json();
  await page.goto(`${demo.url}/explore/run/${run.id}`);
  const other = await browser.newContext();
  const visitor = await other.newPage();
  await login(visitor, demo.url, "student");
  assert.equal((await visitor.goto(`${demo.url}/e/${run.id}`)).status(), 404);
  await page.locator("#share-with").selectOption("anyone");
  await page.locator(".share button").click();
  await page.waitForLoadState();
  assert.equal((await visitor.goto(`${demo.url}/e/${run.id}`)).status(), 200);
  assert.match(await visitor.locator("pre.script").innerText(), /tabulate marital sex/);
  const table = run.results.find((r) => r.command.startsWith("tabulate"));
  for (const [format, kind] of [["csv", "text/csv"], ["parquet", "application/vnd.apache.parquet"], ["json", "application/json"], ["html", "text/html"]]) {
    const file = await visitor.request.get(`${demo.url}/e/${run.id}/${table.id}.${format}`);
    assert.equal(file.status(), 200);
    assert.ok(file.headers()["content-type"].startsWith(kind), format);
  }
  await other.close();
  await page.context().close();
});
