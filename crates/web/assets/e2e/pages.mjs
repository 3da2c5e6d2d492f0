// The pages that are looked at, with the persona they are for.

/** The address of the first case of the demo that a persona sees. */
async function firstCase(page, url) {
  const answer = await page.request.get(`${url}/api/v1/cases`);
  const { items } = await answer.json();
  return `/cases/${items[0].id}`;
}

/** The first case of a persona that was handed in. */
async function ownCase(page, url) {
  const { items } = await (await page.request.get(`${url}/api/v1/cases`)).json();
  return items.find((c) => c.number).id;
}

/** The series of a permit of a persona. */
async function ownPermit(page, url) {
  const view = await (await page.request.get(`${url}/api/v1/cases/${await ownCase(page, url)}`)).json();
  return view.decision.permit.series;
}

/** A change of that permit, being written. */
async function openChange(page, url) {
  const series = await ownPermit(page, url);
  return (await (await page.request.post(`${url}/api/v1/permits/${series}/changes`, { data: {} })).json()).id;
}

/** The number of an appeal: the first there is, else one that is lodged now. */
async function ownAppeal(page, url) {
  const known = await (await page.request.get(`${url}/api/v1/appeals`)).json();
  if (known.length > 0) return known[0].number;
  const id = await ownCase(page, url);
  const view = await (await page.request.get(`${url}/api/v1/cases/${id}`)).json();
  const payload = { parts: [view.decision.decision.parts[0].source], wanted: "Alle variablene det er søkt om.", suspend: false, signed: true };
  const data = { command_id: crypto.randomUUID(), expected_version: view.version, payload };
  await page.request.post(`${url}/api/v1/cases/${id}/commands/lodge_appeal`, { data });
  return (await (await page.request.get(`${url}/api/v1/appeals`)).json())[0].number;
}

/** A saved script with two versions. */
async function twoVersions(page, url) {
  const save = async (data) => (await page.request.post(`${url}/api/v1/explore/scripts`, { data })).json();
  const first = await save({ name: "Sivilstand", text: "let year = 2020\ncreate-dataset people\n", note: "" });
  await save({ id: first.id, expected: 1, name: "Sivilstand", text: "let year = 2021\ncreate-dataset people\n", note: "nytt år" });
  return first.id;
}

export const pages = [
  { name: "front", path: "/" },
  { name: "login", path: "/login" },
  { name: "help", path: "/help" },
  { name: "why-perturbed", path: "/help/why-perturbed" },
  { name: "why-perturbed-few", path: "/help/why-perturbed?n=5" },
  { name: "privacy", path: "/privacy" },
  { name: "accessibility", path: "/accessibility" },
  { name: "api", path: "/api" },
  { name: "find", path: "/find?q=diagnose" },
  { name: "find-nothing", path: "/find?q=qqqqqqqq" },
  { name: "sources", path: "/find/sources" },
  { name: "source", path: "/find/source/npr" },
  { name: "variable", path: "/find/variable/npr.somatikk.hovedtilstand" },
  { name: "cart", path: "/cart" },
  { name: "explore", persona: "researcher", path: "/explore", limit: 250 },
  { name: "explore-result", persona: "researcher", limit: 250, path: async (page, url) => {
    const script = "require no.ssb.fdb:1 as db\ncreate-dataset people\nimport db/BEFOLKNING_KJOENN as sex\nimport db/SIVSTANDFDT_SIVSTAND 2020-01-01 as marital\ntabulate marital sex\nbarchart (percent) marital\n";
    const answer = await page.request.post(`${url}/api/v1/explore/run`, { data: { script } });
    return `/explore/run/${(await answer.json()).id}`;
  } },
  { name: "explore-error", persona: "researcher", limit: 250, path: async (page, url) => {
    const answer = await page.request.post(`${url}/api/v1/explore/run`, { data: { script: "tabulate kjoen\n" } });
    return `/explore/run/${(await answer.json()).id}`;
  } },
  { name: "explore-link", persona: "researcher", limit: 250, path: async (page, url) => {
    const script = "require no.ssb.fdb:1 as db\ncreate-dataset people\nimport db/BEFOLKNING_KJOENN as sex\ntabulate sex\n";
    const answer = await page.request.post(`${url}/api/v1/explore/run`, { data: { script } });
    return `/e/${(await answer.json()).id}`;
  } },
  { name: "explore-versions", persona: "researcher", path: async (page, url) => `/explore/script/${await twoVersions(page, url)}/versions` },
  { name: "explore-compare", persona: "researcher", path: async (page, url) => `/explore/script/${await twoVersions(page, url)}/compare?from=1&to=2` },
  { name: "apply", persona: "researcher", path: "/apply" },
  { name: "application", persona: "researcher", path: async (page, url) => {
    await page.request.post(`${url}/api/v1/cart`, { data: { variable: "npr.somatikk.hovedtilstand" } });
    const answer = await page.request.post(`${url}/api/v1/cases`, { data: {} });
    return `/apply/${(await answer.json()).id}`;
  } },
  { name: "application-print", persona: "researcher", path: async (page, url) => `/apply/${await ownCase(page, url)}/print` },
  { name: "application-case", persona: "researcher", path: async (page, url) => `/apply/${await ownCase(page, url)}` },
  { name: "statistics-request", persona: "researcher", path: async (page, url) => {
    await page.request.post(`${url}/api/v1/cart`, { data: { variable: "npr.somatikk.hovedtilstand" } });
    const answer = await page.request.post(`${url}/api/v1/cases`, { data: { form: "statistics" } });
    return `/apply/${(await answer.json()).id}/tab`;
  } },
  { name: "permit", persona: "researcher", path: async (page, url) => `/permits/${await ownPermit(page, url)}` },
  { name: "change", persona: "researcher", path: async (page, url) => `/apply/${await openChange(page, url)}/chg` },
  { name: "appeals", persona: "case-handler-1", path: "/appeals" },
  { name: "appeal", persona: "researcher", path: async (page, url) => `/appeals/${await ownAppeal(page, url)}` },
  { name: "appeal-handler", persona: "case-handler-1", path: async (page, url) => {
    const known = await (await page.request.get(`${url}/api/v1/appeals`)).json();
    return known.length > 0 ? `/appeals/${known[0].number}` : "/appeals";
  } },
  { name: "cases", persona: "case-handler-1", path: "/cases" },
  { name: "case", persona: "case-handler-1", path: firstCase },
  { name: "deliveries", persona: "researcher", path: "/deliveries" },
  { name: "me", persona: "citizen", path: "/me" },
  { name: "me-uses", persona: "citizen", path: "/me/uses" },
  { name: "me-choices", persona: "citizen", path: "/me/choices" },
  { name: "me-log", persona: "citizen", path: "/me/log" },
  { name: "receipt", persona: "citizen", path: async (page, url) => {
    const answer = await page.request.post(`${url}/api/v1/me/choices`, { data: { choice: "reservation", scope: "kpr", value: true } });
    return `/me/receipts/${(await answer.json()).number}`;
  } },
  { name: "register", path: "/register" },
  { name: "register-entry", path: async (page, url) => {
    const { items } = await (await page.request.get(`${url}/api/v1/register`)).json();
    return `/register/${items[0].number}`;
  } },
  { name: "register-statistics", path: "/register/statistics" },
  { name: "supervision", persona: "decision-maker", path: async (page, url) => {
    const matter = { kind: "fine", amount_ore: 25000000, legal_basis: "EHDS artikkel 64 nr. 4" };
    const ground = { hearing: { kind: "held", on: "2026-01-02", statement: "Selskapet erkjente bruddet i et møte." } };
    const organisation = { number: "310001015", name: "Et selskap" };
    const summary = "Selskapet koblet utleverte data med egne registre, i strid med vilkårene.";
    await page.request.post(`${url}/api/v1/supervision`, { data: { on: "2026-01-05", organisation, summary, language: "nb", matter, ground } });
    return "/register/supervision";
  } },
  { name: "activity", path: "/register/activity?from=2026&to=2027" },
  { name: "outbox", persona: "administrator", path: "/outbox" },
  { name: "roles", persona: "administrator", path: "/roles" },
  { name: "role", persona: "administrator", path: async (page, url) => {
    const { items } = await (await page.request.get(`${url}/api/v1/roles?role=student`)).json();
    const grant = { role: "reviewer", organisation: "university" };
    await page.request.post(`${url}/api/v1/roles/${items[0].account}/give`, { data: { grant, reason: "Begynte i stillingen i november." } });
    return `/roles/${items[0].account}`;
  } },
  { name: "alerts", persona: "disclosure-steward", path: "/alerts?show=all" },
  { name: "audit", persona: "auditor", path: "/audit" },
  { name: "system", path: "/system" },
  { name: "account", persona: "researcher", path: "/account" },
];
