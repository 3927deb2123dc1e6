-- Partial update: a new value for one attribute of one of the loaded entities.
local common = require("common")
local base, count

function init(args)
  common.seed()
  base, count = common.base(), tonumber(args[1])
end

function request()
  local path = base .. "/entities/urn:ngsi-ld:Reading:" .. math.random(0, count - 1) .. "/attrs/speed"
  return wrk.format("PATCH", path, common.json, '{"value":' .. math.random(0, 1000000) .. "}")
end

done = common.figures
