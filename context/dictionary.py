"""The texts of one column by their words, in one block that is mapped and never changed. Knows no column and nobody's rights.

Texts are found by the hash of their words, and words that are nearly another by their trigrams: three letters in a row, kept apart by
the word's first letter, which a slip keeps.
"""

from __future__ import annotations

import mmap
import struct
import sys
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from zlib import crc32

from answerable.context.words import singular

Key = tuple[str, ...]
Split = Callable[[str], Key]
"""The words by which a text is found; none for a text that nobody would say."""

FORM = f"1 {sys.byteorder}"
"""Changes with the shape of a block, and with how texts are split into words."""
_MAGIC = b"texts 1\n"
_SECTIONS = 10
_HEAD = struct.Struct(f"={len(_MAGIC)}sQ{_SECTIONS}Q")


class Dictionary:
    """One block, as `block` makes it. Raises ValueError for what is none."""

    def __init__(self, data: bytes | mmap.mmap, split: Split) -> None:
        view = memoryview(data)
        if len(view) < _HEAD.size:
            raise ValueError("no block")
        magic, self.longest, *sizes = _HEAD.unpack_from(view)
        if magic != _MAGIC or len(view) != _HEAD.size + sum(_padded(size) for size in sizes):
            raise ValueError("no block")
        parts, at = [], _HEAD.size
        for size in sizes:
            parts.append(view[at : at + size])
            at += _padded(size)
        self.split = split
        self.texts, self.words, self.ids = parts[1], parts[6], parts[9].cast("I")
        self.text_starts, self.key_hashes, self.key_ids = parts[0].cast("I"), parts[2].cast("I"), parts[3].cast("I")
        self.word_hashes, self.word_starts = parts[4].cast("I"), parts[5].cast("I")
        self.gram_hashes, self.gram_starts = parts[7].cast("I"), parts[8].cast("I")

    @classmethod
    def mapped(cls, file: Path, split: Split) -> Dictionary:
        """The block of a file, of which only what is looked at comes into memory. Raises OSError and ValueError."""
        with file.open("rb") as opened:
            return cls(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ), split)

    def __len__(self) -> int:
        return len(self.text_starts) - 1

    def __iter__(self) -> Iterator[str]:
        return map(self._text, range(len(self)))

    def find(self, key: Key) -> Iterator[str]:
        """The texts of these words."""
        hashed, hashes = _hash(_joined(key)), self.key_hashes
        at = bisect_left(hashes, hashed)
        while at < len(hashes) and hashes[at] == hashed:
            text = self._text(self.key_ids[at])
            if self.split(text) == key:
                yield text
            at += 1

    def has(self, word: str) -> bool:
        """Whether a text has this word."""
        said = _bytes(word)
        hashed, hashes = crc32(said), self.word_hashes
        at = bisect_left(hashes, hashed)
        while at < len(hashes) and hashes[at] == hashed:
            if self.words[self.word_starts[at] : self.word_starts[at + 1]] == said:
                return True
            at += 1
        return False

    def near(self, word: str, most: int) -> Iterator[str]:
        """The words that begin with the same letter and that `most` slips may have made into this one, or into its singular; and others.

        A slip takes away four trigrams at most (that of two letters in turn), so among 4 × most + 1 of them one is left. The rarest are
        looked at. Only of a plural without its ending, of fewer than 4 × most letters, all may be taken away.
        """
        found = set[int]()
        for form in {word, singular(word)}:
            spans = sorted((self._span(gram) for gram in _grams(form)), key=lambda span: span[1] - span[0])
            for start, end in spans[: 4 * most + 1]:
                found.update(self.ids[start:end])
        least = len(word) - most - 1
        for n in found:
            if self.word_starts[n + 1] - self.word_starts[n] >= least:
                yield str(self.words[self.word_starts[n] : self.word_starts[n + 1]], "utf-8", "surrogatepass")

    def _span(self, gram: str) -> tuple[int, int]:
        """Where the words of a trigram stand."""
        hashed, hashes = _hash(gram), self.gram_hashes
        at = bisect_left(hashes, hashed)
        if at < len(hashes) and hashes[at] == hashed:
            return self.gram_starts[at], self.gram_starts[at + 1]
        return 0, 0

    def _text(self, n: int) -> str:
        return str(self.texts[self.text_starts[n] : self.text_starts[n + 1]], "utf-8", "surrogatepass")


def block(texts: Iterable[str], split: Split) -> bytes:
    """Texts as a block, without those that have no words."""
    blob, starts = bytearray(), array("I", [0])
    keys, words, longest = array("Q"), dict[str, int](), 0
    for text in texts:
        if key := split(text):
            keys.append(_hash(_joined(key)) << 32 | len(starts) - 1)
            blob += _bytes(text)
            starts.append(len(blob))
            longest = max(longest, len(key))
            for word in key:
                words[word] = 0
    ordered = array("Q", sorted(keys))
    key_hashes, key_ids = array("I", (pair >> 32 for pair in ordered)), array("I", (pair & 0xFFFFFFFF for pair in ordered))
    return _packed(longest, [starts, blob, key_hashes, key_ids, *_worded(list(words))])


def _worded(words: list[str]) -> list[array[int] | bytearray]:
    words.sort(key=_hash)
    blob, starts = bytearray(), array("I", [0])
    posted: dict[str, list[int]] = defaultdict(list)
    for n, word in enumerate(words):
        blob += _bytes(word)
        starts.append(len(blob))
        for gram in () if word[0].isdigit() else set(_grams(word)):
            posted[gram].append(n)
    by_hash: dict[int, list[int]] = defaultdict(list)
    for gram, ids in posted.items():
        by_hash[_hash(gram)] += ids
    gram_starts, gram_ids = array("I", [0]), array("I")
    for hashed in sorted(by_hash):
        gram_ids.extend(by_hash[hashed])
        gram_starts.append(len(gram_ids))
    return [array("I", map(_hash, words)), starts, blob, array("I", sorted(by_hash)), gram_starts, gram_ids]


def _packed(longest: int, sections: list[array[int] | bytearray]) -> bytes:
    made = [bytes(section) for section in sections]
    sizes = map(len, made)
    return _HEAD.pack(_MAGIC, longest, *sizes) + b"".join(part.ljust(_padded(len(part)), b"\0") for part in made)


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def _grams(word: str) -> list[str]:
    """The trigrams of a word, each behind its first letter; the end of a word stands for two more letters, its beginning for one."""
    padded = f"\1{word}\2\2"
    first = word[0]
    return [first + padded[i : i + 3] for i in range(len(word) + 1)]


def _joined(key: Key) -> str:
    return "\1".join(key)


def _hash(text: str) -> int:
    return crc32(_bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
