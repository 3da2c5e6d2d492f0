// A whole case in the browser: four sources, one request for information, an expert, a source's task, the price accepted,
// two persons who decide with one source granted in part, an obvious fault of the decision put right, then an appeal, a new
// decision by somebody who had no part in the first one, and a change of the permit. The applicant and the case handler use the keyboard alone. Every page on the way is looked at by axe and on a phone's width. With HAP_DOCS=1 the
// pictures of docs/img are made anew.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { login, startBrowser, startDemo } from "./demo.mjs";

const root = resolve(import.meta.dirname, "../../../..");
const shots = resolve(root, "target/screenshots");
/** The steps of which the documentation shows a picture. */
const shown = process.env.HAP_DOCS ? ["2-inbox", "3-questions", "5-waiting", "6-tasks", "8-terms", "9-decide", "10-decision", "11-permit", "11-amended"] : [];
const reason = "Vurdert mot formålet og funnet i orden.";
const wanted = { "npr.somatikk.hovedtilstand": "population", "npr.somatikk.innDato": "exposure", "lmr.main.ATCKode": "covariate", "lmr.main.UtleveringDato": "covariate", "ssb_fdb.main.BEFOLKNING_KJOENN": "covariate", "dar.main.dodsdato": "outcome" };
let demo, browser;
before(async () => {
  await mkdir(shots, { recursive: true });
  demo = await startDemo();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** A persona with a window of its own, and whatever its console complains about. */
async function opened(persona) {
  const context = await browser.newContext({ locale: "nb-NO", viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("console", (m) => m.type() === "error" && faults.push(m.text()));
  await login(page, demo.url, persona);
  return { page, faults };
}

/** The page has no fault that axe finds, fits a phone, and is kept as a picture. */
async function looked(page, name) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 2).join(" ")}`), [], name);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${shots}/case-${name}.png` });
  if (shown.includes(name)) await page.screenshot({ path: `${root}/docs/img/case-${name}.png`, clip: { x: 0, y: 0, width: 1280, height: 760 } });
  await page.setViewportSize({ width: 360, height: 780 });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, `${name} fits a phone`);
  await page.screenshot({ path: `${shots}/case-${name}-360.png`, fullPage: true });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Moves with the tabulator until something is reached, and nothing else. */
async function reach(page, wanted) {
  for (let n = 0; n < 400; n++) {
    if (await page.evaluate((s) => document.activeElement?.matches(s), wanted)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${wanted} is not reached with the keyboard on ${page.url()}`);
}

/** Presses a link or a button with the keyboard and waits for the page behind it. */
async function enter(page, wanted) {
  await reach(page, wanted);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

async function write(page, wanted, text) {
  await reach(page, wanted);
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
}

/** Writes in a search field and waits until what was found is shown. */
async function search(page, wanted, text) {
  const shown = page.evaluate(() => new Promise((done) => document.body.addEventListener("htmx:afterSettle", () => done(), { once: true })));
  await write(page, wanted, text);
  await shown;
}

/** Chooses an option by the beginning of its text, as people do with the keyboard. */
async function choose(page, wanted, text) {
  await reach(page, wanted);
  await page.keyboard.type(text);
  assert.match(await page.evaluate(() => document.activeElement.selectedOptions[0].text), new RegExp(`^${text}`));
}

/** Opens the form of a command with the keyboard, fills it in, and sends it. */
async function command(page, name, fill = async () => {}) {
  const form = `form[action$="/${name}"]`;
  await page.evaluate(() => document.activeElement?.blur());
  if (!(await page.locator(`details[open] ${form}`).count())) {
    await reach(page, `details:has(> ${form}) > summary`);
    await page.keyboard.press("Enter");
  }
  await fill(form);
  await enter(page, `${form} > button.btn`);
  assert.equal(await page.locator("main h1 + p .state, main h1").first().isVisible(), true);
  assert.match(page.url(), /\/cases\/[0-9A-Z]+$/, `${name} is carried out`);
}

/** Clicks a button and waits for the page behind it. */
async function press(page, wanted) {
  await Promise.all([page.waitForNavigation(), page.locator(wanted).click()]);
}

/** Asks again and again until something holds. */
async function until(holds) {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `within a minute: ${holds}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

async function read(page, path) {
  const answer = await page.request.get(demo.url + path);
  assert.ok(answer.ok(), `${path} answers ${answer.status()}`);
  return answer.json();
}

async function sent(page, id, name, payload) {
  const seen = (await page.request.get(`${demo.url}/api/v1/cases/${id}`)).ok() ? await read(page, `/api/v1/cases/${id}`) : await read(page, `/api/v1/cases/${id}/draft`);
  const data = { command_id: randomUUID(), expected_version: seen.version, payload };
  const answer = await page.request.post(`${demo.url}/api/v1/cases/${id}/commands/${name}`, { data });
  assert.ok(answer.ok(), `${name}: ${await answer.text()}`);
  return answer.json();
}

/** What the applicant would write in the other sections: the example that the program carries. */
async function filledIn(page, id) {
  const fields = JSON.parse(await readFile(resolve(root, "crates/access/data/example.json"), "utf8"));
  const draft = await read(page, `/api/v1/cases/${id}/draft`);
  const day = (n) => new Date(Date.parse(draft.saved_at) + n * 86_400_000).toISOString().slice(0, 10);
  Object.assign(fields, { "proc.period": { from: day(0), to: day(1095) }, "no.project_end": day(1095), "no.delete_date": day(1275) });
  Object.assign(fields["no.rek"], { decision_date: day(-60), valid_to: day(1460) });
  fields["no.dpo_assessment"].dated = day(-30);
  fields["cart.periods"] = Object.fromEntries(draft.collections.map((c) => [c, { from: "2018-01-01", to: "2022-12-31" }]));
  for (const [field, file] of [["use.plan", fields["use.plan"]], ["no.dpo_assessment", fields["no.dpo_assessment"]], ["no.rek", fields["no.rek"].file], ["no.dpia_file", fields["no.dpia_file"]]]) {
    const sent = await page.request.post(`${demo.url}/api/v1/cases/${id}/files?field=${field}&name=vedlegg.txt`, { headers: { "content-type": "application/octet-stream" }, data: Buffer.from("Et vedlegg.") });
    assert.ok(sent.ok(), await sent.text());
    file.id = (await sent.json()).id;
  }
  delete fields["pub.title"];
  delete fields["pub.summary"];
  const saved = await page.request.post(`${demo.url}/api/v1/cases/${id}/fields`, { data: { fields } });
  assert.ok(saved.ok(), await saved.text());
  const items = draft.cart.map((line) => ({
    variable_id: line.variable_id,
    role: wanted[line.variable_id] ?? "other",
    granularity: line.variable_id.endsWith("innDato") ? "month" : line.granularity,
    necessity: "Nødvendig for å finne slagene og beskrive behandlingen i prosjektet.",
  }));
  await sent(page, id, "edit_cart", { items });
}

test("a whole case, from the cart to the permit that an appeal changes", async () => {
  const [applicant, handler, source, expert, decider, other] = await Promise.all(
    ["researcher", "case-handler-1", "registry-handler", "reviewer", "decision-maker", "decision-maker-2"].map(opened),
  );
  // The applicant: an application is begun from the cart, written and sent, with the keyboard alone.
  const mine = applicant.page;
  for (const variable of Object.keys(wanted)) {
    const put = await mine.request.post(`${demo.url}/api/v1/cart`, { data: { variable } });
    assert.ok(put.ok(), `${variable}: ${await put.text()}`);
  }
  await mine.goto(`${demo.url}/apply`);
  await enter(mine, 'form[action="/apply/new"] button');
  const id = mine.url().split("/apply/")[1].split("/")[0];
  await mine.goto(`${demo.url}/apply/${id}/app`);
  assert.equal(await mine.locator('[name="app.orgnr"]').inputValue(), "310001007", "the register fills in the organisation");
  assert.equal(await mine.locator("main .notice.bad").count(), 0, "and nobody is told yet what is missing");
  await filledIn(mine, id);
  await mine.goto(`${demo.url}/apply/${id}/pub`);
  await write(mine, '[name="pub.title"]', "Hele veien for fire kilder");
  await write(mine, '[name="pub.summary"]', "Vi vil vite hvem som dør etter et hjerneslag, hvilke legemidler de får, og om behandlingen har blitt bedre.");
  await enter(mine, '.actions button[value="stay"]');
  await mine.goto(`${demo.url}/apply/${id}`);
  await looked(mine, "1-application");
  await enter(mine, 'form[action$="/do/submit"] button');
  const { number } = await read(mine, `/api/v1/cases/${id}`);

  // The handler: finds it in the inbox, says that there is no conflict of interest, takes it, asks about two fields.
  const desk = handler.page;
  await desk.goto(`${demo.url}/cases`);
  await looked(desk, "2-inbox");
  await enter(desk, `a[href="/cases/${id}"]`);
  assert.equal(await desk.locator("[aria-labelledby=variables] tbody tr").count(), Object.keys(wanted).length, "what is applied for");
  await command(desk, "declare_interest");
  await command(desk, "assign_case");
  // Another body decides on one of the sources: that warning is looked at by somebody.
  await command(desk, "start_screening");
  await enter(desk, `a[href="/cases/${id}/ask"]`);
  await search(desk, "#ask-q", "hvorfor");
  await reach(desk, '#found input[value="use.why"]');
  await desk.keyboard.press("Space");
  await enter(desk, '#found button[value="add"]');
  await search(desk, "#ask-q", "pop.size");
  await reach(desk, '#found input[value="pop.size"]');
  await desk.keyboard.press("Space");
  await enter(desk, '#found button[value="add"]');
  await choose(desk, '[name="phrase.use.why"]', "Begrunn");
  await write(desk, '[name="question.use.why"]', "Hvilke legemidler gjelder det?");
  await write(desk, '[name="question.pop.size"]', "Hvor kommer tallet fra?");
  await looked(desk, "3-questions");
  await enter(desk, 'button[value="send"]');
  assert.equal((await read(desk, `/api/v1/cases/${id}`)).state, "awaiting_info");

  // The applicant answers.
  await mine.goto(`${demo.url}/apply/${id}`);
  await looked(mine, "4-answer");
  for (const box of await mine.locator('form[action$="/do/send_info"] textarea').evaluateAll((all) => all.map((t) => t.id))) await write(mine, `#${box}`, "Blodfortynnende, etter Norsk hjerneslagregister.");
  await enter(mine, 'form[action$="/do/send_info"] button');

  // The handler: complete; a source and an expert are asked.
  await desk.goto(`${demo.url}/cases/${id}`);
  await command(desk, "confirm_complete");
  await command(desk, "dispatch_source_tasks", async (form) => {
    await reach(desk, `${form} input[value="npr"]`);
    await desk.keyboard.press("Space");
    await write(desk, `${form} [name="question"]`, "Kan innleggelsesdato gis per måned?");
  });
  await command(desk, "request_review", async (form) => {
    await reach(desk, `${form} [name="reviewers"]`);
    await desk.keyboard.press("Space");
    await write(desk, `${form} [name="question"]`, "Er størrelsen på utvalget rimelig?");
  });
  await looked(desk, "5-waiting");

  // The source and the expert answer from their own pages.
  const register = source.page;
  await register.goto(`${demo.url}/tasks`);
  await looked(register, "6-tasks");
  await register.locator(`main a.btn[href="/cases/${id}"]`).click();
  await register.locator('form[action$="/declare_interest"] > button.btn').click();
  await register.goto(`${demo.url}/tasks`);
  await register.locator(`form[action="/cases/${id}/accept_source_task"] button`).click();
  const answer = register.locator('form[action$="/answer_source_task"]');
  if (!(await answer.isVisible())) await register.locator('details:has(> form[action$="/answer_source_task"]) > summary').click();
  await answer.locator('[name="statement"]').fill("Kan leveres per måned.");
  await answer.locator('[name="hours"]').fill("12");
  await answer.locator('[name="delivery_days"]').fill("10");
  await looked(register, "6-answer");
  await answer.locator("> button.btn").click();
  await register.goto(`${demo.url}/tasks`);
  assert.equal(await register.locator(".empty").count(), 1, "nothing waits for the source");
  const peer = expert.page;
  await peer.goto(`${demo.url}/reviews`);
  await looked(peer, "7-opinions");
  await peer.locator(`main a.btn[href="/cases/${id}"]`).click();
  await peer.locator('form[action$="/declare_interest"] > button.btn').click();
  const opinion = peer.locator('form[action$="/review"]');
  if (!(await opinion.isVisible())) await peer.locator('details:has(> form[action$="/review"]) > summary').click();
  await opinion.locator('[name="text"]').fill("Utvalget er rimelig for spørsmålet som stilles.");
  await opinion.locator("> button.btn").click();
  await looked(peer, "7-given");

  // The handler assesses, prices and offers the terms; the applicant accepts them.
  await desk.goto(`${demo.url}/cases/${id}`);
  await command(desk, "assess_criterion", async (form) => {
    for (const box of await desk.locator(`${form} textarea[name^="reason."]`).evaluateAll((all) => all.map((t) => t.id))) await write(desk, `#${box}`, reason);
  });
  await command(desk, "calculate_fee");
  await command(desk, "offer_terms");
  await mine.goto(`${demo.url}/apply/${id}`);
  await looked(mine, "8-terms");
  await enter(mine, 'form[action$="/do/accept_terms"] button');

  // One source is granted in part; somebody else than the one who proposed decides.
  await desk.goto(`${demo.url}/cases/${id}`);
  let parts = [];
  await command(desk, "propose_decision", async (form) => {
    parts = await desk.locator(`${form} select[name^="part."]`).evaluateAll((all) => all.map((s) => s.name.slice(5)));
    assert.equal(parts.length, 4);
    for (const name of parts) {
      if (name === "lmr") await choose(desk, `${form} [name="part.lmr"]`, "Delvis");
      await write(desk, `${form} [name="reason.${name}"]`, reason);
      if (name === "lmr") {
        await reach(desk, `${form} input[value="lmr.main.UtleveringDato"]`);
        await desk.keyboard.press("Space");
      }
    }
  });
  assert.equal(await desk.locator('form[action$="/issue_decision"]').count(), 0, "the handler cannot decide");
  const board = decider.page;
  await board.goto(`${demo.url}/proposals`);
  await looked(board, "9-proposals");
  await board.locator(`main a.btn[href="/cases/${id}"]`).click();
  await board.locator('form[action$="/declare_interest"] > button.btn').click();
  await looked(board, "9-decide");
  await board.locator('form[action$="/issue_decision"] > button.btn').click();

  // The applicant reads the decision and the letter.
  await mine.goto(`${demo.url}/apply/${id}`);
  await looked(mine, "10-decision");
  const decided = await read(mine, `/api/v1/cases/${id}`);
  assert.equal(decided.decision.decision.outcome, "granted_in_part");
  assert.equal(decided.decision.permit.permit_id.endsWith("-01"), true);
  const letter = await mine.request.get(`${demo.url}/cases/${id}/letter.pdf`);
  assert.equal((await letter.body()).subarray(0, 4).toString(), "%PDF");
  assert.equal(decided.number, number);

  // What the sources deliver changes the case; what is written on a page is sent with the version that the page was drawn from.
  await until(async () => {
    const { holders } = await read(mine, `/api/v1/cases/${id}`);
    return holders.length > 0 && holders.every((holder) => holder.delivered);
  });

  // An obvious fault is put right: the form begins with the decision in force, so that nothing else changes.
  await board.goto(`${demo.url}/cases/${id}`);
  await board.locator('details:has(> form[action$="/correct_decision"]) > summary').click();
  const right = board.locator('form[action$="/correct_decision"]');
  assert.equal(await right.locator('[name="part.lmr"]').inputValue(), "granted_in_part", "the decision in force is filled in");
  assert.equal(await right.locator('[name="removed.lmr"][value="lmr.main.UtleveringDato"]').isChecked(), true);
  await right.locator('> .field [name="reason"]').fill("Begrunnelsen for legemiddelregisteret manglet et ord.");
  await right.locator('[name="reason.lmr"]').fill(`${reason} Utleveringsdatoen er ikke nødvendig.`);
  await looked(board, "10-correction");
  await press(board, 'form[action$="/correct_decision"] > button.btn');
  assert.match(board.url(), /\/cases\/[0-9A-Z]+$/, await board.locator("main").innerText());
  const corrected = await read(mine, `/api/v1/cases/${id}`);
  assert.deepEqual([corrected.decision.number.slice(-3), corrected.decision.decision.outcome], ["/V2", "granted_in_part"]);

  // The applicant appeals at the permit, with the keyboard; the handler takes the appeal up and prepares a new decision,
  // which somebody issues who had no part in the first one.
  const series = decided.decision.permit.series;
  await mine.goto(`${demo.url}/permits/${series}`);
  await looked(mine, "11-permit");
  await enter(mine, 'form[action$="/appeal"] button');
  await reach(mine, 'input[name="kla.parts"][value="lmr"]');
  await mine.keyboard.press("Space");
  await write(mine, 'textarea[name="kla.grounds"]', "Utleveringsdatoen trengs for å finne oppstart.");
  await write(mine, 'textarea[name="kla.wanted"]', "At datoen blir innvilget.");
  await reach(mine, 'input[name="kla.sign"]');
  await mine.keyboard.press("Space");
  await enter(mine, '.actions button[name="go"][value="stay"]');
  await looked(mine, "11-appeal-form");
  await enter(mine, 'form[action$="/do/submit"] button');
  assert.match(mine.url(), /\/appeals\/K-[0-9]{4}-[0-9]{6}$/);
  const appeal = mine.url();
  await looked(mine, "11-appeal");
  await desk.goto(`${demo.url}/appeals`);
  await looked(desk, "11-appeals");
  await desk.goto(appeal);
  await reach(desk, 'details:has(form[action$="/admit"]) > summary');
  await desk.keyboard.press("Enter");
  await write(desk, "#admit-reason", "Klagen kom i tide og fra en part.");
  await enter(desk, 'form[action$="/admit"] > button.btn');
  assert.match(await desk.locator("main h1 + p .state").first().innerText(), /behandling/);
  await looked(desk, "11-admitted");
  await reach(desk, 'details:has(form[action$="/prepare"]) > summary');
  await desk.keyboard.press("Enter");
  await reach(desk, "#prepare-anew");
  await desk.keyboard.press("Space");
  for (const name of parts) await write(desk, `form[action$="/prepare"] [name="reason.${name}"]`, reason);
  await write(desk, "#prepare-reason", "Klagen viser at datoen er nødvendig for formålet.");
  await enter(desk, 'form[action$="/prepare"] > button.btn');
  await looked(desk, "11-prepared");
  await board.goto(appeal);
  await board.locator('details:has(form[action$="/reverse"]) > summary').click();
  await press(board, 'form[action$="/reverse"] > button.btn');
  assert.equal(await board.locator("main h1").isVisible(), true);
  assert.equal((await read(mine, `/api/v1/cases/${id}`)).decision.number.slice(-3), "/V2", "who decided first does not decide again");
  const fresh = other.page;
  await fresh.goto(appeal);
  await looked(fresh, "11-reverse");
  await fresh.locator('details:has(form[action$="/reverse"]) > summary').click();
  await press(fresh, 'form[action$="/reverse"] > button.btn');
  assert.equal(fresh.url(), appeal);
  await looked(fresh, "11-reversed");
  await mine.goto(`${demo.url}/apply/${id}`);
  await looked(mine, "11-amended");
  const amended = await read(mine, `/api/v1/cases/${id}`);
  assert.equal(amended.decision.decision.outcome, "granted");
  assert.equal(amended.decision.permit.permit_id, decided.decision.permit.permit_id.replace(/-01$/, "-03"));
  assert.equal(amended.decision.number.endsWith("/V3"), true);

  // A change: a variable that is no longer needed is taken out in a copy of what the permit says, and the difference is
  // what is asked for. Less data needs no decision.
  await mine.goto(`${demo.url}/permits/${series}`);
  await enter(mine, `form[action="/permits/${series}/change"] button`);
  const change = mine.url().replace(/\/[a-z]+$/, "");
  await enter(mine, 'button[name="go"][value="remove:lmr.main.ATCKode"]');
  await mine.goto(`${change}/chg`);
  await write(mine, 'textarea[name="chg.why"]', "Koden viste seg å ikke være nødvendig for analysen, siden datoen for utlevering er nok.");
  await reach(mine, 'input[name="chg.confirm"]');
  await mine.keyboard.press("Space");
  await enter(mine, '.actions button[name="go"][value="stay"]');
  await looked(mine, "12-change");
  await enter(mine, 'form[action$="/do/submit"] button');
  assert.equal(mine.url(), `${demo.url}/permits/${series}`, "it takes effect at once");
  await looked(mine, "12-versions");
  const changed = await read(mine, `/api/v1/permits/${series}/versions`);
  const versions = (changed.versions ?? changed).map((version) => version.permit_id.slice(-3));
  assert.deepEqual(versions.sort(), ["-01", "-02", "-03", "-04"]);

  // The auditor sees the whole chain of it.
  const auditor = await opened("auditor");
  await auditor.page.goto(`${demo.url}/cases/${id}/log`);
  assert.equal(await auditor.page.locator("main .notice.good").count(), 1, "the chain holds");
  await looked(auditor.page, "13-log");

  // The first decision maker was refused once, which the console tells of.
  for (const { page, faults } of [applicant, handler, source, expert, other, auditor]) {
    assert.deepEqual(faults, [], page.url());
    await page.context().close();
  }
});

test("a role is handed to a colleague and taken back, and somebody is excluded for a time", async () => {
  const [{ page }, { page: board }, { page: audit }] = await Promise.all(["case-handler-1", "decision-maker", "auditor"].map(opened));
  await page.goto(`${demo.url}/cases/delegations`);
  assert.equal(await page.locator("#taken ~ .empty").count(), 1);
  await page.locator('form[action="/cases/delegations"] button').click();
  await looked(page, "13-delegations");
  await audit.goto(`${demo.url}/cases/delegations`);
  assert.equal(await audit.locator("main tbody tr").count(), 1, "the auditor sees it");
  await looked(audit, "13-delegations-auditor");
  await page.locator('form[action$="/end"] button').click();
  assert.equal(await page.locator("#given ~ .empty").count(), 1);
  const { page: alone } = await opened("registry-handler");
  await alone.goto(`${demo.url}/cases/delegations`);
  assert.equal(await alone.locator("#hand-over ~ .empty").count(), 1, "no colleague: the page says so");
  const exclude = async (heard, name, text) => {
    await board.goto(`${demo.url}/cases/exclusions`);
    await board.locator('[name="organisation"]').fill("310001007");
    await board.locator('[name="until"]').fill(await board.locator('[name="until"]').getAttribute("max"));
    await board.locator('form[action="/cases/exclusions"] [name="reason"]').fill("Brøt vilkåret om ikke å koble dataene.");
    await board.locator('[name="heard"]').selectOption(heard);
    await board.locator(`[name="${name}"]`).fill(text);
    await press(board, 'form[action="/cases/exclusions"] button');
  };
  await exclude("notice", "heard_case", "A-2026-999999");
  assert.match(await board.locator("main .notice.bad li").innerText(), /^Sak: det finnes ingen sak/, "where the fault is, and what it is");
  await exclude("left_out", "heard_what", "Dataene måtte sikres straks.");
  assert.match(await board.locator("main .hits").innerText(), /Det syntetiske universitetet \(310001007\)[^]*Ikke hørt: Dataene måtte sikres straks/);
  await looked(board, "14-exclusions");
  await page.goto(`${demo.url}/cases/exclusions`);
  assert.equal(await page.locator("main form").count(), 0, "handlers read the list");
  await board.locator("details:has(> form) > summary").click();
  await board.locator('form[action="/cases/exclusions/end"] [name="reason"]').fill("Hørt, og vilkåret var ikke brutt likevel.");
  await board.locator('form[action="/cases/exclusions/end"] button').click();
  await board.locator("details.card summary").click();
  assert.match(await board.locator("details.card").textContent(), /Hørt, og vilkåret/);
});
