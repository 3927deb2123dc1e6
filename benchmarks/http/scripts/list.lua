-- Twenty entities of a type.
local common = require("common")
local base

function init(args)
  base = common.base()
end

function request()
  return wrk.format("GET", base .. "/entities?type=Reading&limit=20")
end

done = common.figures
