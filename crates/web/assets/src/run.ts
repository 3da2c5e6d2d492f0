// Runs from the page: started over the API, followed by server-sent events, cancelled; at the end the results of the run's
// own page are put into this one, so that the editor keeps its place and its history.

interface Progress { state: string; statement: number; of: number; line: number; share: number; left_seconds: number | null }

/** What the form says about a run, apart from the text. */
function order(form: HTMLFormElement): Record<string, unknown> {
  const fields = new FormData(form);
  const value = (name: string) => String(fields.get(name) ?? "").trim();
  const params = Object.fromEntries(value("params").split("\n").filter((l) => l.includes("=")).map((l) => {
    const at = l.indexOf("=");
    return [l.slice(0, at).trim(), l.slice(at + 1).trim()];
  }));
  const from = Number.parseInt(value("from_line"), 10);
  return {
    script: String(fields.get("text") ?? ""), params, keep_going: value("keep_going") === "yes",
    ...(from > 0 ? { from_line: from } : {}), ...(value("id") ? { saved: value("id") } : {}),
  };
}

export class Runs {
  private readonly box = document.querySelector<HTMLElement>("[data-progress]");
  private readonly text = document.querySelector<HTMLElement>("[data-progress-text]");
  private readonly bar = this.box?.querySelector("progress") ?? null;
  private running: string | null = null;
  private events: EventSource | null = null;

  /** `shown` is called when new results stand in the page. */
  constructor(private readonly shown: () => void, private readonly at: (line: number | null) => void) {
    this.box?.querySelector("[data-cancel]")?.addEventListener("click", (event) => {
      event.preventDefault();
      void this.cancel();
    });
    const open = this.box?.dataset.runId;
    if (open) this.follow(open);
  }

  /** Starts a run of what the form says; false when the form must be sent in the ordinary way. */
  async start(form: HTMLFormElement, fromLine?: number): Promise<boolean> {
    if (!this.box || this.running) return this.box !== null;
    this.show(this.box.dataset.queued ?? "");
    let answer: Response;
    try {
      const body = JSON.stringify({ ...order(form), ...(fromLine ? { from_line: fromLine } : {}) });
      answer = await fetch("/api/v1/explore/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
    } catch {
      this.fail(this.box.dataset.failed);
      return true;
    }
    if (answer.status === 401) return false;
    if (!answer.ok) {
      this.fail(answer.status === 429 ? this.box.dataset.busy : this.box.dataset.failed);
      return true;
    }
    const { run_id } = (await answer.json()) as { run_id: string };
    this.follow(run_id);
    return true;
  }

  async cancel(): Promise<void> {
    if (this.running) await fetch(`/api/v1/explore/runs/${this.running}`, { method: "DELETE" });
  }

  private follow(run: string): void {
    this.running = run;
    this.show(this.box?.dataset.queued ?? "");
    const events = new EventSource(`/api/v1/explore/runs/${run}/events`);
    this.events = events;
    const told = (event: MessageEvent<string>) => this.progress(JSON.parse(event.data) as Progress);
    events.addEventListener("progress", told);
    events.addEventListener("end", (event) => {
      told(event as MessageEvent<string>);
      events.close();
      void this.end(run);
    });
    // The browser connects again by itself; a run that ended meanwhile answers with its end.
  }

  private progress(p: Progress): void {
    const { box, bar } = this;
    if (!box || !bar) return;
    if (p.state === "queued" || p.of === 0) {
      bar.removeAttribute("value");
      return;
    }
    const share = ((p.statement - 1) * 100 + p.share) / p.of;
    bar.value = share;
    const left = p.left_seconds ? ` · ${box.dataset.left} ${p.left_seconds}` : "";
    if (this.text) this.text.textContent = `${box.dataset.working} ${p.line}${left}`;
    this.at(p.line || null);
  }

  private async end(run: string): Promise<void> {
    this.running = null;
    this.at(null);
    const address = `/explore/run/${run}`;
    try {
      const page = await fetch(address, { headers: { accept: "text/html" } });
      const next = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("[data-results]");
      const here = document.querySelector("[data-results]");
      if (!page.ok || !next || !here) throw new Error(String(page.status));
      here.replaceChildren(...next.childNodes);
      history.replaceState(null, "", address);
      this.hide();
      this.shown();
    } catch {
      location.assign(address);
    }
  }

  private show(text: string): void {
    if (!this.box) return;
    this.box.hidden = false;
    this.box.classList.remove("bad");
    this.bar?.removeAttribute("hidden");
    this.bar?.removeAttribute("value");
    if (this.text) this.text.textContent = text;
  }

  private fail(text: string | undefined): void {
    this.running = null;
    if (this.text) this.text.textContent = text ?? "";
    this.box?.classList.add("bad");
    this.bar?.setAttribute("hidden", "");
  }

  private hide(): void {
    this.events = null;
    if (this.box) this.box.hidden = true;
    if (this.text) this.text.textContent = "";
  }
}
