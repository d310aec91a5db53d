import { expect } from 'vitest';

/** What a reader of Markdown sees as text: without fences and code, whose inside means nothing. */
function outsideCode(text: string): string {
  return text.replace(/^(`{3,})\w*\n[\s\S]*?\n\1$/gm, '').replace(/`[^`\n]*`/g, '`');
}

/** Fences and parts that open are closed again, and no character is cut. */
export function expectWhole(text: string): void {
  const open: string[] = [];
  for (const line of text.split('\n')) {
    const [marks] = /^`{3,}/.exec(line) ?? [];
    if (marks === undefined) continue;
    if (open.length === 0) open.push(marks);
    else if (marks.length >= (open[0]?.length ?? 0) && line.trim() === marks) open.pop();
  }
  expect(open).toEqual([]);
  const outside = outsideCode(text);
  expect(outside.match(/<details>/g)?.length).toBe(outside.match(/<\/details>/g)?.length);
  expect(text.isWellFormed()).toBe(true);
}

/** Tags are ours, nobody is mentioned, no link or picture is made of foreign text, and each row has the columns of its head. */
export function expectNoForeignMarkup(text: string): void {
  const outside = outsideCode(text);
  const tags = [...outside.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
  for (const tag of tags)
    expect(tag).toMatch(/^<(\/?(details|summary|sub|code)|br|\/a|a href="https:\/\/[^"<>]*")>$/);
  expect(outside).not.toMatch(/@[\p{L}\p{N}]/u);
  expect(outside).not.toMatch(/\]\(|!\[|\$\$|\*\*\*/);
  for (const [, head, rule, body] of outside.matchAll(/^(\|.*)\n(\|(?: --- \|)+)\n((?:\|.*\n)+)/gm)) {
    const columns = rule?.split('|').length;
    for (const row of [head ?? '', ...(body ?? '').trimEnd().split('\n')])
      expect(row.split('|')).toHaveLength(columns ?? 0);
  }
}
