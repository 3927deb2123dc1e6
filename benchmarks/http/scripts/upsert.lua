-- Batch upsert of as many entities as asked for, all new.
local common = require("common")
local base, run, size
local number = 0

function init(args)
  run = common.seed()
  base, size = common.base(), tonumber(args[1])
end

function request()
  local items = {}
  for i = 1, size do
    number = number + 1
    items[i] = common.entity("urn:ngsi-ld:Reading:" .. run .. "-" .. number, number)
  end
  local body = "[" .. table.concat(items, ",") .. "]"
  return wrk.format("POST", base .. "/entityOperations/upsert", common.json, body)
end

done = common.figures
