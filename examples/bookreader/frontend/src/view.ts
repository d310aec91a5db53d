/** Puts data on the page. Only `textContent`: a book's title is text, whatever it contains. */

import type { Book, Version } from "./api";

export function showBooks(list: HTMLElement, books: Book[]): void {
  list.replaceChildren(
    ...books.map((book) => item(`${book.title} by ${book.author}, ${String(book.pages)} pages`)),
  );
}

export function showProblem(list: HTMLElement): void {
  list.replaceChildren(item("The books are not available at the moment."));
}

export function showVersion(footer: HTMLElement, { version, host }: Version): void {
  footer.textContent = `version ${version}, answered by ${host}`;
}

function item(text: string): HTMLLIElement {
  const element = document.createElement("li");
  element.textContent = text;
  return element;
}
