"""One module per format, each with one function `write(bag, material)`. A new format is one more
module here and one line in `cases.exports.profiles`."""
