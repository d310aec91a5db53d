import type { RequestCounts } from '../model.ts';

export const noRequests: RequestCounts = { get: 0, head: 0, put: 0, copy: 0, delete: 0, list: 0, post: 0 };

export function addRequests(a: RequestCounts, b: Partial<RequestCounts>): RequestCounts {
  return {
    get: a.get + (b.get ?? 0),
    head: a.head + (b.head ?? 0),
    put: a.put + (b.put ?? 0),
    copy: a.copy + (b.copy ?? 0),
    delete: a.delete + (b.delete ?? 0),
    list: a.list + (b.list ?? 0),
    post: a.post + (b.post ?? 0),
  };
}

export function subtractRequests(a: RequestCounts, b: RequestCounts): RequestCounts {
  return {
    get: a.get - b.get,
    head: a.head - b.head,
    put: a.put - b.put,
    copy: a.copy - b.copy,
    delete: a.delete - b.delete,
    list: a.list - b.list,
    post: a.post - b.post,
  };
}
