-- Batch upsert of entities that are there already, with other values.
local common = require("common")
local base, size, count

function init(args)
  common.seed()
  base, size, count = common.base(), tonumber(args[1]), tonumber(args[2])
end

function request()
  local items = {}
  local first = math.random(0, count - size)
  for i = 1, size do
    items[i] = common.entity("urn:ngsi-ld:Reading:" .. (first + i - 1), math.random(0, 100000))
  end
  local body = "[" .. table.concat(items, ",") .. "]"
  return wrk.format("POST", base .. "/entityOperations/upsert", common.json, body)
end

done = common.figures
