import { fetchBooks, fetchVersion } from "./api";
import { showBooks, showProblem, showVersion } from "./view";

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element #${id}`);
  return element;
}

const books = byId("books");
fetchBooks().then(
  (list) => { showBooks(books, list); },
  () => { showProblem(books); },
);
fetchVersion().then(
  (version) => { showVersion(byId("version"), version); },
  () => undefined, // decoration only: the page is complete without it
);
