"""Rules about who may see what: a closed profile of ODRL, compiled to views that the store executes.

From the ground up, all but the last two pure: `view` is what one principal may see; `model` a rule, `place` and `operands`
what may stand in one; `parse` reads policies, strictly; `decide` answers for one entity and attribute; `compile`, with
`portions`, for all of them at once; `rules` knows whom which rules concern; `shelf` keeps policies in the vault, and
`register` logs their changes and answers the gate.
"""
