"""Summaries are written by the Celery worker; here they are ordered and counted."""

import asyncio

from fastapi import APIRouter, HTTPException

from bookreader.api.deps import StoreDep
from bookreader.schemas import SummaryCountsOut, SummaryIn, SummaryOut

router = APIRouter()
ENQUEUE_LIMIT_S = 2.0


@router.post("/summaries", status_code=202)
async def order_summary(order: SummaryIn, store: StoreDep) -> SummaryOut:
    await store.book(order.book_id)
    try:
        task = await asyncio.wait_for(asyncio.to_thread(enqueue, order), ENQUEUE_LIMIT_S)
    except Exception as error:
        raise HTTPException(503, "summaries can't be ordered now: no broker") from error
    return SummaryOut(task=task)


@router.get("/summaries/counts")
async def count_summaries(store: StoreDep) -> SummaryCountsOut:
    return await store.summary_counts()


def enqueue(order: SummaryIn) -> str:
    # Imported at the first order: Celery would add a good part of a second to every start.
    from bookreader.worker import summarize

    result = summarize.apply_async((order.book_id, order.seconds), retry=False)
    return str(result.id)
