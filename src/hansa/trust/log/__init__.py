"""The log of the gate: what was decided, in a Merkle tree that anyone can check from outside.

From the ground up: `hashing` and `tiles` are RFC 6962 and its tiles, `notes` signed notes, checkpoints and
cosignatures, `commitments` what an entry says without saying whom it is about (all pure); `keys` and
`files` keep it on disk, `book` writes it, `witness` cosigns the logs of others and `asking` has them
cosign ours.
"""
