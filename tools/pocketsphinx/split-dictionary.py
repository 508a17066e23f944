"""Splits the pronunciations into those of the language model's words and the rest.

The decoder holds only the first (20 MB of memory less, and half the time to load); the rest is looked up when a
persona needs such a word. Usage: split-dictionary.py LANGUAGE_MODEL DICTIONARY OUT_KNOWN OUT_REST
"""
import sys

model, dictionary, known_path, rest_path = sys.argv[1:]
# The binary model ends with its words, each with a zero byte after it.
with open(model, "rb") as file:
    pieces = file.read().split(b"\0")[:-1]
words = set()
for piece in reversed(pieces):
    if not piece.isascii() or not piece.decode("ascii").isprintable() or not piece:
        break
    words.add(piece.decode("ascii"))
assert "hello" in words and len(words) > 50_000, len(words)

with open(dictionary) as file, open(known_path, "w") as known, open(rest_path, "w") as rest:
    for line in file:
        word = line.split()[0].split("(")[0]
        (known if word in words else rest).write(line)
