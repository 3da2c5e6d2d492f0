// Draws the pictures of docs/commands.md anew: a figure of each kind and a table of a model, from the examples of the documentation,
// as the demo shows them. Run by `node crates/web/assets/e2e/figures.mjs` when `hap` and the assets are built.
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { login, startBrowser, startDemo } from "./demo.mjs";

const docs = resolve(import.meta.dirname, "../../../../docs");
const figures = ["barchart", "boxplot", "coefplot", "hexbin", "histogram", "kaplan-meier", "piechart", "sankey", "weibull"];
const tables = ["regress"];

const demo = await startDemo(8000);
const browser = await startBrowser();
try {
  const page = await (await browser.newContext({ locale: "nb-NO", viewport: { width: 1280, height: 900 }, deviceScaleFactor: 1.5 })).newPage();
  await login(page, demo.url, "researcher");
  const run = async (name) => {
    const script = await readFile(`${docs}/examples/${name}.mdata`, "utf8");
    const run = await (await page.request.post(`${demo.url}/api/v1/explore/run`, { data: { script } })).json();
    return { run: run.id, last: run.results.at(-1).id };
  };
  for (const name of figures) {
    const { run: id, last } = await run(name);
    const file = await page.request.get(`${demo.url}/e/${id}/${last}.svg`);
    if (!file.ok()) throw new Error(`${name}: ${file.status()}`);
    await writeFile(`${docs}/img/figure-${name}.svg`, await file.body());
  }
  for (const name of tables) {
    const { run: id } = await run(name);
    await page.goto(`${demo.url}/explore/run/${id}`);
    await page.locator("article.result .hap-table-wrap").first().screenshot({ path: `${docs}/img/figure-${name}.png` });
  }
} finally {
  await browser.close();
  await demo.stop();
}
