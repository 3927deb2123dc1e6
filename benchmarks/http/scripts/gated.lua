-- Retrieve one of so many stops by id, or a page by a query, with a token if one is given. Every tenth stop is
-- of a type that is hidden from the public, and is not asked for.
local common = require("common")
local base, count, query, headers

function init(args)
  common.seed()
  base, count, query = common.base(), tonumber(args[1]), args[3]
  headers = { ["Accept"] = "application/json" }
  if args[2] ~= "-" then headers["Authorization"] = "Bearer " .. args[2] end
end

function request()
  local path = "/entities/urn:ngsi-ld:GtfsStop:" .. math.random(0, count / 10 - 1) * 10 + math.random(1, 9)
  if query and query ~= "" then path = "/entities?" .. query end
  return wrk.format("GET", base .. path, headers)
end

done = common.figures
