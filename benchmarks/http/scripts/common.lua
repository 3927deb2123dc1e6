-- What the scripts share: where the API is, numbers that differ from run to run, figures at the end.
local M = {}

M.json = { ["Content-Type"] = "application/json" }

function M.base()
  return (wrk.path:gsub("/$", ""))
end

function M.seed()
  local file = assert(io.open("/dev/urandom", "rb"))
  local a, b, c, d = file:read(4):byte(1, 4)
  file:close()
  math.randomseed(((a * 256 + b) * 256 + c) * 128 + d % 128)
  return string.format("%02x%02x%02x%02x", a, b, c, d)
end

function M.figures(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    'wrk-figures {"requests":%d,"duration":%d,"failed":%d,"median":%d,"p99":%d}\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end

-- One entity of 1,024 bytes, as benchmarks/http/payload.py makes them, with an identifier of its own.
local form = '{"id":"%s","type":"Reading","name":{"type":"Property","value":"Station %d"},'
  .. '"temperature":{"type":"Property","value":%.1f,"unitCode":"CEL","observedAt":"2026-08-10T12:00:00Z",'
  .. '"accuracy":{"type":"Property","value":0.5}},'
  .. '"humidity":{"type":"Property","value":%d,"unitCode":"P1"},"speed":{"type":"Property","value":%d},'
  .. '"location":{"type":"GeoProperty","value":{"type":"Point","coordinates":[%.6f,%.6f]}},'
  .. '"refDevice":{"type":"Relationship","object":"urn:ngsi-ld:Device:%d"},'
  .. '"note":{"type":"Property","value":"%s"}}'
local filling = string.rep("z", 1024)

function M.entity(id, number)
  local short = string.format(form, id, number, number % 1000 / 10, number % 101, number % 60,
    -72 + math.random() * 2, -31 + math.random() * 2, number % 1000, "")
  return (short:gsub('"value":""}}$', '"value":"' .. filling:sub(1, 1024 - #short) .. '"}}'))
end

return M
