import { afterEach, expect, test, vi } from "vitest";
import { fetchBooks, fetchVersion } from "../src/api";

afterEach(() => {
  vi.unstubAllGlobals();
});

function answer(body: unknown, status = 200) {
  const fetch = vi.fn(() => Promise.resolve(Response.json(body, { status })));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

test("asks for the version", async () => {
  const fetch = answer({ version: "v1.2.3", host: "backend-1" });
  expect(await fetchVersion()).toEqual({ version: "v1.2.3", host: "backend-1" });
  expect(fetch).toHaveBeenCalledWith("/api/version", expect.anything());
});

test("an error answer is an error, with path and status", async () => {
  answer({ detail: "the database is not available" }, 503);
  await expect(fetchBooks()).rejects.toThrow("/api/books answered 503");
});
