// Small helpers for every page. Everything works without them: links and forms come first.
import htmx from "htmx.org";
import "@digdir/designsystemet-web";

htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.selfRequestsOnly = true;

/** Asks before a form that cannot be undone is sent: <form data-confirm="…">. */
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  const question = form.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

/** A form that was sent once is not sent again by a double click. */
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  window.setTimeout(() => delete form.dataset.sent, 3000);
});

/** Fields of a form marked data-autosave are sent two seconds after the last key (ACC-024); the answer is shown beside the form's name. */
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-autosave]")) {
  let timer = 0;
  const status = document.querySelector<HTMLElement>("[data-autosave-status]");
  const save = async () => {
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    try {
      const answer = await fetch(form.dataset.autosave!, { method: "POST", body });
      if (status) status.textContent = answer.ok ? ((await answer.text()) || "") : status.dataset.failed ?? "";
    } catch {
      if (status) status.textContent = status.dataset.failed ?? "";
    }
  };
  form.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(save, 1500);
  });
}
