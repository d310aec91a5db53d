-- A minimal DNS client for the addresses of a name. It uses TCP, so an answer can have any length.

local dns = {}

local TIMEOUT = 0.5       -- s; HAProxy's Lua sockets try three times to connect, that far apart
local TYPE = { A = 1, AAAA = 28 }

local function query(id, name, family)
  local labels = {}
  for label in name:gmatch('[^.]+') do labels[#labels + 1] = string.pack('s1', label) end
  local head = string.pack('>I2I2I2I2I2I2', id, 0x0100, 1, 0, 0, 0)
  local tail = string.pack('>I2I2', TYPE[family], 1)
  return string.pack('>s2', head .. table.concat(labels) .. '\0' .. tail)
end

local function after_name(message, at)
  while true do
    local length = message:byte(at)
    if length == 0 then return at + 1 end
    if length >= 0xC0 then return at + 2 end
    at = at + 1 + length
  end
end

local function text(data)
  if #data == 4 then return ('%d.%d.%d.%d'):format(data:byte(1, 4)) end
  local groups = { string.unpack('>I2I2I2I2I2I2I2I2', data) }
  for i = 1, 8 do groups[i] = ('%x'):format(groups[i]) end
  return table.concat(groups, ':', 1, 8)
end

local function addresses(message, family)
  local _, _, questions, answers = string.unpack('>I2I2I2I2', message)
  local at = 13
  for _ = 1, questions do at = after_name(message, at) + 4 end
  local found = {}
  for _ = 1, answers do
    local kind, _, _, data, next_at = string.unpack('>I2I2I4s2', message, after_name(message, at))
    if kind == TYPE[family] then found[#found + 1] = text(data) end
    at = next_at
  end
  table.sort(found)
  return found
end

local function ask(socket, server, names, family)
  socket:settimeout(TIMEOUT)
  if not socket:connect(server[1], server[2]) then return nil, 'no connection to DNS' end
  local answers = {}
  for id, name in ipairs(names) do
    if not socket:send(query(id, name, family)) then return nil, 'DNS closed the connection' end
    local size = socket:receive(2)
    local message = size and socket:receive((string.unpack('>I2', size)))
    if not message then return nil, 'no answer from DNS' end
    answers[id] = addresses(message, family)
  end
  return answers
end

-- Returns a sorted list of addresses for each name, empty for any answer without addresses (for an unknown name Docker
-- returns SERVFAIL if it has no upstream server). Returns nil and a message if DNS does not answer.
function dns.ask(server, names, family)
  local socket = core.tcp()
  local fine, answers, failure = pcall(ask, socket, server, names, family)
  pcall(socket.close, socket)
  if not fine then return nil, 'invalid answer from DNS: ' .. tostring(answers) end
  return answers, failure
end

-- The server in the container's resolv.conf; Docker's is 127.0.0.11.
function dns.system_server()
  for line in io.lines('/etc/resolv.conf') do
    local host = line:match('^%s*nameserver%s+(%S+)')
    if host then return { host, 53 } end
  end
  error('no nameserver in /etc/resolv.conf')
end

return dns
