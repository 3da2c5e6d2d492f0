// The script editor: mounted on <textarea data-script-editor>, which stays the form's field. Words, errors and
// completions come from the server, which knows the language and the catalogue; only colours are decided here.
import { autocompletion, closeBrackets, completionKeymap, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, linter, type Diagnostic } from "@codemirror/lint";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, drawSelection, highlightActiveLine, hoverTooltip, keymap, lineNumbers, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { Runs } from "./run";

interface Problem { line: number; column: number; length: number; message: string; code: string; severity: "error" | "warning"; replacement: string | null }
interface Hover { text: string; line: number; column: number; length: number }
interface Proposal { label: string; detail?: string; kind?: string; from_column: number }

async function ask<T>(address: string, body: unknown): Promise<T | null> {
  try {
    const answer = await fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    return answer.ok ? ((await answer.json()) as T) : null;
  } catch {
    return null;
  }
}

function language(commands: Set<string>) {
  return StreamLanguage.define<{ start: boolean; block: boolean; option: boolean }>({
    startState: () => ({ start: true, block: false, option: false }),
    token(stream, state) {
      if (stream.sol()) {
        state.start = true;
        state.option = false;
        if (state.block) {
          if (stream.match(/^\s*endblock\s*$/)) { state.block = false; return "keyword"; }
          stream.skipToEnd();
          return "docComment";
        }
        if (stream.match(/^\s*textblock\s*$/)) { state.block = true; return "keyword"; }
        if (stream.match(/^\s*#.*/)) return "comment";
      }
      if (stream.eatSpace()) return null;
      if (stream.match("//")) { stream.skipToEnd(); return "comment"; }
      if (stream.match(/^'[^']*'?/) || stream.match(/^"[^"]*"?/)) { state.start = false; return "string"; }
      if (stream.match(/^\d{4}-\d{2}-\d{2}/) || stream.match(/^\d+(\.\d+)?/)) { state.start = false; return "number"; }
      const word = stream.match(state.start ? /^[a-z]+(-[a-z]+)*/ : /^[\p{L}_$][\p{L}\d_]*/u) as RegExpMatchArray | null;
      if (word) {
        const first = state.start;
        state.start = false;
        if (first && commands.has(word[0])) return "keyword";
        if (word[0] === "if" || word[0] === "as" || word[0] === "into" || word[0] === "by") return "keyword";
        return state.option ? "propertyName" : stream.match(/^\(/, false) ? "function" : "variableName";
      }
      const character = stream.next();
      if (character === ",") state.option = true;
      state.start = false;
      return character && "+-*/^&|!=<>".includes(character) ? "operator" : null;
    },
  });
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--ds-color-accent-text-subtle)", fontWeight: "600" },
  { tag: tags.comment, color: "var(--ds-color-neutral-text-subtle)", fontStyle: "italic" },
  { tag: tags.docComment, color: "var(--ds-color-neutral-text-subtle)" },
  { tag: tags.string, color: "var(--ds-color-success-text-subtle)" },
  { tag: tags.number, color: "var(--ds-color-info-text-subtle)" },
  { tag: tags.propertyName, color: "var(--ds-color-brand2-text-subtle)" },
  { tag: tags.function(tags.variableName), color: "var(--ds-color-info-text-default)" },
]);

const look = EditorView.theme({
  "&": { border: "1px solid var(--ds-color-neutral-border-default)", borderRadius: "0.4rem", backgroundColor: "var(--ds-color-neutral-background-default)", color: "inherit", fontSize: "0.95rem" },
  "&.cm-focused": { outline: "3px solid var(--ds-color-focus-outer)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace", lineHeight: "1.6", minHeight: "18rem" },
  ".cm-gutters": { backgroundColor: "var(--ds-color-neutral-surface-tinted)", color: "var(--ds-color-neutral-text-subtle)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--ds-color-accent-surface-tinted) 55%, transparent)" },
  ".cm-running": { boxShadow: "inset 3px 0 0 var(--ds-color-accent-base-default)" },
  ".cm-explained": { padding: "0.4rem 0.7rem", maxWidth: "32rem", whiteSpace: "pre-wrap" },
  ".cm-cursor": { borderLeftColor: "currentColor" },
  ".cm-tooltip": { backgroundColor: "var(--ds-color-neutral-surface-default)", color: "inherit", border: "1px solid var(--ds-color-neutral-border-default)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--ds-color-accent-base-default)", color: "var(--ds-color-accent-base-contrast-default)" },
});

/** The line that a run is at. */
const runningAt = StateEffect.define<number | null>();
const runningLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(lines, transaction) {
    let now = lines.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(runningAt)) continue;
      const line = effect.value;
      const known = line !== null && line <= transaction.state.doc.lines;
      now = known ? Decoration.set([Decoration.line({ class: "cm-running" }).range(transaction.state.doc.line(line).from)]) : Decoration.none;
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Explains the word under the pointer. */
const explain = hoverTooltip(async (view, position) => {
  const line = view.state.doc.lineAt(position);
  const column = [...view.state.sliceDoc(line.from, position)].length + 1;
  const found = await ask<Hover | null>("/api/v1/explore/hover", { script: view.state.doc.toString(), line: line.number, column });
  if (!found) return null;
  const from = at(view, found.line, found.column);
  return {
    pos: from, end: Math.min(view.state.doc.length, from + found.length), above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "cm-explained";
      dom.textContent = found.text;
      return { dom };
    },
  };
});

function mount(field: HTMLTextAreaElement) {
  const form = field.form;
  const commands = new Set((field.dataset.commands ?? "").split(" "));
  const list = document.querySelector<HTMLElement>("[data-problems]");

  const check = async (view: EditorView): Promise<Diagnostic[]> => {
    const answer = await ask<{ problems: Problem[] }>("/api/v1/explore/check", { script: view.state.doc.toString() });
    if (!answer) return [];
    if (list) {
      list.replaceChildren(...answer.problems.map((p) => {
        const item = document.createElement("li");
        const go = document.createElement("button");
        go.type = "button";
        go.className = "plain";
        go.textContent = `${p.line}:${p.column}`;
        go.addEventListener("click", () => {
          view.dispatch({ selection: { anchor: at(view, p.line, p.column) }, scrollIntoView: true });
          view.focus();
        });
        item.append(go, ` ${p.message} (${p.code})`);
        const replacement = p.replacement;
        if (replacement) {
          const apply = document.createElement("button");
          apply.type = "button";
          apply.className = "btn second small";
          apply.textContent = `${field.dataset.applyText} «${replacement}»`;
          apply.addEventListener("click", () => put(view, p.line, p.column, p.length, replacement));
          item.append(" ", apply);
        }
        return item;
      }));
    }
    return answer.problems.map((p) => {
      const from = at(view, p.line, p.column);
      const to = Math.min(view.state.doc.length, from + Math.max(1, p.length));
      return { from: Math.min(from, to), to, severity: p.severity, message: `${p.message} (${p.code})`,
        actions: p.replacement ? [{ name: `${field.dataset.applyText} «${p.replacement}»`, apply: () => put(view, p.line, p.column, p.length, p.replacement ?? "") }] : [] };
    });
  };

  const complete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const word = context.matchBefore(/[\p{L}\d_\/.$-]*/u);
    if (!context.explicit && (!word || word.from === word.to)) return null;
    const line = context.state.doc.lineAt(context.pos);
    const column = [...context.state.sliceDoc(line.from, context.pos)].length + 1;
    const answer = await ask<{ proposals: Proposal[] }>("/api/v1/explore/complete", { script: context.state.doc.toString(), line: line.number, column });
    const first = answer?.proposals[0];
    if (!answer || !first) return null;
    const start = [...line.text].slice(0, first.from_column - 1).join("").length;
    return { from: line.from + start, options: answer.proposals.map((p) => ({ label: p.label, detail: p.detail, type: p.kind })), validFor: /^[\p{L}\d_\/.]*$/u };
  };

  const run = () => {
    form?.requestSubmit(form.querySelector<HTMLButtonElement>("[data-run]"));
    return true;
  };
  const runFrom = (view: EditorView) => {
    if (form) void runs.start(form, view.state.doc.lineAt(view.state.selection.main.head).number);
    return true;
  };
  const tidy = (view: EditorView) => {
    void (async () => {
      const answer = await ask<{ script: string }>("/api/v1/explore/format", { script: view.state.doc.toString() });
      if (answer && answer.script !== view.state.doc.toString()) {
        const line = view.state.doc.lineAt(view.state.selection.main.head).number;
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: answer.script } });
        view.dispatch({ selection: { anchor: at(view, line, 1) }, scrollIntoView: true });
      }
      view.focus();
    })();
    return true;
  };
  const cancel = () => {
    void runs.cancel();
    return true;
  };

  const view = new EditorView({
    state: EditorState.create({
      doc: field.value,
      extensions: [
        EditorView.cspNonce.of(field.dataset.nonce ?? ""), lineNumbers(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), closeBrackets(),
        language(commands), syntaxHighlighting(colours), look, EditorView.lineWrapping,
        linter(check, { delay: 500 }), lintGutter(), autocompletion({ override: [complete] }), explain, runningLine,
        EditorView.contentAttributes.of({ "aria-label": field.dataset.label ?? "", spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((u) => { if (u.docChanged) field.value = u.state.doc.toString(); }),
        // Tab indents; Escape and then Tab leaves the editor, as the help beside it says.
        keymap.of([{ key: "Mod-Enter", run }, { key: "Mod-Shift-Enter", run: runFrom }, { key: "Shift-Alt-f", run: tidy }, { key: "Mod-.", run: cancel },
          ...completionKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
      ],
    }),
  });
  const runs = new Runs(() => results(view), (line) => view.dispatch({ effects: runningAt.of(line) }));
  form?.addEventListener("submit", (event) => {
    const button = event.submitter as HTMLButtonElement | null;
    if (button?.hasAttribute("formaction")) return;
    event.preventDefault();
    void runs.start(form).then((started) => { if (!started) HTMLFormElement.prototype.submit.call(form); });
  });
  for (const [selector, act] of [["[data-run-from]", runFrom], ["[data-format]", tidy]] as const) {
    const button = form?.querySelector<HTMLButtonElement>(selector);
    if (!button) continue;
    button.type = "button";
    button.hidden = false;
    button.addEventListener("click", () => act(view));
  }
  shortcuts();
  results(view);
  field.hidden = true;
  field.labels?.forEach((l) => l.removeAttribute("for"));
  field.after(view.dom);
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-insert]")) {
    button.addEventListener("click", () => {
      view.dispatch(view.state.replaceSelection(button.dataset.insert ?? ""));
      view.focus();
    });
  }
}

/** The list of shortcuts: by its button, and by `?` outside of fields. */
function shortcuts() {
  const dialog = document.querySelector<HTMLDialogElement>("[data-shortcuts-dialog]");
  const button = document.querySelector<HTMLButtonElement>("[data-shortcuts]");
  if (!dialog || !button) return;
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    const writing = target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
    if (event.key !== "?" || writing || dialog.open) return;
    event.preventDefault();
    dialog.showModal();
  });
}

/** Links of the results lead to their lines in the editor, and suggestions can be applied there. */
function results(view: EditorView) {
  const place = (e: HTMLElement) => [Number(e.dataset.line), Number(e.dataset.column)] as const;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("[data-results] a[data-line]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      view.dispatch({ selection: { anchor: at(view, ...place(link)) }, scrollIntoView: true });
      view.focus();
    });
  }
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-results] button[data-apply]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      put(view, ...place(button), Number(button.dataset.length), button.dataset.apply ?? "");
      button.disabled = true;
    });
  }
}

/** Puts a word in the place of another. */
function put(view: EditorView, line: number, column: number, length: number, word: string) {
  const from = at(view, line, column);
  const to = Math.min(at(view, line, column + length), view.state.doc.length);
  view.dispatch({ changes: { from, to, insert: word }, selection: { anchor: from + word.length }, scrollIntoView: true });
  view.focus();
}

/** Position of a line and column (both from 1; columns count characters, not code units). */
function at(view: EditorView, line: number, column: number): number {
  const found = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  return found.from + [...found.text].slice(0, column - 1).join("").length;
}

document.querySelectorAll<HTMLTextAreaElement>("textarea[data-script-editor]").forEach(mount);
