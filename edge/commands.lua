-- The commands `sluice …` of HAProxy's runtime API. Each answers with one line: `ok: …`, `refused: …`, or the status.

local json = require('json')
local replicas = require('replicas')
local Watch = require('watch')

local guard               -- see guard.lua
local commands = {}

local function is_colour(text) return text == 'blue' or text == 'green' end

local function outcome_of(nonce)
  for _, switch in ipairs(guard.finished) do
    if switch.nonce == nonce then return switch end
  end
end

local function already_ended(switch)
  return ('%s was already %s: %s (%s)'):format(switch.nonce, switch.outcome, switch.reason, switch.detail)
end

-- Why an order cannot be armed, or nil.
local function objection(from, to, nonce)
  local armed = guard.armed
  if armed then return ('armed by %s (%s to %s)'):format(armed.nonce, armed.from, armed.to) end
  if outcome_of(nonce) then return already_ended(outcome_of(nonce)) end
  if guard.active() ~= from then return ('%s is active, not %s'):format(guard.active(), from) end
  if replicas.up(to) < 1 then return ('no replica of %s is up'):format(to) end
end

function commands.switch(from, to, nonce, deadline_text, limits_text)
  if not (is_colour(from) and is_colour(to) and from ~= to) then return false, 'expected two colors' end
  if not (nonce and nonce:match('^[%w-]+$')) then return false, 'bad nonce' end
  local deadline = tonumber(deadline_text)
  if not (deadline and deadline > 0 and deadline <= 86400) then return false, 'bad deadline' end
  local limits, problem = Watch.limits(limits_text or '-')
  if not limits then return false, problem end
  local armed = guard.armed
  if armed and armed.nonce == nonce and armed.from == from and armed.to == to then
    return true, ('already armed by %s'):format(nonce)
  end
  problem = objection(from, to, nonce)
  if problem then return false, problem end
  guard.arm({ nonce = nonce, from = from, to = to, deadline = deadline, limits = limits })
  return true, ('%s is active, armed by %s for %g s'):format(to, nonce, deadline)
end

local function end_switch(outcome, nonce, detail)
  local armed = guard.armed
  if armed and armed.nonce == nonce then
    guard.finish(outcome, 'asked', detail)
    return true, ('%s is active, %s was %s'):format(guard.active(), nonce, outcome)
  end
  local before = nonce and outcome_of(nonce)
  if not before then return false, ('unknown nonce, %s is active'):format(guard.active()) end
  return before.outcome == outcome, already_ended(before)
end

function commands.confirm(nonce) return end_switch('confirmed', nonce, 'confirmed') end

function commands.revert(nonce, ...)
  local reason = table.concat({ ... }, ' ')
  return end_switch('reverted', nonce, reason ~= '' and reason or 'no reason given')
end

-- Without addresses: query DNS now. `-` removes the addresses of an earlier command.
function commands.servers(colour, list)
  if not is_colour(colour) then return false, 'expected a color' end
  local announced = list and {}
  for ip in (list or ''):gmatch('[^,]+') do
    if ip ~= '-' then
      if not (ip:match('^[%x.:]+$') and core.parse_addr(ip)) then return false, 'bad address ' .. ip end
      announced[#announced + 1] = ip
    end
  end
  local held, problem = replicas.announce(colour, announced)
  if not held then return false, problem end
  return true, ('%s is at %s'):format(colour, held ~= '' and held or 'no address')
end

-- Writes a file beside the socket once nothing is in flight, for scripts on the host.
function commands.drain(colour)
  if not is_colour(colour) then return false, 'expected a color' end
  if guard.armed or guard.active() == colour then return false, ('%s is in use'):format(colour) end
  guard.drain(colour)
  return true, ('%d in flight'):format(guard.totals(colour).all)
end

local function colour_status(colour)
  local sum = guard.totals(colour)
  return {
    up = replicas.up(colour), servers = json.list(replicas.list(colour)), current = sum.all, requests = sum.requests,
    status = sum.status,
  }
end

local unwatched = { colour = json.null, requests = 0, errors5xx = 0, slow = 0, seconds = 0 }

function commands.status()
  local time, armed = guard.now(), guard.armed
  return true, json.write({
    version = guard.version, service = guard.service, active = guard.active(),
    persisted = guard.persisted() or json.null, uptime = time - guard.started, held = guard.held(),
    connections = { current = guard.connections(), max = guard.max },
    armed = armed and {
      nonce = armed.nonce, from = armed.from, to = armed.to, armedAt = armed.at, deadlineIn = armed.ends - time,
      limits = armed.limits.text, stuck = armed.stuck or json.null,
    } or json.null,
    last = guard.finished[1] or json.null,
    watch = guard.watch and guard.watch:report(time) or unwatched,
    colours = { blue = colour_status('blue'), green = colour_status('green') },
  })
end

local usage = {
  switch = '<from> <to> <nonce> <deadline-s> [limits] : switch, and revert unless confirmed',
  confirm = '<nonce> : keep the new color',
  revert = '<nonce> [reason] : revert to the old color',
  servers = '<color> [ip,ip] : look for replicas now',
  drain = '<color> : write a file once nothing is in flight',
  status = ': show the status as JSON',
}

return function(the_guard)
  guard = the_guard
  guard.started = guard.now()
  for name, command in pairs(commands) do
    core.register_cli({ 'sluice', name }, ('sluice %s %s'):format(name, usage[name]), function(applet, _, _, ...)
      local fine, done, text = true, false, 'this process is ending'
      -- A connection made before a reload still reaches the old process, which no longer decides.
      if core.get_info().Stopping ~= 1 then fine, done, text = pcall(command, ...) end
      if not fine then done, text = false, 'internal error: ' .. tostring(done) end
      local prefix = not done and 'refused: ' or (name == 'status' and '' or 'ok: ')
      applet:send(prefix .. text .. '\n')
    end)
  end
end
