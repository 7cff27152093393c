"""One file per format, all of one shape: `write(bag, material)`. A new format is a neighbour copied and rewritten, and a line in
`cases.exports.profiles`."""
