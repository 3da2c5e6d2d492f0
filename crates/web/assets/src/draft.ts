// The application form saves by itself (ACC-024): at most two seconds after the last key what was written is sent, with the
// marks of what the page showed, so that the service knows what the writer has seen (ACC-025). What cannot be sent, because
// the session has ended or the network is away, is kept in this tab and sent when it can be (nothing is lost).
// Without this script the buttons of the form do the same.

type Answer = { status: string; marks: Record<string, string>; overwritten: string[]; panel: string };

const WAIT = 1500;
const AGAIN = 15000;
const SENT = "draft-sent";

/** What was written: names and values, without files and without what steers the form. */
function written(form: HTMLFormElement): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [name, value] of new FormData(form)) if (typeof value === "string") pairs.push([name, value]);
  return pairs;
}

class Draft {
  private timer = 0;
  private sending = false;
  private again = false;
  private readonly place: string;
  private readonly status = document.querySelector<HTMLElement>("[data-autosave-status]");

  constructor(private readonly form: HTMLFormElement) {
    this.place = `draft:${location.pathname}`;
    this.forget();
    this.restore();
    form.addEventListener("input", (event) => {
      if ((event.target as HTMLInputElement).type !== "file") this.later(WAIT);
    });
    form.addEventListener("change", (event) => this.upload(event.target as HTMLInputElement));
    form.addEventListener("submit", () => {
      window.clearTimeout(this.timer);
      sessionStorage.setItem(SENT, this.place);
    });
    window.addEventListener("online", () => this.later(0));
  }

  /** What a button of the form sent has arrived, unless a login came in between. */
  private forget() {
    const sent = sessionStorage.getItem(SENT);
    if (sent && !document.referrer.includes("/login")) sessionStorage.removeItem(sent);
    sessionStorage.removeItem(SENT);
  }

  /** Keeps in the tab first, then sends: a closed lid or a lost session costs nothing. */
  private later(wait: number) {
    this.keep();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.save(), wait);
  }

  private keep() {
    try {
      const pairs = written(this.form).filter(([name]) => name !== "_csrf" && !name.startsWith("was."));
      sessionStorage.setItem(this.place, JSON.stringify(pairs));
    } catch {
      // A full or forbidden store: the page itself still has everything.
    }
  }

  private async save() {
    if (this.sending) {
      this.again = true;
      return;
    }
    this.sending = true;
    const sent = new URLSearchParams(written(this.form));
    try {
      const answer = await fetch(this.form.dataset.draft!, { method: "POST", body: sent, headers: { accept: "application/json" } });
      if (answer.ok) this.saved((await answer.json()) as Answer);
      else if (answer.status === 401 || answer.status === 403) await this.session();
      else this.tell(this.status?.dataset.failed);
    } catch {
      this.tell(this.status?.dataset.offline);
      this.later(AGAIN);
    }
    this.sending = false;
    if (this.again) {
      this.again = false;
      void this.save();
    }
  }

  private saved(answer: Answer) {
    for (const [field, mark] of Object.entries(answer.marks)) {
      const input = this.form.elements.namedItem(`was.${field}`);
      if (input instanceof HTMLInputElement) input.value = mark;
    }
    this.tell(answer.status);
    const panel = document.querySelector("[data-panel]");
    // The server's own page fragment, escaped there.
    if (panel && answer.panel) panel.innerHTML = answer.panel;
    const notice = document.querySelector<HTMLElement>("[data-overwritten]");
    if (notice && answer.overwritten.length > 0) {
      notice.hidden = false;
      for (const text of answer.overwritten) {
        const line = document.createElement("p");
        line.textContent = text;
        notice.append(line);
      }
    }
    if (!this.again) sessionStorage.removeItem(this.place);
  }

  /** The token may be that of an older session: the page is asked for a new one; who is logged out gets a way back. */
  private async session() {
    const page = await fetch(location.pathname, { headers: { accept: "text/html" } });
    const token = page.redirected ? null : new DOMParser().parseFromString(await page.text(), "text/html").querySelector<HTMLInputElement>('form[data-draft] input[name="_csrf"]');
    if (token) {
      for (const input of document.querySelectorAll<HTMLInputElement>('input[name="_csrf"]')) input.value = token.value;
      this.later(0);
      return;
    }
    if (!this.status) return;
    const link = document.createElement("a");
    link.href = `/login?to=${encodeURIComponent(location.pathname)}`;
    link.textContent = this.status.dataset.login ?? "";
    this.status.replaceChildren(link);
  }

  private tell(text: string | undefined) {
    if (this.status) this.status.textContent = text ?? "";
  }

  /** Brings back what was kept in this tab and never reached the server. */
  private restore() {
    const kept = sessionStorage.getItem(this.place);
    if (!kept) return;
    let pairs: [string, string][];
    try {
      pairs = JSON.parse(kept) as [string, string][];
    } catch {
      sessionStorage.removeItem(this.place);
      return;
    }
    let changed = false;
    const controls = [...this.form.elements].filter((e): e is HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement => "value" in e && "name" in e);
    for (const control of controls) {
      const values = pairs.filter(([name]) => name === control.name).map(([, value]) => value);
      if (control instanceof HTMLInputElement && ["checkbox", "radio"].includes(control.type)) {
        const wanted = values.includes(control.value);
        if (pairs.some(([name]) => name === control.name) && control.checked !== wanted && !control.disabled) {
          control.checked = wanted;
          changed = true;
        }
      } else if (values.length > 0 && !["hidden", "file", "submit"].includes(control.type) && !("readOnly" in control && control.readOnly) && control.value !== values[values.length - 1]) {
        control.value = values[values.length - 1];
        changed = true;
      }
    }
    if (changed) {
      this.tell(this.status?.dataset.restored);
      this.later(0);
    } else sessionStorage.removeItem(this.place);
  }

  /** A file that was chosen is attached at once, with everything else that was written. */
  private upload(input: HTMLInputElement) {
    if (input.type !== "file" || !input.files?.length) return;
    const button = input.parentElement?.querySelector<HTMLButtonElement>('button[value^="upload:"]');
    if (button) this.form.requestSubmit(button);
  }
}

export function drafts() {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-draft]")) new Draft(form);
  document.querySelector<HTMLElement>("[data-errors]")?.focus();
}
