// The application form in the browser: saving by itself, two windows at once, a session that ends, keyboard alone, no
// JavaScript, text that looks like HTML, and files (ACC-024 to ACC-029).
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { login, startBrowser, startDemo } from "./demo.mjs";

const shots = resolve(import.meta.dirname, "../../../../target/screenshots");
let demo, browser;
before(async () => {
  demo = await startDemo();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** A page of a persona, and whatever its console complains about. */
async function opened(persona, options = {}) {
  const context = await browser.newContext({ locale: "nb-NO", ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("dialog", (d) => (faults.push(`dialog ${d.message()}`), d.dismiss()));
  await login(page, demo.url, persona);
  return { context, page, faults };
}

/** A new application of this persona with two variables. */
async function draft(page) {
  for (const variable of ["npr.somatikk.hovedtilstand", "npr.somatikk.innDato"]) {
    await page.request.post(`${demo.url}/api/v1/cart`, { data: { variable } });
  }
  const answer = await page.request.post(`${demo.url}/api/v1/cases`, { data: {} });
  return `${demo.url}/apply/${(await answer.json()).id}`;
}

const title = (page) => page.locator('[name="pub.title"]');
const saves = (page) => page.waitForResponse((r) => r.url().endsWith("/autosave") && r.ok());

async function accessible(page, name) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 2).join(" ")}`), [], name);
  await page.setViewportSize({ width: 360, height: 780 });
  await page.screenshot({ path: `${shots}/${name}-360.png`, fullPage: true });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, `${name} fits a phone`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.screenshot({ path: `${shots}/${name}-1280.png`, fullPage: true });
}

test("every section can be read on a phone and by axe", async () => {
  const { context, page, faults } = await opened("researcher");
  const address = await draft(page);
  await page.goto(address);
  const sections = await page.locator("[data-panel] .steps a").evaluateAll((links) => links.map((a) => a.href));
  assert.ok(sections.length >= 8);
  for (const section of sections) {
    await page.goto(`${section}?saved=yes`);
    await accessible(page, `apply-${section.split("/").pop()}`);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("what is written is saved within two seconds, and two windows are told of each other", async () => {
  const { context, page: first, faults } = await opened("researcher");
  const address = await draft(first);
  const second = await context.newPage();
  await first.goto(`${address}/pub`);
  await second.goto(`${address}/pub`);
  const start = Date.now();
  await Promise.all([saves(first), title(first).fill("Skrevet i det første vinduet")]);
  assert.ok(Date.now() - start < 5000);
  // Another field of the same section: both stand, nobody is disturbed.
  await Promise.all([saves(second), second.locator('[name="pub.summary"]').fill("Om hjerneslag.")]);
  assert.equal(await second.locator("[data-overwritten]").isHidden(), true);
  // The same field: the second window never saw what the first wrote.
  await Promise.all([saves(second), title(second).fill("Skrevet i det andre vinduet")]);
  await second.locator("[data-overwritten]").waitFor({ state: "visible" });
  assert.match(await second.locator("[data-overwritten]").textContent(), /Skrevet i det første vinduet/);
  await second.reload();
  assert.equal(await title(second).inputValue(), "Skrevet i det andre vinduet");
  assert.equal(await second.locator('[name="pub.summary"]').inputValue(), "Om hjerneslag.");
  await second.locator("details.notice summary").first().click();
  await accessible(second, "apply-overwritten");
  await second.locator('button[value^="back:"]').first().click();
  assert.equal(await title(second).inputValue(), "Skrevet i det første vinduet");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a session that ends loses nothing", async () => {
  const { context, page } = await opened("researcher");
  const address = await draft(page);
  await page.goto(`${address}/pub`);
  const cookies = await context.cookies();
  await context.clearCookies({ name: "hap_session" });
  await title(page).fill("Skrevet etter utlogging");
  const again = page.locator("[data-autosave-status] a");
  await again.waitFor();
  assert.match(await again.getAttribute("href"), /^\/login\?to=/);
  await page.evaluate(() => sessionStorage.length > 0 || Promise.reject(new Error("nothing is kept")));
  // Logged in again in the same tab: the answer is brought back and saved.
  await context.addCookies(cookies.filter((c) => c.name === "hap_session"));
  const saved = saves(page);
  await page.goto(`${address}/pub`);
  assert.equal(await title(page).inputValue(), "Skrevet etter utlogging");
  await saved;
  await page.reload();
  assert.equal(await title(page).inputValue(), "Skrevet etter utlogging");
  await context.close();
});

test("with the keyboard alone a section is filled in, saved and left", async () => {
  const { context, page } = await opened("researcher");
  await page.goto(`${await draft(page)}/pub`);
  const reach = async (wanted) => {
    for (let n = 0; n < 120; n++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((s) => document.activeElement?.matches(s), wanted)) return;
    }
    assert.fail(`${wanted} is not reached with the keyboard`);
  };
  await reach('[name="pub.title"]');
  await page.keyboard.type("Bare med tastaturet");
  await Promise.all([page.waitForURL(/saved=yes/), page.keyboard.press("Enter")]);
  assert.equal(await title(page).inputValue(), "Bare med tastaturet");
  // The summary of what is missing comes first and leads to the field.
  assert.equal(await page.evaluate(() => document.activeElement?.hasAttribute("data-errors")), true);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.querySelector(location.hash) !== null), true);
  await reach(".actions button");
  await Promise.all([page.waitForURL((url) => !url.pathname.endsWith("/pub")), page.keyboard.press("Enter")]);
  await context.close();
});

test("text that looks like HTML is shown as it was written", async () => {
  const { context, page, faults } = await opened("researcher");
  const address = await draft(page);
  const text = `"><img src=x onerror="alert(1)"><script>alert(2)</script>`;
  await page.goto(`${address}/pub`);
  await Promise.all([saves(page), title(page).fill(text)]);
  for (const place of [`${address}/pub`, `${address}/print`, `${demo.url}/apply`]) {
    await page.goto(place);
    assert.equal(await page.locator('img[src="x"], main script').count(), 0, place);
    assert.ok((await page.content()).includes("&lt;script&gt;") || (await title(page).inputValue()) === text, place);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("without JavaScript variables are filled in together, taken out, and rows are added", async () => {
  const { context, page } = await opened("researcher", { javaScriptEnabled: false });
  const address = await draft(page);
  await page.goto(`${address}/cart`);
  for (const box of await page.locator('[name="pick"]').all()) await box.check();
  await page.locator("#cart-items summary").first().click();
  await page.locator('[name="bulk.role"]').selectOption("outcome");
  await page.locator('[name="bulk.necessity"]').fill("Trengs for å telle hjerneslag over tid.");
  await page.locator('button[value="bulk"]').click();
  for (const role of await page.locator('select[name$=".role"]:not([name^="bulk"])').all()) assert.equal(await role.inputValue(), "outcome");
  await page.locator('button[value="remove:npr.somatikk.innDato"]').click();
  assert.equal(await page.locator('[name="pick"]').count(), 1);
  await page.goto(`${address}/proc`);
  await page.locator('[name="proc.persons.0.name"]').fill("Forsker");
  await page.locator('button[value="row:proc.persons"]').click();
  assert.equal(await page.locator('[name="proc.persons.0.name"]').inputValue(), "Forsker");
  await page.locator('[name="proc.persons.1.name"]').fill("Til overs");
  await page.locator('button[value="row:proc.persons"]').click();
  await page.locator('button[value="drop:proc.persons.0"]').click();
  assert.equal(await page.locator('[name="proc.persons.0.name"]').inputValue(), "Til overs");
  await context.close();
});

test("an application goes out as JSON and into another", async () => {
  const { context, page } = await opened("researcher");
  const address = await draft(page);
  await page.goto(`${address}/pub`);
  await Promise.all([saves(page), title(page).fill("Skal hentes inn et annet sted")]);
  const exported = await (await page.request.get(`${address}/export.json`)).body();
  const other = await draft(page);
  await page.goto(other);
  await page.locator("details.card summary").last().click();
  await page.locator("#import-file").setInputFiles({ name: "a.json", mimeType: "application/json", buffer: exported });
  await Promise.all([page.waitForNavigation(), page.locator('form[action$="/import"] button').click()]);
  await page.goto(`${other}/pub`);
  assert.equal(await title(page).inputValue(), "Skal hentes inn et annet sted");
  await context.close();
});

test("persons are counted from the criteria, without JavaScript and with the keyboard", async () => {
  const { context, page } = await opened("researcher", { javaScriptEnabled: false });
  const address = await draft(page);
  const id = address.split("/").pop();
  const answer = await page.request.post(`${demo.url}/api/v1/cases/${id}/fields`, { data: { fields: { "pop.formation": "criteria" } } });
  assert.ok(answer.ok());
  await page.goto(`${address}/pop`);
  const criteria = page.locator('[name="pop.criteria"]');
  const count = page.locator('button[value="count:pop.criteria"]');
  await criteria.fill("npr.somatikk.hovedtilstnd = 'I63'");
  await count.click();
  assert.match(await page.locator("main").innerText(), /npr\.somatikk\.hovedtilstand/, "an unknown variable comes with the nearest");
  await criteria.fill("npr.somatikk.hovedtilstand in ('I10'..'I99') and npr.somatikk.innDato between 2008-01-01 and 2024-12-31");
  await count.focus();
  await page.keyboard.press("Enter");
  await page.locator("#cohort-heading").waitFor();
  const said = await page.locator('[aria-labelledby="cohort-heading"]').innerText();
  assert.match(said, /\d personer|Færre enn 10 personer/);
  assert.match(said, /19 ganger til i dag/);
  const link = page.locator('[aria-labelledby="cohort-heading"] details a');
  await page.locator('[aria-labelledby="cohort-heading"] summary').click();
  assert.match(await page.locator('[aria-labelledby="cohort-heading"] pre').innerText(), /tabulate meets/);
  await link.click();
  assert.match(await page.content(), /tabulate meets/, "the script opens in the workspace");
  await context.close();

  const { context: second, page: looked } = await opened("researcher");
  await looked.goto(`${address}/pop`);
  await looked.locator('[aria-labelledby="cohort-heading"] summary').click();
  await accessible(looked, "apply-cohort");
  await looked.locator('[name="pop.criteria"]').fill("npr.somatikk.hovedtilstand = 'Z99'");
  await looked.locator('button[value="count:pop.criteria"]').click();
  await looked.waitForURL(/saved=yes/);
  assert.match(await looked.locator('[aria-labelledby="cohort-heading"]').innerText(), /Færre enn 10 personer/);
  await second.close();
});
