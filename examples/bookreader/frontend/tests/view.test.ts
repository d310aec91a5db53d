import { beforeEach, expect, test } from "vitest";
import { showBooks, showProblem, showVersion } from "../src/view";

let element: HTMLElement;
beforeEach(() => {
  element = document.createElement("div");
});

test("shows one line per book", () => {
  showBooks(element, [
    { id: 1, title: "Middlemarch", author: "George Eliot", pages: 904 },
    { id: 2, title: "Austerlitz", author: "W. G. Sebald", pages: 415 },
  ]);
  expect([...element.children].map((line) => line.textContent)).toEqual([
    "Middlemarch by George Eliot, 904 pages",
    "Austerlitz by W. G. Sebald, 415 pages",
  ]);
});

test("a title is text, never markup", () => {
  showBooks(element, [{ id: 1, title: "<img src=x>", author: "Mallory", pages: 1 }]);
  expect(element.querySelector("img")).toBeNull();
});

test("a problem replaces the list", () => {
  showBooks(element, [{ id: 1, title: "Middlemarch", author: "George Eliot", pages: 904 }]);
  showProblem(element);
  expect(element.textContent).toBe("The books are not available at the moment.");
});

test("shows which version answered", () => {
  showVersion(element, { version: "v1.2.3", host: "backend-1" });
  expect(element.textContent).toBe("version v1.2.3, answered by backend-1");
});
