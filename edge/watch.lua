-- Watches a color from the switch to its confirmation: counts its answers, and reports when it exceeds a limit.
-- Nothing here touches HAProxy; guard.lua passes in the totals. Times are seconds of a monotonic clock.

local Watch = {}
Watch.__index = Watch

local RECENT = 5          -- s: limits count over the whole watch and over this window, for errors that begin late
local SAMPLE_EVERY = 0.1  -- s
local WARM_UP = 1         -- s after the switch without latency limits: first requests are slow everywhere
local MIN_5XX = 5         -- errors before their share counts, unless the order says otherwise
local MIN_SLOW = 5        -- slow answers before their share counts, unless the order says otherwise
local MIN_ANSWERS = 20    -- answers before the latency counts
local DOWN_FOR = 0.3      -- s without a replica that is up
local STEP = math.log(1.1)

-- `max-5xx=1%,min-5xx=5,max-p95=800ms,min-slow=5`; all are optional, `-` means no limits. Returns nil and a message for invalid text.
function Watch.limits(text)
  local limits = { text = text }
  if text == '-' then return limits end
  for part in text:gmatch('[^,]+') do
    local name, value, unit = part:match('^([%l%d-]+)=(%d+%.?%d*)(%%?m?s?)$')
    local number = tonumber(value)
    if name == 'max-5xx' and unit == '%' and number <= 100 then limits.max_5xx = number / 100
    elseif name == 'min-5xx' and unit == '' and number >= 1 then limits.min_5xx = number
    elseif name == 'max-p95' and unit == 'ms' and number >= 1 then limits.max_ms = number
    elseif name == 'min-slow' and unit == '' and number >= 1 then limits.min_slow = number
    else return nil, 'bad limit "' .. part .. '"' end
  end
  return limits
end

-- `totals`: HAProxy's counts for the color so far, as in `verdict`.
function Watch.new(colour, limits, now, totals)
  local watch = {
    colour = colour, limits = limits, since = now, before = totals,
    answers = 0, errors = 0, tcp = 0, tcp_failed = 0, slow = 0, hung = 0, judged = 0, histogram = {},
    samples = {}, next_sample = now,
  }
  return setmetatable(watch, Watch)
end

-- One answer's headers. `ms`: waiting for a replica + connecting + the replica's time; nil for HAProxy's own answers.
function Watch:answer(status, ms, now)
  self.answers = self.answers + 1
  if status >= 500 then self.errors = self.errors + 1 end
  if not ms then return end
  local bucket = ms < 1 and 0 or math.floor(math.log(ms) / STEP) + 1
  self.histogram[bucket] = (self.histogram[bucket] or 0) + 1
  if now - self.since < WARM_UP then return end
  self.judged = self.judged + 1
  if self.limits.max_ms and ms > self.limits.max_ms then self.slow = self.slow + 1 end
end

-- Requests without an answer that are older than the latency limit: at least those that began before the limit's time,
-- minus all that were answered or aborted since. A stream counts as answered once its headers are sent.
local function unanswered(self, now, totals)
  if not self.limits.max_ms then return 0 end
  local patience = self.limits.max_ms / 1000
  local begun = 0
  for i = #self.samples, 1, -1 do
    if now - self.samples[i].at >= patience then begun = self.samples[i].begun break end
  end
  local open = begun - self.answers - (totals.aborted - self.before.aborted)
  return math.max(0, math.min(open, totals.current))
end

-- A window of a few seconds sometimes exceeds a limit by chance, so it must exceed it by three standard deviations. The
-- whole watch has no margin.
local function too_many(part, whole, limit, least, is_window)
  local expected = limit * whole
  return part >= least and part > expected + (is_window and 3 * math.sqrt(expected) or 0)
end

local function percent(value)
  return (('%.1f'):format(value * 100):gsub('%.0$', '')) .. '%'
end

-- Judges the counts since the sample `from`, or since the switch if nil.
function Watch:judge(from)
  local limits = self.limits
  local span = from and ('in %d s'):format(RECENT) or 'since the switch'
  local before = from or { errors = 0, answers = 0, slow = 0, judged = 0 }
  local errors, answers = self:all_errors() - before.errors, self:all_answers() - before.answers
  if limits.max_5xx and too_many(errors, answers, limits.max_5xx, limits.min_5xx or MIN_5XX, from) then
    return 'errors', ('%d of %d answers %s were errors (%s, limit %s)'):format(
      errors, answers, span, percent(errors / answers), percent(limits.max_5xx))
  end
  local slow, judged = self.slow + self.hung - before.slow, self.judged + self.hung - before.judged
  if limits.max_ms and judged >= MIN_ANSWERS and too_many(slow, judged, 0.05, limits.min_slow or MIN_SLOW, from) then
    local hung = self.hung > 0 and (', %d of them are still unanswered'):format(self.hung) or ''
    return 'latency', ('%d of %d answers %s took longer than %d ms%s'):format(slow, judged, span, limits.max_ms, hung)
  end
end

-- nil while the color is within its limits, else a reason ('errors', 'latency', 'down') and a sentence with the numbers.
-- `totals`: for HTTP `begun`, `aborted` (by clients) and `current` requests; for ports in TCP mode connections (`tcp`) and
-- failed ones (`tcp_failed`). `up`: number of replicas that are up.
function Watch:verdict(now, totals, up)
  self.tcp, self.tcp_failed = totals.tcp - self.before.tcp, totals.tcp_failed - self.before.tcp_failed
  self.hung = unanswered(self, now, totals)
  if now >= self.next_sample then self:sample(now, totals) end
  if up > 0 then
    self.down_since = nil
  else
    self.down_since = self.down_since or now
    if now - self.down_since >= DOWN_FOR then return 'down', 'no replica is up' end
  end
  local reason, detail = self:judge()
  if reason then return reason, detail end
  for _, sample in ipairs(self.samples) do
    if now - sample.at <= RECENT then return self:judge(sample) end
  end
end

function Watch:all_answers() return self.answers + self.tcp end
function Watch:all_errors() return self.errors + self.tcp_failed end

function Watch:sample(now, totals)
  self.next_sample = now + SAMPLE_EVERY
  local samples = self.samples
  samples[#samples + 1] = {
    at = now, begun = totals.begun - self.before.begun, answers = self:all_answers(), errors = self:all_errors(),
    slow = self.slow + self.hung, judged = self.judged + self.hung,
  }
  local keep = math.max(RECENT, (self.limits.max_ms or 0) / 1000) + 1
  while now - samples[1].at > keep do table.remove(samples, 1) end
end

-- The 95th percentile in ms: the upper bound of its histogram bucket, at most 10 % too high. nil without answers.
function Watch:p95()
  local buckets, total = {}, 0
  for bucket, count in pairs(self.histogram) do
    buckets[#buckets + 1] = bucket
    total = total + count
  end
  table.sort(buckets)
  local seen = 0
  for _, bucket in ipairs(buckets) do
    seen = seen + self.histogram[bucket]
    if seen >= total * 0.95 then return math.ceil(math.exp(bucket * STEP)) end
  end
end

function Watch:report(now)
  return {
    colour = self.colour, requests = self:all_answers(), errors5xx = self:all_errors(),
    slow = self.slow + self.hung, p95Ms = self:p95(),
    seconds = (self.ended or now) - self.since,
  }
end

return Watch
