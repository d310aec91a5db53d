-- Writes JSON. Tables with [1] or marked by json.list are lists, others are objects with sorted keys.

local json = { null = {} }
local List = {}

function json.list(items) return setmetatable(items, List) end

local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return escapes[c] or ('\\u%04x'):format(c:byte()) end) .. '"'
end

function json.write(value)
  if value == json.null then return 'null' end
  if type(value) == 'string' then return quoted(value) end
  if type(value) == 'number' and math.type(value) == 'float' then return ('%.3f'):format(value) end
  if type(value) ~= 'table' then return tostring(value) end
  local parts = {}
  if value[1] ~= nil or getmetatable(value) == List then
    for i, item in ipairs(value) do parts[i] = json.write(item) end
    return '[' .. table.concat(parts, ',') .. ']'
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quoted(key) .. ':' .. json.write(value[key]) end
  return '{' .. table.concat(parts, ',') .. '}'
end

return json
