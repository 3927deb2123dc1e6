-- Create one entity.
local common = require("common")
local base, run
local number = 0

function init(args)
  run = common.seed()
  base = common.base()
end

function request()
  number = number + 1
  local id = "urn:ngsi-ld:Reading:" .. run .. "-" .. number
  return wrk.format("POST", base .. "/entities", common.json, common.entity(id, number))
end

done = common.figures
