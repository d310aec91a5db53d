/** What the API answers, and how to ask it. */

export interface Book {
  id: number;
  title: string;
  author: string;
  pages: number;
}

export interface Version {
  version: string;
  host: string;
}

export const fetchBooks = () => get<Book[]>("/api/books");
export const fetchVersion = () => get<Version>("/api/version");

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path} answered ${String(response.status)}`);
  return (await response.json()) as T;
}
