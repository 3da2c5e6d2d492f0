// The script editor is mounted on <textarea data-script-editor>; without it the textarea itself is the editor.
export {};
