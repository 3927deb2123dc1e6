-- Retrieve one of the loaded entities, by id.
local common = require("common")
local base, count

function init(args)
  common.seed()
  base, count = common.base(), tonumber(args[1])
end

function request()
  return wrk.format("GET", base .. "/entities/urn:ngsi-ld:Reading:" .. math.random(0, count - 1))
end

done = common.figures
