"""Numbers are words of the search, whole and as the pages print them: 99.96, 1,102 and 102.

Sphinx cuts them at points and commas, and its page of results skips what is digits alone.
"""

import re

from sphinx.search.en import SearchEnglish

WORD = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|\d+(?:\.\d+)?(?!\w)|\w+")
# The same for what a reader types. A number below a thousand gets a space behind it, or it would
# be digits alone; one above, the comma that it is printed with.
JAVASCRIPT = r"""
var searchedWords =
  /\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\p{L}\p{N}_])|\d+(?:\.\d+)?(?![\p{L}\p{N}_])|[\p{L}\p{N}_]+/gu;
var printed = (word) => !/^\d+$/.test(word) ? word
  : word.length < 4 ? `${word} ` : word.replace(/\B(?=(\d{3})+$)/g, ",");
var splitQuery = (query) => (query.match(searchedWords) ?? []).map(printed);
"""


class EnglishAndNumbers(SearchEnglish):
    js_splitter_code = JAVASCRIPT

    def split(self, input):
        return [_printed(word) for word in WORD.findall(input)]


def _printed(word: str) -> str:
    if not re.fullmatch("[0-9]+", word):
        return word
    return f"{word} " if len(word) < 4 else re.sub(r"\B(?=(\d{3})+$)", ",", word)


def setup(app):
    app.add_search_language(EnglishAndNumbers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
